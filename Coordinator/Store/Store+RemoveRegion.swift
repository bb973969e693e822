import ClusterModel

extension Store {
    /// Deletes a region with its tables, pools and settings, and with `force` its alphas and their PnL. What jobs found
    /// for it goes too; the list of jobs stays.
    ///
    /// - Throws: `GridError(.notFound)` for an unknown region, `.conflict` while it holds alphas (without `force`) or a
    ///   job of it is unfinished; nothing is deleted then.
    /// - Returns: the alphas deleted and their PnL rows.
    @discardableResult
    package func removeRegion(_ region: Region, force: Bool = false) throws(GridError) -> AlphaChangeReport {
        let action = Action(
            "remove region \(region)", needs: "to own the tables of region \(region), and DELETE on regions and alphas",
            whenLocked: "an import or another long transaction is using its tables or table alphas: "
                + "try again when that has ended")
        return try pool.write(action) { connection in
            try connection.setDefinitionPatience()
            let regionID = SQLValue.integer(Int64(try Self.requireRegion(region, connection)))
            try Self.lockRegionTables(connection)
            let jobs = try connection.execute(
                """
                SELECT job_id FROM jobs WHERE region = $1 AND state NOT IN ('done', 'failed', 'cancelled')
                ORDER BY job_id LIMIT 1
                """, [.text(region.name)])
            if let job = jobs.text(ifAnyRow: 0) {
                throw GridError(.conflict, "region \(region) cannot be removed while job \(job) is unfinished: cancel it first")
            }
            var report = AlphaChangeReport(alphas: 0, pnlRows: 0)
            for unsubmitted in [false, true] {
                try Self.removeAlphas(region, regionID, unsubmitted: unsubmitted, force: force, connection, &report)
            }
            // Backwards, because views of later tables read earlier ones.
            for table in RegionTables(region).all.reversed() {
                if let view = table.view { try connection.execute("DROP VIEW IF EXISTS \(quoted(identifier: view.name))") }
                try connection.execute("DROP TABLE IF EXISTS \(quoted(identifier: table.name))")
            }
            try connection.execute(
                "DELETE FROM published_lists WHERE table_name = $1", [.text(RegionTables(region).neighbourLists(.region))])
            try connection.execute("DELETE FROM regions WHERE region_id = $1", [regionID])
            try connection.execute(ChangeTracking.forgetDroppedTables)
            try Self.audit("remove region", region: region, subject: region.name, detail: report, connection)
            return report
        }
    }

    private static func removeAlphas(
        _ region: Region, _ regionID: SQLValue, unsubmitted: Bool, force: Bool, _ connection: Connection,
        _ report: inout AlphaChangeReport
    ) throws {
        let tables = RegionTables(region)
        let alphas = tables.alphas(unsubmitted: unsubmitted)
        let kind = unsubmitted ? "unsubmitted" : "submitted"
        // Locked first, so that an import cannot add to them meanwhile.
        try connection.execute("LOCK TABLE \(alphas) IN SHARE ROW EXCLUSIVE MODE")
        let held = try connection.execute("SELECT count(*) FROM \(alphas) WHERE region_id = $1", [regionID]).integer(0, 0) ?? 0
        guard held > 0 else { return }
        guard force else {
            throw GridError(
                .conflict, "region \(region) holds \(held) \(kind) alphas: remove them first, or remove the region by force")
        }
        let pnl = quoted(identifier: tables.pnl(unsubmitted: unsubmitted))
        report.pnlRows += try connection.execute("SELECT count(*) FROM \(pnl)").integer(0, 0) ?? 0
        // Emptied first, because the rows would otherwise go one alpha at a time.
        try connection.execute("TRUNCATE \(pnl)")
        report.alphas += try connection.execute("DELETE FROM \(alphas) WHERE region_id = $1", [regionID]).affectedRows
    }
}
