import ClusterModel
import Panel

extension Publication {
    /// Name of the table that a selection goes to.
    package var selectionTable: String { RegionTables(region).selection(target) }
}

extension Store {
    /// Replaces a region's selection, or a job's, in one transaction. The same rules as for `publishCorrelation`.
    ///
    /// - Parameter rule: which pairs did not go together.
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over, or the region's settings are no longer
    ///   those of the publication (target `.region`); nothing is written then.
    @discardableResult
    package func publishSelection(
        _ rows: [SelectionRow], rule: EdgeRule, of publication: Publication, epoch: Epoch, saving job: JobView? = nil
    ) throws(GridError) -> PublishReport {
        try ensureRegion(publication.region)
        return try publishing(publication, into: publication.selectionTable, epoch: epoch, saving: job) { connection in
            let gone = try Self.lockAlphas(rows.map(\.alphaID), of: publication, connection)
            let columns = [
                "alpha_id", "is_chosen", "weight", "sharpe", "reason", "blocked_by", "blocked_correlation", "nearest_chosen",
                "nearest_correlation", "is_unique", "conflicts", "submission_place", "submission_blocks",
                "submission_blocked_by", "risk_parity_weight", "threshold", "absolute", "convention", "window_start",
                "window_end", "min_overlap",
            ]
            try Self.replace(publication.selectionTable, columns, of: publication, connection) { writer in
                for row in rows where !gone.contains(row.alphaID) {
                    try writer.row(fields: Int16(columns.count + 1))
                    try Self.write(row, writer)
                    try writer.put(rule.from)
                    try writer.put(rule.absolute)
                    try writer.put(publication.convention.rawValue)
                    try writer.put(date: publication.windowStart.rawValue)
                    try writer.put(date: publication.windowEnd.rawValue)
                    try writer.put(Int32(clamping: publication.minOverlap))
                    try writer.put(publication.jobID.rawValue)
                }
            }
            return (rows.count, rows.count - gone.count)
        }
    }

    private static func write(_ row: SelectionRow, _ writer: CopyWriter) throws {
        try writer.put(row.alphaID)
        try writer.put(row.isChosen)
        try writer.put(row.weight)
        try writer.put(row.sharpe)
        try writer.put(row.reason)
        try writer.put(row.blockedBy)
        try writer.put(row.blockedCorrelation)
        try writer.put(row.nearestChosen)
        try writer.put(row.nearestCorrelation)
        try writer.put(row.isUnique)
        try writer.put(Int32(clamping: row.conflicts))
        try writer.put(row.submissionPlace.map { Int32(clamping: $0) })
        try writer.put(row.submissionBlocks.map { Int32(clamping: $0) })
        try writer.put(row.submissionBlockedBy)
        try writer.put(row.riskParityWeight)
    }

    /// What the tables say of the alphas of a pool.
    package func alphaMetrics(_ region: Region, pool name: String) throws(GridError) -> ByAlphaID<AlphaMetrics> {
        let table = RegionTables(region).alphas(unsubmitted: name == PoolName.unsubmitted)
        return try pool.read(Action("read the figures of pool '\(name)' of \(region)", needs: "SELECT on \(table)")) {
            connection in
            let ids = try Self.poolAlphas(region, pool: name, connection)
            let found = try connection.execute(
                """
                SELECT alpha_id, is_sharpe, is_fitness, is_returns, is_margin FROM \(table) WHERE alpha_id = ANY ($1::text[])
                """, [.texts(ids)])
            var metrics = ByAlphaID<AlphaMetrics>()
            for row in 0..<found.rowCount {
                guard let id = found.text(row, 0) else { continue }
                metrics[id] = AlphaMetrics(
                    sharpe: found.real(row, 1), fitness: found.real(row, 2), returns: found.real(row, 3),
                    margin: found.real(row, 4))
            }
            return metrics
        }
    }
}

/// What is stored of an alpha's worth; nil where nothing is.
package struct AlphaMetrics: Hashable, Sendable {
    package var sharpe: Double?
    package var fitness: Double?
    package var returns: Double?
    package var margin: Double?
    package init(sharpe: Double? = nil, fitness: Double? = nil, returns: Double? = nil, margin: Double? = nil) {
        self.sharpe = sharpe
        self.fitness = fitness
        self.returns = returns
        self.margin = margin
    }
}
