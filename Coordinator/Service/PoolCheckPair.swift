import ClusterModel
import Kernels
import Panel

/// One pair of a panel under every convention: what `alphagrid explain` shows.
package enum PoolCheckPair {
    /// - Parameter poolName: names the panel's source.
    /// - Throws: `GridError(.notFound)` naming an alpha that is not there, `.usage` when both are the same.
    package static func view(
        _ a: String, _ b: String, in panel: Panel, poolName: String, window: Window, minOverlap: Int
    ) throws(GridError) -> PairView {
        _ = try CorrelationParameters(minOverlap: minOverlap)
        let (first, second) = (try position(a, panel, poolName), try position(b, panel, poolName))
        guard first != second else { throw GridError(.usage, "\(a.printable) is given twice: expected two different alphas") }
        let (x, y) = (panel.series(first), panel.series(second))
        let firstDay = try panel.firstDay(of: window)
        let correlations = Convention.allCases.map { convention in
            let common = CommonReturns(x, y, convention, firstDay: firstDay)
            func part(_ range: Range<Int>) -> PairView.Correlation {
                let ends = common.ends[range]
                return PairView.Correlation(
                    correlation: common.correlation(range, minOverlap: minOverlap), days: range.count,
                    firstDay: ends.first.map { name($0, panel) }, lastDay: ends.last.map { name($0, panel) },
                    reason: common.reason(range, minOverlap: minOverlap, names: (String(a.printable), String(b.printable))))
            }
            var whole = part(0..<common.count)
            whole.convention = convention.rawValue
            whole.years = years(of: common.ends, panel).map { year, range in
                var one = part(range)
                one.year = year
                return one
            }
            return whole
        }
        return PairView(
            pool: poolName, window: window.description, minOverlap: minOverlap,
            alphas: [series(a, x, panel), series(b, y, panel)], correlations: correlations)
    }

    private static func position(_ id: String, _ panel: Panel, _ poolName: String) throws(GridError) -> Int {
        guard let position = panel.alpha(withID: id) else {
            throw GridError(.notFound, "there is no alpha '\(id.printable)' with PnL in \(poolName)")
        }
        return position
    }

    private static func series(_ id: String, _ values: UnsafeBufferPointer<Double>, _ panel: Panel) -> PairView.Series {
        let present = values.indices.filter { !values[$0].isNaN }
        let span = present.isEmpty ? 0 : present[present.count - 1] - present[0] + 1
        return PairView.Series(
            alphaID: id, firstDay: present.first.map { name($0, panel) }, lastDay: present.last.map { name($0, panel) },
            days: present.count, gaps: span - present.count)
    }

    /// Runs of ascending days that are in the same calendar year; none without dates.
    private static func years(of days: [Int], _ panel: Panel) -> [(year: String, range: Range<Int>)] {
        guard !panel.dates.isEmpty else { return [] }
        var years: [(year: String, range: Range<Int>)] = []
        var lastDay = Day.earliest
        for (at, day) in days.enumerated() {
            if panel.dates[day] <= lastDay, let current = years.popLast() {
                years.append((current.year, current.range.lowerBound..<(at + 1)))
            } else {
                let year = String(panel.dates[day].description.prefix(4))
                years.append((year, at..<(at + 1)))
                lastDay = (try? Day(parsing: "\(year)-12-31")) ?? panel.dates[day]
            }
        }
        return years
    }

    private static func name(_ position: Int, _ panel: Panel) -> String {
        panel.dates.isEmpty ? "day \(position + 1)" : panel.dates[position].description
    }
}
