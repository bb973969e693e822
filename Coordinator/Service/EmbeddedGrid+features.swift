import ClusterModel
import Jobs
import Messaging
import Panel

package struct EmbeddedFeatures: Sendable {
    /// In the order of the input.
    package var rows: [AlphaFeatureRow]
    package var digest: String
    package var panelHash: String
    package var dayCount: Int
    /// First and last date whose returns counted, `YYYY-MM-DD`; nil where the input has no dates.
    package var windowStart: String?
    package var windowEnd: String?
    package var readSeconds: Double
    package var computeSeconds: Double
}

extension EmbeddedGrid {
    /// Finds the features of the alphas of a file. Blocks; uses `slots` threads for computing.
    ///
    /// - Parameters:
    ///   - path: CSV, gzipped CSV or NPY; without dates some features are undefined.
    ///   - window: nil for the default of a file, 4 years where dates are known.
    ///   - isDaily: whether the file holds daily PnL, not cumulative.
    ///   - progress: called on the calling thread a few times a second.
    /// - Throws: `GridError` for a file that cannot be read or a window that does not fit it.
    package static func features(
        path: String, window: Window?, isDaily: Bool, slots: Int, progress: (EmbeddedProgress) -> Void
    ) throws(GridError) -> EmbeddedFeatures {
        let began = MonotonicTime.now()
        let panel = try Panel.build(
            from: try PnLReader.read(path: path), blockEdge: CorrelationParameters.defaultBlockEdge)
        let firstDay = try panel.firstDay(of: window ?? panel.defaultWindow)
        let read = MonotonicTime.now()
        let job = FeaturesJob(layout: PanelLayout(panel), dates: panel.dates, firstDay: firstDay, isDaily: isDaily)
        guard case .features(let outcome) = try EmbeddedRun(job: job, panel: panel, slots: slots).outcome(progress: progress)
        else { throw GridError(.failed, "the job is of another kind") }
        let computed = MonotonicTime.now()
        let rows = Array(outcome.rows(alphaIDs: panel.alphaIDs))
        return EmbeddedFeatures(
            rows: panel.inputOrder.map { rows[$0] },
            digest: outcome.digest(alphaIDs: panel.alphaIDs, order: panel.idOrder),
            panelHash: panel.contentHash.description, dayCount: panel.dayCount,
            windowStart: panel.dates.isEmpty ? nil : panel.dates[firstDay].description,
            windowEnd: panel.dates.last?.description, readSeconds: read.seconds(since: began),
            computeSeconds: computed.seconds(since: read))
    }
}
