import ClusterModel
import Store

extension JobRequest {
    static let prioritiesAllowed = -1_000...1_000

    /// Checks what depends on the kind of job alone.
    package func validateForKind() throws(GridError) {
        let kind = try JobKind(parsing: kind)
        if !kind.keepsNeighbours, top != nil {
            throw GridError(.usage, "top is not for \(kind.rawValue), which keeps no neighbours")
        }
        if !kind.looksAtPairs, threshold != nil || absolute != nil {
            throw GridError(.usage, "threshold and absolute are not for \(kind.rawValue), which keeps no single pairs")
        }
        try kind.checkParameters(params ?? [:], blockEdge: blockEdge ?? CorrelationParameters.defaultBlockEdge)
    }

    /// The job this request asks for, with the region's settings where it says nothing; its number is not known yet.
    ///
    /// - Parameter settings: the region's configured parameters; nil when the database does not know the region.
    /// - Throws: `GridError` naming the field that is wrong and what was expected.
    func resolve(region: Region, settings: RegionSettings?, now: String) throws(GridError) -> JobView {
        try validateForKind()
        let kind = try JobKind(parsing: kind)
        let priority = priority ?? 0
        guard Self.prioritiesAllowed.contains(priority) else {
            throw GridError(.usage, "priority \(priority) is not valid: expected a number from -1000 to 1000")
        }
        guard let settings else {
            throw GridError(
                .notFound, "region \(region) has no PnL: import some with 'alphagrid db import FILE --region \(region)'")
        }
        let parameters = try CorrelationParameters(
            convention: try convention.map { text throws(GridError) in try Convention(parsing: text) } ?? settings.convention,
            window: try window.map { text throws(GridError) in try Window(parsing: text) } ?? settings.window,
            minOverlap: minOverlap ?? settings.minOverlap,
            precision: try precision.map { text throws(GridError) in try Precision(parsing: text) } ?? .float64,
            blockEdge: blockEdge ?? CorrelationParameters.defaultBlockEdge,
            neighbours: top ?? CorrelationParameters.defaultNeighbours,
            edges: try EdgeRule(threshold: effectiveThreshold, absolute: absolute))
        var view = JobView(
            jobID: JobID(0), kind: kind.rawValue, region: region.name, pool: pool ?? kind.defaultPool, state: .queued,
            priority: priority, convention: parameters.convention.rawValue, window: parameters.window.description,
            minOverlap: parameters.minOverlap, precision: parameters.precision.rawValue,
            blockEdge: parameters.blockEdge, submittedAt: now)
        view.top = parameters.neighbours
        view.threshold = parameters.edges?.from
        view.absolute = parameters.edges?.absolute ?? false
        view.fresh = fresh ?? false
        view.params = params ?? [:]
        return view
    }
}

extension JobView {
    /// The parameters this job computes with.
    func correlationParameters() throws(GridError) -> CorrelationParameters {
        try CorrelationParameters(
            convention: Convention(parsing: convention), window: Window(parsing: window), minOverlap: minOverlap,
            precision: Precision(parsing: precision), blockEdge: blockEdge, neighbours: top,
            edges: EdgeRule(threshold: threshold, absolute: absolute))
    }

    /// Whether this is what the region is configured to show in its own tables.
    ///
    /// - Parameter own: the pool that those are of.
    func isRegionsOwn(_ settings: RegionSettings, pool own: String) -> Bool {
        pool == own && convention == settings.convention.rawValue
            && window == settings.window.description && minOverlap == settings.minOverlap
    }
}
