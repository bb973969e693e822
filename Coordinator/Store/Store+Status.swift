import ClusterModel

/// What `db status` shows of one region.
package struct RegionStatus: Codable, Hashable, Sendable {
    package var region: String
    package var alphas: Int
    package var alphasUnsubmitted: Int
    package var pnlRows: Int
    package var pnlRowsUnsubmitted: Int
    /// Whether the row counts are PostgreSQL's estimates, because counting would take long.
    package var pnlRowsEstimated: Bool
    /// First and last date of the submitted alphas' PnL, `YYYY-MM-DD`.
    package var firstDate: String?
    package var lastDate: String?
    package var correlationRows: Int
    /// When `correlation_<region>` was last published, ISO 8601 UTC.
    package var correlationUpdatedAt: String?
    package var convention: String
    package var window: String
    package var minOverlap: Int

    /// Nothing has been imported, as after a first import that was killed.
    package var isEmpty: Bool { alphas == 0 && alphasUnsubmitted == 0 && pnlRows == 0 && pnlRowsUnsubmitted == 0 }
}

package struct DatabaseStatus: Codable, Hashable, Sendable {
    /// `HOST:PORT/NAME`.
    package var place: String
    package var serverVersion: String
    package var schemaVersion: Int
    /// The version this program needs.
    package var schemaVersionKnown: Int
    /// Generation of the coordinator and who holds it; 0 and empty before the first.
    package var epoch: Int
    package var epochHolder: String
    package var jobs: Int
    package var regions: [RegionStatus]
}

extension Store {
    /// Tables up to this many rows are counted exactly.
    private static let exactCountRowsMax = 50_000_000

    /// Of the database, and what this program needs.
    package func schemaVersions() throws(GridError) -> (present: Int, needed: Int) {
        let action = Action("look at the schema's version", needs: "SELECT on schema_migrations")
        return (try pool.read(action) { try Self.schemaVersion($0) }, Migration.all.count)
    }

    package func status() throws(GridError) -> DatabaseStatus {
        let action = Action("read the status", needs: "SELECT on AlphaGrid's tables")
        return try pool.read(action, patience: .bulk) { connection in
            var status = DatabaseStatus(
                place: connection.place, serverVersion: try connection.execute("SHOW server_version").text(0, 0) ?? "",
                schemaVersion: try Self.schemaVersion(connection), schemaVersionKnown: Migration.all.count, epoch: 0,
                epochHolder: "", jobs: 0, regions: [])
            guard status.schemaVersion == Migration.all.count else { return status }
            let lease = try connection.execute(
                "SELECT epoch, holder, (SELECT count(*) FROM jobs) FROM coordinator_lease")
            status.epoch = lease.integer(0, 0) ?? 0
            status.epochHolder = lease.text(0, 1) ?? ""
            status.jobs = lease.integer(0, 2) ?? 0
            let names = try connection.execute("SELECT region_name FROM regions ORDER BY region_name COLLATE \"C\"").texts()
            for name in names.prefix(Limits.regionsMax) {
                // A name that is no region's stands in an adopted database; it has no tables of ours.
                guard let region = try? Region(name) else { continue }
                status.regions.append(try Self.status(of: region, connection))
            }
            return status
        }
    }

    private static func status(of region: Region, _ connection: Connection) throws -> RegionStatus {
        let tables = RegionTables(region)
        let row = try connection.execute(
            """
            SELECT convention, window_spec, min_overlap,
                (SELECT count(*) FROM alphas a WHERE a.region_id = r.region_id),
                (SELECT count(*) FROM alphas_unsubmitted a WHERE a.region_id = r.region_id)
            FROM regions r WHERE region_name = $1
            """, [.text(region.name)])
        let submitted = try rowCount(tables.pnl(unsubmitted: false), connection)
        let unsubmitted = try rowCount(tables.pnl(unsubmitted: true), connection)
        var status = RegionStatus(
            region: region.name, alphas: row.integer(0, 3) ?? 0, alphasUnsubmitted: row.integer(0, 4) ?? 0,
            pnlRows: submitted.rows, pnlRowsUnsubmitted: unsubmitted.rows,
            pnlRowsEstimated: submitted.isEstimate || unsubmitted.isEstimate, firstDate: nil, lastDate: nil,
            correlationRows: try rowCount(tables.correlation, connection).rows, correlationUpdatedAt: nil,
            convention: row.text(0, 0) ?? "", window: row.text(0, 1) ?? "", minOverlap: row.integer(0, 2) ?? 0)
        if submitted.exists {
            let name = quoted(identifier: tables.pnl(unsubmitted: false))
            let dates = try connection.execute("SELECT min(date), max(date) FROM \(name)")
            status.firstDate = dates.text(0, 0)
            status.lastDate = dates.text(0, 1)
        }
        if status.correlationRows > 0 {
            status.correlationUpdatedAt = try connection.execute(
                """
                SELECT to_char(max(last_updated), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM \(quoted(identifier: tables.correlation))
                """
            ).text(0, 0)
        }
        return status
    }

    private static func rowCount(
        _ table: String, _ connection: Connection
    ) throws -> (rows: Int, isEstimate: Bool, exists: Bool) {
        let estimate = try connection.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(quote_ident($1))", [.text(table)])
        guard estimate.rowCount == 1 else { return (0, false, false) }
        if let rows = estimate.integer(0, 0), rows > exactCountRowsMax { return (rows, true, true) }
        let counted = try connection.execute("SELECT count(*) FROM \(quoted(identifier: table))")
        return (counted.integer(0, 0) ?? 0, false, true)
    }
}
