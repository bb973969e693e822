import ClusterModel
import Jobs
import Panel
import Store

extension PreparedJob {
    /// Every alpha of a pool with every other.
    static func correlation(
        _ view: JobView, with means: JobMeans
    ) throws(GridError) -> PreparedJob {
        let parameters = try view.correlationParameters()
        let loaded = try means.load(view.pool)
        let panel = loaded.panel
        try panel.requireCorrelatable(source: "pool \(view.pool) of region \(view.region)")
        let firstDay = try panel.firstDay(of: parameters.window)
        let plan = CorrelationPlan(layout: PanelLayout(panel), parameters: parameters, firstDay: firstDay)
        let file = loaded.keptPath.map { KeptState(path: "\($0).\(parameters.fileName).state", log: means.log) }
        let state = view.fresh ? nil : file?.read(for: plan, panel.alphaIDs, profiles: means.profiles)
        let job = if let state { CorrelationJob(plan: plan, resuming: state) } else { CorrelationJob(plan: plan) }
        return PreparedJob(
            job: job, panels: [panel], profile: state?.profile, alphaCount: panel.alphaCount, dayCount: panel.dayCount,
            panelHash: panel.contentHash.description, warnings: loaded.warnings + (try panel.warnings(for: parameters)),
            result: { outcome throws(GridError) in
                guard case .correlation(let outcome) = outcome else { throw GridError(.failed, "the job is of another kind") }
                return result(outcome, panel, parameters, firstDay: firstDay)
            },
            afterwards: { profile in
                if state?.alphaCount != panel.alphaCount { file?.write(job.state(alphaIDs: panel.alphaIDs, profile: profile)) }
            })
    }

    private static func result(
        _ outcome: CorrelationOutcome, _ panel: Panel, _ parameters: CorrelationParameters, firstDay: Int
    ) -> JobResult {
        let rows = outcome.rows(alphaIDs: panel.alphaIDs)
        let nearest = outcome.neighboursDigest(alphaIDs: panel.alphaIDs)
        let edges = parameters.edges == nil ? [] : outcome.edges(alphaIDs: panel.alphaIDs)
        return JobResult(digest: outcome.digest(alphaIDs: panel.alphaIDs)) { store, view, epoch throws(GridError) in
            let settings = try store.regionSettings(try Region(view.region)) ?? RegionSettings()
            let publication = try Publication(
                view, isRegionsOwn: view.isRegionsOwn(settings, pool: PoolName.submitted), firstDay: panel.dates[firstDay],
                lastDay: panel.dates[panel.dayCount - 1])
            view.resultTable = publication.table
            if edges == nil {
                view.warnings.append(
                    "more than \(Limits.edgesMax) pairs are beyond the threshold, so none is listed: choose a stricter one")
            }
            let neighbours = PublishedNeighbours(
                outcome.neighbours(alphaIDs: panel.alphaIDs, kinds: CorrelationNeighbour.Kind.allCases), digest: nearest)
            try store.publishCorrelation(
                rows, neighbours: neighbours, edges: edges ?? [], of: publication, epoch: epoch, saving: view)
        }
    }
}
