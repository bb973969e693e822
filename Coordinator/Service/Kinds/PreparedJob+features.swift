import ClusterModel
import Jobs
import Panel
import Store

extension PreparedJob {
    /// Every alpha of a pool by itself.
    static func features(_ view: JobView, with means: JobMeans) throws(GridError) -> PreparedJob {
        let parameters = try view.correlationParameters()
        let loaded = try means.load(view.pool)
        let panel = loaded.panel
        let firstDay = try panel.firstDay(of: parameters.window)
        let convention = AlphaFeature.convention(for: parameters.convention)
        let job = FeaturesJob(
            layout: PanelLayout(panel), dates: panel.dates, firstDay: firstDay, isDaily: convention == .dailyPnL)
        return PreparedJob(
            job: job, panels: [panel], alphaCount: panel.alphaCount, dayCount: panel.dayCount,
            panelHash: panel.contentHash.description,
            warnings: loaded.warnings + warnings(wanted: parameters.convention, taken: convention)
        ) { outcome throws(GridError) in
            guard case .features(let outcome) = outcome else { throw GridError(.failed, "the job is of another kind") }
            let digest = outcome.digest(alphaIDs: panel.alphaIDs, order: panel.idOrder)
            return JobResult(digest: digest) { store, view, epoch throws(GridError) in
                let settings = try store.regionSettings(try Region(view.region)) ?? RegionSettings()
                let publication = try Publication(
                    view, isRegionsOwn: view.isRegionsOwn(settings, pool: PoolName.submitted), firstDay: panel.dates[firstDay],
                    lastDay: panel.dates[panel.dayCount - 1])
                view.resultTable = publication.featuresTable
                try store.publishFeatures(
                    outcome.rows(alphaIDs: panel.alphaIDs), of: publication, epoch: epoch, saving: view)
            }
        }
    }

    private static func warnings(wanted: Convention, taken: Convention) -> [String] {
        guard wanted != taken else { return [] }
        return ["features are of daily PnL as \(taken.rawValue) has it: \(wanted.rawValue) is a rule for correlations"]
    }
}
