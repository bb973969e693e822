import CKernels
import ClusterModel
import Dispatch
import Panel

/// A pool made ready for questions about single series under one convention and window: 4 bytes per alpha and day besides
/// the panel itself.
///
/// Written in `init`, read-only from then on; any number of threads may ask at once.
package final class CandidatePool: @unchecked Sendable {
    package let panel: Panel
    package let convention: Convention
    /// Position of the first day whose return counts.
    package let firstDay: Int
    private let firstKept: Int
    private let keptDays: Int
    private let depth: Int
    // By layout position; see `ag_pool_rows`.
    private let rows: AlignedBuffer<Float>
    private let constancy: AlignedBuffer<Double>
    private let presence: AlignedBuffer<UInt64>?
    private let presenceWords: Int

    /// Takes as long as reading the panel's memory a few times: about 10 us per alpha and core.
    ///
    /// - Parameter firstDay: see `Panel.firstDay(of:)`.
    package init(panel: Panel, convention: Convention, firstDay: Int) {
        precondition((0..<panel.dayCount).contains(firstDay))
        self.panel = panel
        self.convention = convention
        self.firstDay = firstDay
        // No convention but daily-pnl has a return on the panel's first day.
        firstKept = max(firstDay, convention == .dailyPnL ? 0 : 1)
        keptDays = max(0, panel.dayCount - firstKept)
        depth = max(16, (keptDays + 15) / 16 * 16)
        rows = AlignedBuffer(count: panel.alphaCount * depth)
        constancy = AlignedBuffer(count: panel.alphaCount)
        presenceWords = convention.isPairwise ? (panel.dayCount + 63) / 64 : 0
        presence = convention.isPairwise ? AlignedBuffer(count: panel.alphaCount * presenceWords) : nil
        _ = Self.inParts(of: panel.blockCount, productsEach: panel.blockEdge * depth) { block in
            let alphas = panel.alphas(inBlock: block)
            let series = self.surveyed(panel.block(block), alphaCount: alphas.count, edge: panel.blockEdge)
            for (slot, alpha) in alphas.enumerated() { self.fill(alpha, series, slot) }
        }
    }

    /// Besides the panel.
    package var byteCount: Int { rows.byteCount + constancy.byteCount + (presence?.byteCount ?? 0) }

    private func surveyed(_ values: UnsafeBufferPointer<Double>, alphaCount: Int, edge: Int) -> SurveyedSeries {
        SurveyedSeries(
            values, alphaCount: alphaCount, edge: edge, dayCount: panel.dayCount, firstKept: firstKept, convention: convention)
    }

    private func fill(_ alpha: Int, _ series: SurveyedSeries, _ slot: Int) {
        var survey = ag_survey()
        if series.counts.pointer[slot] > 0 { survey = series.centredSurvey(of: slot) }
        ag_fill_row(
            series.returns(of: slot), keptDays, depth, survey.centre, survey.scale, survey.count, rows.pointer + alpha * depth)
        constancy.pointer[alpha] = survey.constancy
        if let presence { Self.markPresence(panel.series(alpha), presence.pointer + alpha * presenceWords) }
    }

    /// What one pass over the rows tells of a candidate's r with each alpha, by layout position.
    ///
    /// - Parameter column: the candidate's values on the panel's days.
    package func screen(_ column: [Double], minOverlap: Int) -> [ScreenedPair] {
        let candidate = prepare(column)
        let parts = Self.inParts(of: panel.blockCount, productsEach: panel.blockEdge * depth) { block in
            self.screen(self.panel.alphas(inBlock: block), candidate, UInt32(minOverlap))
        }
        return Array(parts.joined())
    }

    private func screen(_ alphas: Range<Int>, _ candidate: PreparedCandidate, _ minOverlap: UInt32) -> [ScreenedPair] {
        var (r, error) = ([Double](repeating: 0, count: alphas.count), [Double](repeating: 0, count: alphas.count))
        withExtendedLifetime(candidate) {
            var view = ag_pool_rows()
            view.count = alphas.count
            view.depth = depth
            view.rows = UnsafePointer(rows.pointer + alphas.lowerBound * depth)
            view.constancy = UnsafePointer(constancy.pointer + alphas.lowerBound)
            view.presence = presence.map { UnsafePointer($0.pointer + alphas.lowerBound * presenceWords) }
            view.presence_words = presenceWords
            view.first_kept = firstKept
            var asked = candidate.view
            ag_screen(&view, &asked, minOverlap, &r, &error)
        }
        return zip(r, error).map { ScreenedPair(r: $0, error: $1) }
    }

    /// A candidate as the C kernel takes it.
    private func prepare(_ column: [Double]) -> PreparedCandidate {
        let candidate = PreparedCandidate(depth: depth, presenceWords: presenceWords)
        column.withUnsafeBufferPointer { column in
            let series = surveyed(column, alphaCount: 1, edge: 1)
            if series.counts.pointer[0] > 0 {
                let (survey, returns) = (series.centredSurvey(of: 0), series.returns(of: 0))
                for day in 0..<keptDays where !returns[day].isNaN {
                    candidate.y.pointer[day] = (returns[day] - survey.centre) * survey.scale
                    candidate.mask.pointer[day] = .max
                }
                candidate.constancy = survey.constancy
            }
            if let presence = candidate.presence { Self.markPresence(column, presence.pointer) }
        }
        return candidate
    }

    private static func markPresence(_ series: UnsafeBufferPointer<Double>, _ bits: UnsafeMutablePointer<UInt64>) {
        for day in series.indices where !series[day].isNaN { bits[day / 64] |= 1 << UInt64(day % 64) }
    }

    // MARK: Threads

    /// Work worth another thread, half a millisecond of it: whoever waits for a busy core waits longer than for less.
    private static let productsPerPartMin = 1 << 20

    /// Does a loop on all cores where that pays; returns the results in order.
    static func inParts<T: Sendable>(of count: Int, productsEach: Int, _ body: @Sendable (Int) -> T) -> [T] {
        let each = max(1, productsPerPartMin / max(1, productsEach))
        let parts = (count + each - 1) / each
        guard parts > 2 else { return (0..<count).map(body) }
        return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            let results = Results(start: buffer.baseAddress)
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                for at in (part * each)..<min(count, (part + 1) * each) {
                    results.start.map { ($0 + at).initialize(to: body(at)) }
                }
            }
            initialized = count
        }
    }

    /// Safe to share because each element is written once, by the thread that made it.
    private struct Results<T>: @unchecked Sendable {
        let start: UnsafeMutablePointer<T>?
    }
}

/// What a pass over rounded returns says of one pair: r, NaN where undefined or not to be had that way; and how far at
/// most it is from the exact one, infinite where it is not to be had.
package struct ScreenedPair: Hashable, Sendable {
    package var r: Double
    package var error: Double
}

/// See `ag_candidate`. Written once, by `CandidatePool.prepare`, then only read.
final class PreparedCandidate: @unchecked Sendable {
    let y: AlignedBuffer<Double>
    let mask: AlignedBuffer<UInt64>
    let presence: AlignedBuffer<UInt64>?
    fileprivate(set) var constancy = 0.0

    fileprivate init(depth: Int, presenceWords: Int) {
        y = AlignedBuffer(count: depth)
        mask = AlignedBuffer(count: depth)
        presence = presenceWords > 0 ? AlignedBuffer(count: presenceWords) : nil
    }

    /// Valid as long as this object lives.
    var view: ag_candidate {
        var view = ag_candidate()
        view.y = UnsafePointer(y.pointer)
        view.mask = UnsafePointer(mask.pointer)
        view.constancy = constancy
        view.presence = presence.map { UnsafePointer($0.pointer) }
        return view
    }
}
