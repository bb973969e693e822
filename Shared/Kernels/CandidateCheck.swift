import CKernels
import ClusterModel
import Panel

/// What is asked about a candidate.
package struct CandidateQuestion: Sendable {
    /// How many of the most and of the least correlated alphas, at least 1.
    package var top: Int
    /// Whether |r| decides who is most correlated and who reaches the threshold, not r.
    package var isAbsolute: Bool
    /// Fewest common returns of a defined pair, at least 2.
    package var minOverlap: Int
    package var threshold: Double

    package init(top: Int = 10, isAbsolute: Bool = false, minOverlap: Int, threshold: Double = SubmissionRule.threshold) {
        precondition(top >= 1 && minOverlap >= 2)
        self.top = top
        self.isAbsolute = isAbsolute
        self.minOverlap = minOverlap
        self.threshold = threshold
    }
}

/// An alpha of the pool and its correlation with a candidate, by the two-pass kernel.
package struct CandidateMatch: Hashable, Sendable {
    /// Layout position in the panel.
    package var alpha: Int
    package var r: Double
    /// Common returns.
    package var days: Int
}

/// How a candidate relates to a pool.
package struct CandidateOutcome: Sendable {
    /// Alphas compared with: the pool without the candidate itself.
    package var poolSize: Int
    /// Defined pairs.
    package var pairCount = 0
    /// Largest and smallest r, whatever `isAbsolute` says; nil without a defined pair.
    package var maximum: CandidateMatch?
    package var minimum: CandidateMatch?
    /// By falling and by rising r (|r| when absolute); equal ones by id, bytewise.
    package var most: [CandidateMatch] = []
    package var least: [CandidateMatch] = []
    /// Layout positions, ascending, of the alphas whose r (|r| when absolute) is at least the threshold.
    package var reaching: [Int] = []
    /// Pairs that the two-pass kernel decided.
    package var exactPairs = 0
}

extension CandidatePool {
    /// Compares a candidate with every alpha of the pool but one of its own id. Blocks; uses all cores where that pays.
    ///
    /// Every r that is returned is exact (within 1e-10 of the returns' own correlation for kappa <= 1e6), and so are the
    /// counts, the order and who reaches the threshold.
    ///
    /// - Parameter column: the candidate's values on the panel's days (`CandidateSeries.column`).
    package func check(_ column: [Double], id: String, _ question: CandidateQuestion) -> CandidateOutcome {
        precondition(column.count == panel.dayCount)
        let own = panel.alpha(withID: id)
        var screen = CandidateScreen(pool: self, column: column, own: own, minOverlap: question.minOverlap)
        return screen.outcome(question, poolSize: panel.alphaCount - (own == nil ? 0 : 1))
    }

    /// A candidate's r with some alphas by the two-pass kernel; nil where it is undefined.
    package func matches(_ alphas: [Int], _ column: [Double], minOverlap: Int) -> [CandidateMatch?] {
        let returns = convention.isPairwise ? [] : convention.returns(of: column)
        let tolerance = column.withUnsafeBufferPointer(convention.tolerance)
        // One pair costs as much as screening a few dozen.
        return Self.inParts(of: alphas.count, productsEach: 32 * panel.dayCount) { at in
            let (r, days) = self.correlation(of: alphas[at], column, returns, tolerance)
            return days < minOverlap || r.isNaN ? nil : CandidateMatch(alpha: alphas[at], r: r, days: days)
        }
    }

    /// The same as `CommonReturns` without a list of days, and several times as fast.
    private func correlation(
        of alpha: Int, _ column: [Double], _ returns: [Double], _ tolerance: Double
    ) -> (r: Double, days: Int) {
        let series = panel.series(alpha)
        let room = panel.dayCount + 8
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * room) { memory in
            let x = UnsafeMutableBufferPointer(rebasing: memory[..<room])
            let y = UnsafeMutableBufferPointer(rebasing: memory[room..<(2 * room)])
            var count = 0
            if convention.isPairwise {
                column.withUnsafeBufferPointer { column in
                    convention.forEachPairReturn(of: series, and: column, firstDay: firstDay) {
                        (x[count], y[count]) = ($0, $1)
                        count += 1
                    }
                }
            } else {
                let own = UnsafeMutableBufferPointer(rebasing: memory[(2 * room)..<(2 * room + panel.dayCount)])
                convention.returns(of: series, into: own)
                for day in firstDay..<panel.dayCount where !own[day].isNaN && !returns[day].isNaN {
                    (x[count], y[count]) = (own[day], returns[day])
                    count += 1
                }
            }
            return (ag_two_pass(x.baseAddress, y.baseAddress, count, convention.tolerance(of: series), tolerance), count)
        }
    }
}

