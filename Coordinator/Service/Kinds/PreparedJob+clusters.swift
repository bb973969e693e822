import ClusterModel
import Jobs
import Panel
import Store

extension PreparedJob {
    /// Clusters, layouts and trees of the alphas of a pool.
    static func clusters(_ view: JobView, with means: JobMeans) throws(GridError) -> PreparedJob {
        let parameters = try view.correlationParameters()
        let wanted = try ClusterParameters(view.params)
        let loaded = try means.load(view.pool)
        let panel = loaded.panel
        try panel.requireCorrelatable(source: "pool \(view.pool) of region \(view.region)")
        let firstDay = try panel.firstDay(of: parameters.window)
        let plan = CorrelationPlan(layout: PanelLayout(panel), parameters: parameters, firstDay: firstDay)
        return PreparedJob(
            job: try ClustersJob(plan: plan, dates: panel.dates, parameters: wanted), panels: [panel],
            alphaCount: panel.alphaCount, dayCount: panel.dayCount, panelHash: panel.contentHash.description,
            warnings: loaded.warnings + (try panel.warnings(for: parameters))
        ) { outcome throws(GridError) in
            guard case .clusters(let outcome) = outcome else { throw GridError(.failed, "the job is of another kind") }
            let ids = panel.idOrder.map { panel.alphaIDs[Int($0)] }
            return JobResult(digest: outcome.digest) { store, view, epoch throws(GridError) in
                let settings = try store.regionSettings(try Region(view.region)) ?? RegionSettings()
                let publication = try Publication(
                    view, isRegionsOwn: view.isRegionsOwn(settings, pool: PoolName.submitted), firstDay: panel.dates[firstDay],
                    lastDay: panel.dates[panel.dayCount - 1])
                view.resultTable = publication.clustersTable
                view.warnings += outcome.results.flatMap { result in
                    result.notes(naming: ids).map { "\(result.method): \($0)" }
                }
                try store.publishClusters(
                    outcome.published(alphaIDs: ids), of: publication, epoch: epoch,
                    saving: view)
            }
        }
    }
}
