import ClusterModel
import Kernels
import Panel

/// A check of candidates against a pool, whoever asks: the comparison, the verdicts and what is said about them.
package struct PoolCheck {
    package struct Candidate: Sendable {
        package var series: CandidateSeries
        /// As its owner says; computed from the PnL when nil.
        package var sharpe: Double?

        /// - Throws: `GridError(.usage)` for a Sharpe ratio that is no number.
        package init(series: CandidateSeries, sharpe: Double? = nil) throws(GridError) {
            if let sharpe, !sharpe.isFinite {
                throw GridError(.usage, "candidate \(series.id.printable): its Sharpe is \(sharpe): expected a number")
            }
            self.series = series
            self.sharpe = sharpe
        }

        /// The candidates of a file.
        ///
        /// - Parameter sharpe: of the only one.
        package static func all(of table: PnLTable, sharpe: Double? = nil) throws(GridError) -> [Candidate] {
            try PoolCheck.expectFew(table.alphaIDs.count)
            guard sharpe == nil || table.alphaIDs.count == 1 else {
                throw GridError(.usage, "a Sharpe is given for one candidate, and there are \(table.alphaIDs.count)")
            }
            var candidates: [Candidate] = []
            for (at, id) in table.alphaIDs.enumerated() {
                // The ids of a file without any are numbers, which name nobody of another file.
                let series = try CandidateSeries(
                    id: table.dates.isEmpty ? "candidate-\(at + 1)" : id, dates: table.dates, values: Array(table.series(at)))
                candidates.append(try Candidate(series: series, sharpe: sharpe))
            }
            return candidates
        }
    }

    /// What is asked beside the candidates.
    package struct Options: Sendable {
        package var convention: Convention
        package var window: Window
        package var minOverlap: Int
        package var top: Int
        package var isAbsolute: Bool

        /// - Throws: `GridError(.usage)` for numbers out of range.
        package init(
            convention: Convention, window: Window, minOverlap: Int, top: Int? = nil, isAbsolute: Bool = false
        ) throws(GridError) {
            _ = try CorrelationParameters(minOverlap: minOverlap)
            let top = top ?? 10
            guard (1...Limits.checkTopMax).contains(top) else {
                throw GridError(.usage, "top \(top) is not valid: expected a number from 1 to \(Limits.checkTopMax)")
            }
            self.convention = convention
            self.window = window
            self.minOverlap = minOverlap
            self.top = top
            self.isAbsolute = isAbsolute
        }
    }

    /// Sharpe ratios that are on record, by id.
    package typealias StoredSharpes = ([String]) throws(GridError) -> ByAlphaID<Double>

    /// The pool's; without alphas in it, one of the candidates.
    private let panel: Panel
    /// nil without alphas.
    let pool: CandidatePool?
    private let name: String
    let options: Options
    private let stored: StoredSharpes

    /// - Parameters:
    ///   - pool: made with the options' convention and window.
    ///   - name: names the pool in the answer.
    package init(
        pool: CandidatePool, name: String, options: Options, stored: @escaping StoredSharpes = { _ throws(GridError) in [:] }
    ) {
        precondition(pool.convention == options.convention)
        panel = pool.panel
        self.pool = pool
        self.name = name
        self.options = options
        self.stored = stored
    }

    /// A check where the pool has no alphas: there is nothing to be too similar to, but the candidates may be alike.
    package init(emptyPool name: String, options: Options, candidates: [Candidate]) throws(GridError) {
        try Self.expectDistinct(candidates)
        let dates = Set(candidates.flatMap(\.series.dates)).sorted()
        panel = try PanelBuilder(alphaIDs: ["none"], dates: dates, blockEdge: 1).finish()
        pool = nil
        self.name = name
        self.options = options
        stored = { _ throws(GridError) in [:] }
    }

    /// Candidates of one request, in order.
    package func view(_ candidates: [Candidate]) throws(GridError) -> CheckView {
        try Self.expectDistinct(candidates)
        var view = CheckView(
            pool: name, convention: options.convention.rawValue, window: options.window.description,
            minOverlap: options.minOverlap, absolute: options.isAbsolute, threshold: SubmissionRule.threshold)
        let firstDay = try panel.firstDay(of: options.window)
        view.poolSize = pool == nil ? 0 : panel.alphaCount
        if let start = panel.dates.dropFirst(firstDay).first, let end = panel.dates.last, pool != nil {
            (view.windowStart, view.windowEnd) = (start.description, end.description)
        }
        var columns: [[Double]] = []
        for candidate in candidates {
            let column = try candidate.series.column(of: panel)
            columns.append(column.values)
            view.warnings += warnings(candidate.series, column.leftOut)
        }
        view.candidates = try verdicts(candidates, columns)
        if candidates.count > 1 { view.candidateCorrelations = amongEachOther(columns, firstDay: firstDay) }
        return view
    }

    fileprivate static func expectFew(_ count: Int) throws(GridError) {
        guard (1...Limits.checkCandidatesMax).contains(count) else {
            throw GridError(.usage, "there are \(count) candidates: expected 1 to \(Limits.checkCandidatesMax)")
        }
    }

    private static func expectDistinct(_ candidates: [Candidate]) throws(GridError) {
        try expectFew(candidates.count)
        var seen = Set<[UInt8]>()
        for candidate in candidates where !seen.insert(Array(candidate.series.id.utf8)).inserted {
            throw GridError(.usage, "candidate \(candidate.series.id.printable) is there twice: expected different ids")
        }
    }

    private func warnings(_ series: CandidateSeries, _ leftOut: Int) -> [String] {
        let id = series.id.printable
        if !series.values.contains(where: { !$0.isNaN }) { return ["\(id) has no PnL at all, so no correlation is defined"] }
        guard leftOut > 0 else { return [] }
        return ["\(leftOut) \(leftOut == 1 ? "day" : "days") of \(id) left out, since the pool has no value of anyone on them"]
    }

    /// r of each pair of candidates.
    private func amongEachOther(_ columns: [[Double]], firstDay: Int) -> [[Double?]] {
        var matrix = [[Double?]](repeating: [Double?](repeating: 1, count: columns.count), count: columns.count)
        for i in columns.indices {
            for j in (i + 1)..<max(i + 1, columns.count) {
                let common = CommonReturns(columns[i], columns[j], options.convention, firstDay: firstDay)
                let r = common.correlation(minOverlap: options.minOverlap)
                (matrix[i][j], matrix[j][i]) = (r, r)
            }
        }
        return matrix
    }

    /// Sharpe ratios of alphas by layout position: on record, else from their PnL.
    func sharpes(_ alphas: [Int], of pool: CandidatePool) throws(GridError) -> [Int: KnownSharpe] {
        let known = try stored(alphas.map { pool.panel.alphaIDs[$0] })
        var sharpes: [Int: KnownSharpe] = [:]
        for alpha in alphas {
            if let value = known[pool.panel.alphaIDs[alpha]] {
                sharpes[alpha] = KnownSharpe(value: value, source: .stored)
            } else if let value = SharpeRatio.annual(pool.panel.series(alpha), pool.convention) {
                sharpes[alpha] = KnownSharpe(value: value, source: .computed)
            }
        }
        return sharpes
    }
}

struct KnownSharpe {
    var value: Double
    var source: SharpeSource
}
