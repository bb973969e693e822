import ClusterModel
import Kernels
import Panel

extension PoolCheck {
    /// What is said of each candidate.
    func verdicts(_ candidates: [Candidate], _ columns: [[Double]]) throws(GridError) -> [CandidateView] {
        guard let pool else { return candidates.map { emptyView(of: $0) } }
        let question = CandidateQuestion(top: options.top, isAbsolute: options.isAbsolute, minOverlap: options.minOverlap)
        let outcomes = zip(candidates, columns).map { pool.check($1, id: $0.series.id, question) }
        var named = Set<Int>()
        for outcome in outcomes { named.formUnion(outcome.reaching + (outcome.most + outcome.least).map(\.alpha)) }
        let sharpes = try sharpes(named.sorted(), of: pool)
        return candidates.indices.map {
            Verdict(candidates[$0], own(candidates[$0]), columns[$0], outcomes[$0], pool, sharpes, options).view
        }
    }

    private func emptyView(of candidate: Candidate) -> CandidateView {
        var view = CandidateView(alphaID: candidate.series.id)
        view.sharpe = own(candidate)?.value
        view.sharpeSource = own(candidate)?.source
        return view
    }

    private func own(_ candidate: Candidate) -> KnownSharpe? {
        if let given = candidate.sharpe { return KnownSharpe(value: given, source: .given) }
        return SharpeRatio.annual(candidate.series.values, options.convention).map {
            KnownSharpe(value: $0, source: .computed)
        }
    }
}

/// The verdict on one candidate.
private struct Verdict {
    let candidate: PoolCheck.Candidate
    let own: KnownSharpe?
    let column: [Double]
    let outcome: CandidateOutcome
    let pool: CandidatePool
    let sharpes: [Int: KnownSharpe]
    let options: PoolCheck.Options
    /// Alphas that the candidate is too similar to, the hardest to surpass first; one whose Sharpe nobody knows is harder
    /// than all.
    let blocking: [Int]

    init(
        _ candidate: PoolCheck.Candidate, _ own: KnownSharpe?, _ column: [Double], _ outcome: CandidateOutcome,
        _ pool: CandidatePool, _ sharpes: [Int: KnownSharpe], _ options: PoolCheck.Options
    ) {
        self.candidate = candidate
        self.own = own
        self.column = column
        self.outcome = outcome
        self.pool = pool
        self.sharpes = sharpes
        self.options = options
        let ranks = pool.panel.ranks
        blocking = outcome.reaching.filter { !SubmissionRule.surpasses(own?.value, sharpes[$0]?.value) }.sorted { a, b in
            let (x, y) = (sharpes[a]?.value ?? .infinity, sharpes[b]?.value ?? .infinity)
            return x != y ? x > y : ranks[a] < ranks[b]
        }
    }

    /// Whether there was something to compare with, but nothing that could be compared.
    private var isUndefined: Bool { outcome.poolSize > 0 && outcome.pairCount == 0 }

    var view: CandidateView {
        var view = CandidateView(alphaID: candidate.series.id)
        view.verdict = isUndefined ? .undefined : blocking.isEmpty ? .pass : .fail
        view.reason = reason
        view.sharpe = own?.value
        view.sharpeSource = own?.source
        view.poolSize = outcome.poolSize
        view.pairCount = outcome.pairCount
        view.maxCorrelation = outcome.maximum?.r
        view.minCorrelation = outcome.minimum?.r
        view.reachingCount = outcome.reaching.count
        view.blockingCount = blocking.count
        let shown = pool.matches(Array(blocking.prefix(options.top)), column, minOverlap: options.minOverlap)
        view.blocking = shown.compactMap { $0.map(match) }
        view.most = outcome.most.map(match)
        view.least = outcome.least.map(match)
        return view
    }

    private func match(_ match: CandidateMatch) -> MatchView {
        var view = MatchView(alphaID: pool.panel.alphaIDs[match.alpha], correlation: match.r, days: match.days)
        view.sharpe = sharpes[match.alpha]?.value
        view.sharpeSource = sharpes[match.alpha]?.source
        if (options.isAbsolute ? match.r.magnitude : match.r) >= SubmissionRule.threshold {
            view.surpassed = SubmissionRule.surpasses(own?.value, view.sharpe)
        }
        return view
    }

    private var reason: String {
        guard outcome.poolSize > 0 else { return "the pool is empty, so there is nothing to compare with" }
        guard !isUndefined else {
            return "no correlation with any of the pool's alphas is defined, so nothing can be said: too few common days, or "
                + "a series that does not move"
        }
        let r = options.isAbsolute ? "|r|" : "r"
        let count = outcome.reaching.count
        guard count > 0 else { return "no alpha of the pool reaches \(r) \(SubmissionRule.threshold)" }
        let alphas = "\(count) \(count == 1 ? "alpha reaches" : "alphas reach") \(r) \(SubmissionRule.threshold)"
        guard let hardest = blocking.first else {
            return "\(alphas), and the candidate's Sharpe is at least 10 % above that of \(count == 1 ? "this alpha" : "each")"
        }
        let name = pool.panel.alphaIDs[hardest].printable
        guard let own else { return "\(alphas), and the candidate has no Sharpe to be above that of \(name)" }
        guard let sharpe = sharpes[hardest] else { return "\(alphas), and the Sharpe of \(name) is not known" }
        return "\(alphas), and Sharpe \(Self.rounded(own.value)) is not at least 10 % above the "
            + "\(Self.rounded(sharpe.value)) of \(name)"
    }

    private static func rounded(_ value: Double) -> String {
        value.magnitude < 1e9 ? "\((value * 1_000).rounded() / 1_000)" : "\(value)"
    }
}
