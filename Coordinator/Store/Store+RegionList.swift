import ClusterModel

extension Store {
    /// All regions by name, with what has been published of them.
    package func regions() throws(GridError) -> [RegionView] {
        try pool.read(Action("list the regions", needs: "SELECT on AlphaGrid's tables")) { connection in
            let found = try connection.execute(
                """
                SELECT region_name, convention, window_spec, min_overlap, region_id,
                    (SELECT count(*) FROM alphas a WHERE a.region_id = r.region_id),
                    (SELECT count(*) FROM alphas_unsubmitted a WHERE a.region_id = r.region_id)
                FROM regions r ORDER BY region_name COLLATE "C" LIMIT \(Limits.regionsMax)
                """)
            return try (0..<found.rowCount).compactMap { row in
                // A name that is no region's stands in an adopted database; it has no tables of ours.
                guard let region = try? Region(found.text(row, 0) ?? "") else { return nil }
                var view = RegionView(
                    region: region.name, convention: found.text(row, 1) ?? "", window: found.text(row, 2) ?? "",
                    minOverlap: found.integer(row, 3) ?? 0,
                    alphas: RegionView.Alphas(
                        submitted: found.integer(row, 5) ?? 0, unsubmitted: found.integer(row, 6) ?? 0))
                try Self.describe(&view, RegionTables(region), id: found.integer(row, 4) ?? 0, connection)
                return view
            }
        }
    }

    private static func describe(
        _ view: inout RegionView, _ tables: RegionTables, id: Int, _ connection: Connection
    ) throws {
        let values: (String) throws -> [String] = { column in
            try connection.execute(
                "SELECT DISTINCT \(column) FROM alphas WHERE region_id = $1 AND \(column) IS NOT NULL ORDER BY 1 LIMIT 1000",
                [.integer(Int64(id))]
            ).texts()
        }
        view.universes = try values("universe").sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        view.delays = try values("delay").compactMap { Int($0) }
        view.types = try values("alpha_type").sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let pnl = tables.pnl(unsubmitted: false)
        if try !TableColumn.all(of: pnl, connection).isEmpty {
            let days = try connection.execute("SELECT min(date), max(date) FROM \(quoted(identifier: pnl))")
            view.firstDay = days.text(0, 0)
            view.lastDay = days.text(0, 1)
        }
        for result in RegionResult.allCases where result != .clusterFeatures {
            if let published = try published(result, tables, connection) { view.results.append(published) }
        }
    }

    /// nil where nothing is published.
    private static func published(
        _ result: RegionResult, _ tables: RegionTables, _ connection: Connection
    ) throws -> RegionView.Result? {
        // Neighbours are a view of lists, which are quicker to count.
        let isList = result == .neighbours
        let table = isList ? tables.neighbourLists(.region) : tables.place(of: result, .region).table
        let columns = try TableColumn.all(of: table, connection).map(\.name)
        guard !columns.isEmpty else { return nil }
        let updated = columns.contains("last_updated") ? "max(last_updated)" : "NULL::timestamp"
        let job = columns.contains("job_id") ? "max(job_id)" : "NULL::bigint"
        let found = try connection.execute(
            """
            SELECT n, job, to_char(coalesce(updated, (SELECT finished_at FROM jobs WHERE job_id = job)),
                'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            FROM (SELECT \(isList ? "sum(cardinality(neighbour_ids))" : "count(*)") AS n, \(job) AS job, \(updated) AS updated
                FROM \(quoted(identifier: table))) s
            """)
        guard let rows = found.integer(0, 0), rows > 0 else { return nil }
        return RegionView.Result(
            result: result, rows: rows, jobID: found.integer(0, 1).map { JobID(Int64($0)) }, lastUpdated: found.text(0, 2))
    }
}
