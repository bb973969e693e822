import ClusterModel
import Jobs
import Panel
import Store

/// The kinds of jobs that can be asked for. Each has a file beside this one that says what it reads, computes and
/// publishes; the rest of the service treats all alike.
package enum JobKind: String, CaseIterable, Sendable {
    case correlation
    case crossCorrelation = "cross-correlation"
    case features
    case clusters
    case selection

    init(parsing text: String) throws(GridError) {
        guard let kind = JobKind(rawValue: text) else {
            let names = JobKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw GridError(.usage, "kind '\(text.printable)' is unknown: expected one of \(names)")
        }
        self = kind
    }

    /// The pool a job takes when it names none.
    var defaultPool: String {
        switch self {
        case .correlation, .features, .clusters, .selection: PoolName.submitted
        case .crossCorrelation: PoolName.unsubmitted
        }
    }

    /// Whether it keeps the nearest neighbours of each alpha, so that somebody can say how many.
    package var keepsNeighbours: Bool { self == .correlation }

    /// Whether it looks at single pairs, so that somebody can say which.
    package var looksAtPairs: Bool { self == .correlation || self == .selection }

    /// - Throws: `GridError(.usage)` for a parameter that jobs of this kind do not have, or a value they cannot take.
    func checkParameters(_ params: [String: String], blockEdge: Int) throws(GridError) {
        switch self {
        case .correlation, .crossCorrelation, .features: try JobOptions(params, kind: rawValue).expectNothingElse()
        case .clusters:
            let parameters = try ClusterParameters(params)
            try parameters.expectCentres(parameters.clusters ?? 0, among: Limits.blocksPerTaskMax * blockEdge)
        case .selection: _ = try SelectionParameters(params, threshold: nil, absolute: false)
        }
    }

    /// Parameters that only this kind has.
    package var options: JobOptions {
        switch self {
        case .correlation, .crossCorrelation, .features: JobOptions([:], kind: rawValue)
        case .clusters: ClusterParameters.options
        case .selection: SelectionParameters.options
        }
    }

    /// Other pools that it reads, with the fewest alphas each pool needs.
    func alphasNeeded(pool: String) -> [(pool: String, alphas: Int)] {
        switch self {
        case .correlation: [(pool, 2)]
        case .crossCorrelation: [(pool, 1), (PoolName.submitted, 1)]
        case .features: [(pool, 1)]
        case .clusters, .selection: [(pool, 2)]
        }
    }

    /// Reads what a job needs.
    func prepare(_ view: JobView, with means: JobMeans) throws(GridError) -> PreparedJob {
        switch self {
        case .correlation: try .correlation(view, with: means)
        case .crossCorrelation: try .crossCorrelation(view, with: means)
        case .features: try .features(view, with: means)
        case .clusters: try .clusters(view, with: means)
        case .selection: try .selection(view, with: means)
        }
    }
}

/// What the service offers to a job that is being prepared.
struct JobMeans {
    /// Reads a pool of the job's region.
    var load: (_ pool: String) throws(GridError) -> LoadedPanel
    /// What is stored of the alphas of a pool.
    var metrics: (_ pool: String) throws(GridError) -> ByAlphaID<AlphaMetrics>
    /// Numeric profiles of the workers that are connected, as they describe themselves.
    var profiles: Set<String>
    /// Takes a sentence for the log.
    var log: @Sendable (String) -> Void
}

/// A job that can begin: what it computes, on what, and how its outcome is published.
struct PreparedJob: Sendable {
    var job: any GridJob
    /// Panels whose blocks workers will ask for.
    var panels: [Panel]
    /// What workers have to compute with; nil when the first lease may decide.
    var profile: NumericProfile?
    var alphaCount: Int
    var dayCount: Int
    var panelHash: String
    var warnings: [String]
    /// The digest of an outcome, and how to write it down: in one transaction that also saves the view, which gets the name
    /// of the table first. May be tried again.
    var result: @Sendable (JobOutcome) throws(GridError) -> JobResult
    /// What remains to be done when the result is published, on the job's thread; told what its workers computed with.
    var afterwards: @Sendable (NumericProfile) -> Void = { _ in }
}

/// What a finished job publishes.
struct JobResult: Sendable {
    var digest: String
    var publish: @Sendable (Store, inout JobView, Epoch) throws(GridError) -> Void
}

extension LoadedPanel {
    /// Alphas of the pool that could not take part.
    var warnings: [String] {
        guard !alphasWithoutPnL.isEmpty else { return [] }
        let count = alphasWithoutPnL.count
        let shown = alphasWithoutPnL.prefix(5).joined(separator: ", ") + (count > 5 ? ", ..." : "")
        return ["\(count) \(count == 1 ? "alpha of the pool has" : "alphas of the pool have") no PnL, so no row: \(shown)"]
    }
}

extension Publication {
    /// Where a job's rows go, and what they say they are of.
    init(_ view: JobView, isRegionsOwn: Bool, firstDay: Day, lastDay: Day) throws(GridError) {
        let parameters = try view.correlationParameters()
        self.init(
            region: try Region(view.region), target: isRegionsOwn ? .region : .job, jobID: view.jobID,
            convention: parameters.convention, window: parameters.window, minOverlap: parameters.minOverlap,
            windowStart: firstDay, windowEnd: lastDay)
    }
}
