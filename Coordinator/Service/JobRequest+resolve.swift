import ClusterModel
import Store

extension JobRequest {
    /// The pool that a job takes when it names none: every submitted alpha of the region.
    static let defaultPool = "submitted"
    static let prioritiesAllowed = -1_000...1_000

    /// The job this request asks for, with the region's settings where it says nothing; its number is not known yet.
    ///
    /// - Parameter settings: the region's configured parameters; nil when the database does not know the region.
    /// - Throws: `GridError` naming the field that is wrong and what was expected.
    func resolve(region: Region, settings: RegionSettings?, now: String) throws(GridError) -> JobView {
        guard kind == "correlation" else {
            throw GridError(.usage, "kind '\(kind.printable)' is unknown: expected correlation")
        }
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
            blockEdge: blockEdge ?? CorrelationParameters.defaultBlockEdge)
        return JobView(
            jobID: JobID(0), kind: kind, region: region.name, pool: pool ?? Self.defaultPool, state: .queued,
            priority: priority, convention: parameters.convention.rawValue, window: parameters.window.description,
            minOverlap: parameters.minOverlap, precision: parameters.precision.rawValue,
            blockEdge: parameters.blockEdge, submittedAt: now)
    }
}

extension JobView {
    /// The parameters this job computes with.
    func correlationParameters() throws(GridError) -> CorrelationParameters {
        try CorrelationParameters(
            convention: Convention(parsing: convention), window: Window(parsing: window), minOverlap: minOverlap,
            precision: Precision(parsing: precision), blockEdge: blockEdge)
    }

    /// Whether this is what the region is configured to show in `correlation_<region>`.
    func isRegionsOwn(_ settings: RegionSettings) -> Bool {
        pool == JobRequest.defaultPool && convention == settings.convention.rawValue
            && window == settings.window.description && minOverlap == settings.minOverlap
    }
}
