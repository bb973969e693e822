import ClusterModel
import Dispatch
import Glibc
import Jobs
import Kernels
import Messaging
import Panel
import Scheduling
import WorkerEngine
import WorkerRuntime

package struct EmbeddedRequest: Sendable {
    /// CSV, gzipped CSV or NPY.
    package var path: String
    package var parameters: CorrelationParameters
    /// Tiles computed at once.
    package var slots: Int
    /// Which lists of nearest neighbours the result has.
    package var neighbourKinds: [CorrelationNeighbour.Kind]
    package init(
        path: String, parameters: CorrelationParameters, slots: Int, neighbourKinds: [CorrelationNeighbour.Kind] = []
    ) {
        self.path = path
        self.parameters = parameters
        self.slots = slots
        self.neighbourKinds = neighbourKinds
    }
}

package struct EmbeddedProgress: Sendable {
    package var stageName: String
    package var tasksDone: Int
    package var tasksTotal: Int
}

package struct EmbeddedResult: Sendable {
    /// In the order of the input.
    package var rows: [CorrelationRow]
    /// Of each alpha, kind by kind, nearest first.
    package var neighbours: ByAlphaID<[CorrelationNeighbour]>
    /// Pairs beyond the threshold, none without one; nil when there were more than are kept.
    package var edges: [CorrelationEdge]?
    package var digest: String
    package var panelHash: String
    package var profile: NumericProfile
    package var warnings: [String]
    package var dayCount: Int
    /// First and last date whose returns counted, `YYYY-MM-DD`; nil where the input has no dates.
    package var windowStart: String?
    package var windowEnd: String?
    /// Pairs that the two-pass twin decided.
    package var twinPairs: Int
    package var readSeconds: Double
    package var computeSeconds: Double
    /// Every single correlation.
    package var matrix: CorrelationMatrix
}

/// A grid within this process: the planner, scheduler, worker engine, kernels and merge of the cluster, with function
/// calls where the cluster has sockets.
package enum EmbeddedGrid {
    /// Correlates the alphas of a file. Blocks; uses `slots` threads for computing.
    ///
    /// - Parameter progress: called on the calling thread a few times a second.
    /// - Throws: `GridError` for a file that cannot be read or parameters that do not fit it.
    package static func correlate(
        _ request: EmbeddedRequest, progress: (EmbeddedProgress) -> Void
    ) throws(GridError) -> EmbeddedResult {
        let began = MonotonicTime.now()
        let parameters = request.parameters
        let panel = try Panel.build(from: try PnLReader.read(path: request.path), blockEdge: parameters.blockEdge)
        try panel.requireCorrelatable(source: request.path)
        let firstDay = try panel.firstDay(of: parameters.window)
        let warnings = try panel.warnings(for: parameters)
        let read = MonotonicTime.now()
        let plan = CorrelationPlan(layout: PanelLayout(panel), parameters: parameters, firstDay: firstDay)
        let run = try EmbeddedRun(job: CorrelationJob(plan: plan), panel: panel, slots: request.slots)
        guard case .correlation(let outcome) = try run.outcome(progress: progress) else {
            throw GridError(.failed, "the job is of another kind")
        }
        let rows = outcome.rows(alphaIDs: panel.alphaIDs)
        var neighbours = ByAlphaID<[CorrelationNeighbour]>()
        for neighbour in outcome.neighbours(alphaIDs: panel.alphaIDs, kinds: request.neighbourKinds) {
            neighbours[neighbour.alphaID, default: []].append(neighbour)
        }
        let computed = MonotonicTime.now()
        return EmbeddedResult(
            rows: panel.inputOrder.map { rows[$0] },
            neighbours: neighbours,
            edges: outcome.edges(alphaIDs: panel.alphaIDs), digest: outcome.digest(alphaIDs: panel.alphaIDs),
            panelHash: panel.contentHash.description, profile: BLAS.profile, warnings: warnings,
            dayCount: panel.dayCount, windowStart: panel.dates.isEmpty ? nil : panel.dates[firstDay].description,
            windowEnd: panel.dates.last?.description, twinPairs: outcome.twinPairs,
            readSeconds: read.seconds(since: began), computeSeconds: computed.seconds(since: read),
            matrix: CorrelationMatrix(panel: panel, parameters: parameters, firstDay: firstDay, slots: request.slots))
    }
}