/// What is known of a candidate's correlation with each alpha: at first from one pass over float32 rows, with a rigorous
/// bound of its error, so that only the few alphas that may be among those asked for need the two-pass kernel.
private struct CandidateScreen {
    private let pool: CandidatePool
    private let column: [Double]
    private let minOverlap: Int
    /// By layout position; see `CandidatePool.screen`. An error of 0 says that r is exact.
    private var screened: [ScreenedPair]
    /// Of exact pairs, common returns.
    private var days: [Int: Int] = [:]
    private var exactPairs = 0

    init(pool: CandidatePool, column: [Double], own: Int?, minOverlap: Int) {
        self.pool = pool
        self.column = column
        self.minOverlap = minOverlap
        screened = pool.screen(column, minOverlap: minOverlap)
        if let own { screened[own] = ScreenedPair(r: .nan, error: 0) }
        decide(screened.indices.filter { screened[$0].error == .infinity })
    }

    mutating func outcome(_ question: CandidateQuestion, poolSize: Int) -> CandidateOutcome {
        let signed: (Double) -> Double = { $0 }
        let chosen: (Double) -> Double = question.isAbsolute ? { $0.magnitude } : signed
        var wanted = Set(largest(question.top, chosen) + largest(question.top) { -chosen($0) })
        if question.isAbsolute { wanted.formUnion(largest(1, signed) + largest(1) { -$0 }) }
        for (alpha, pair) in screened.enumerated() where (chosen(pair.r) - question.threshold).magnitude <= pair.error {
            wanted.insert(alpha)
        }
        let named = wanted.sorted()
        decide(named.filter { screened[$0].error > 0 })

        var outcome = CandidateOutcome(poolSize: poolSize)
        for (alpha, pair) in screened.enumerated() where !pair.r.isNaN {
            outcome.pairCount += 1
            if chosen(pair.r) >= question.threshold { outcome.reaching.append(alpha) }
        }
        outcome.most = ranked(named, question.top, chosen)
        outcome.least = ranked(named, question.top) { -chosen($0) }
        outcome.maximum = ranked(named, 1, signed).first
        outcome.minimum = ranked(named, 1) { -$0 }.first
        outcome.exactPairs = exactPairs
        return outcome
    }

    /// Replaces the r of some alphas by the exact one.
    private mutating func decide(_ alphas: [Int]) {
        exactPairs += alphas.count
        for (alpha, match) in zip(alphas, pool.matches(alphas, column, minOverlap: minOverlap)) {
            screened[alpha] = ScreenedPair(r: match?.r ?? .nan, error: 0)
            days[alpha] = match?.days
        }
    }

    /// All alphas that may be among the `top` ones with the largest key, given the errors.
    private func largest(_ top: Int, _ key: (Double) -> Double) -> [Int] {
        let defined = screened.indices.filter { !screened[$0].r.isNaN }
        guard defined.count > top else { return defined }
        let low = defined.map { key(screened[$0].r) - screened[$0].error }
        var scratch = low
        let floor = ag_select_f64(low, low.count, low.count - top, &scratch)
        return defined.filter { key(screened[$0].r) + screened[$0].error >= floor }
    }

    private func ranked(_ alphas: [Int], _ top: Int, _ key: (Double) -> Double) -> [CandidateMatch] {
        let ranks = pool.panel.ranks
        let sorted = alphas.filter { !screened[$0].r.isNaN }.sorted { a, b in
            let (x, y) = (key(screened[a].r), key(screened[b].r))
            return x != y ? x > y : ranks[a] < ranks[b]
        }
        return sorted.prefix(top).map { CandidateMatch(alpha: $0, r: screened[$0].r, days: days[$0] ?? 0) }
    }
}
