import ClusterModel
import Jobs
import Panel
import Store

extension PreparedJob {
    /// Every alpha of a pool, of the unsubmitted ones unless told, with every submitted one.
    static func crossCorrelation(
        _ view: JobView, with means: JobMeans
    ) throws(GridError) -> PreparedJob {
        let parameters = try view.correlationParameters()
        let own = try means.load(view.pool)
        let submitted = try means.load(PoolName.submitted)
        // A common frame of dates, as joining the two tables would give it.
        let dates = Panel.allDates(of: own.panel, submitted.panel)
        let rows = try own.panel.spread(over: dates)
        let columns = try submitted.panel.spread(over: dates)
        let firstDay = try rows.firstDay(of: parameters.window)
        let job = try CrossCorrelationJob(
            rows: PanelLayout(rows), columns: PanelLayout(columns), parameters: parameters, firstDay: firstDay)
        return PreparedJob(
            job: job, panels: [rows, columns], alphaCount: rows.alphaCount, dayCount: dates.count,
            panelHash: rows.contentHash.description, warnings: own.warnings + (try rows.warnings(for: parameters))
        ) { outcome throws(GridError) in
            guard case .crossCorrelation(let outcome) = outcome else {
                throw GridError(.failed, "the job is of another kind")
            }
            let found = outcome.rows(alphaIDs: rows.alphaIDs, partnerIDs: columns.alphaIDs)
            return JobResult(digest: CrossCorrelationOutcome.digest(found)) { store, view, epoch throws(GridError) in
                let settings = try store.regionSettings(try Region(view.region)) ?? RegionSettings()
                let publication = try Publication(
                    view, isRegionsOwn: view.isRegionsOwn(settings, pool: PoolName.unsubmitted), firstDay: dates[firstDay],
                    lastDay: dates[dates.count - 1])
                view.resultTable = publication.crossTable
                try store.publishCrossCorrelation(found, of: publication, epoch: epoch, saving: view)
            }
        }
    }
}
