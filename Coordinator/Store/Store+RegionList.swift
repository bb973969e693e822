import ClusterModel

extension Store {
    /// All regions by name, with what has been published of them.
    package func regions() throws(GridError) -> [RegionView] {
        let action = Action("list the regions", needs: "SELECT on AlphaGrid's tables")
        return try regionsRead.answer(to: "all", action, from: pool) { connection in
            let found = try connection.execute(
                """
                SELECT region_name, convention, window_spec, min_overlap, region_id
                FROM regions ORDER BY region_name COLLATE "C" LIMIT \(Limits.regionsMax)
                """)
            return try (0..<found.rowCount).compactMap { row in
                // A name that is no region's stands in an adopted database; it has no tables of ours.
                guard let region = try? Region(found.text(row, 0) ?? "") else { return nil }
                var view = RegionView(
                    region: region.name, convention: found.text(row, 1) ?? "", window: found.text(row, 2) ?? "",
                    minOverlap: found.integer(row, 3) ?? 0, alphas: RegionView.Alphas(submitted: 0, unsubmitted: 0))
                try Self.describeAlphas(of: &view, id: found.integer(row, 4) ?? 0, connection)
                try Self.describe(&view, RegionTables(region), connection)
                return view
            }
        }
    }

    /// How many there are, and what is known of them; the table is read once for all of it.
    private static func describeAlphas(of view: inout RegionView, id: Int, _ connection: Connection) throws {
        let values: (String) -> String = { column in
            """
            (SELECT coalesce(json_agg(v), '[]') FROM (
                SELECT DISTINCT \(column) AS v FROM known WHERE \(column) IS NOT NULL ORDER BY 1 LIMIT 1000) s)
            """
        }
        let found = try connection.execute(
            prepared: """
                WITH known AS MATERIALIZED (
                    SELECT universe, delay, alpha_type, count(*) AS n FROM alphas WHERE region_id = $1 GROUP BY 1, 2, 3)
                SELECT (SELECT sum(n) FROM known), (SELECT count(*) FROM alphas_unsubmitted WHERE region_id = $1),
                    \(values("universe")), \(values("delay")), \(values("alpha_type"))
                """, [.integer(Int64(id))])
        view.alphas = RegionView.Alphas(submitted: found.integer(0, 0) ?? 0, unsubmitted: found.integer(0, 1) ?? 0)
        view.universes = try fromJSON(found.text(0, 2), as: [String].self).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        view.delays = try fromJSON(found.text(0, 3), as: [Int].self)
        view.types = try fromJSON(found.text(0, 4), as: [String].self).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func describe(_ view: inout RegionView, _ tables: RegionTables, _ connection: Connection) throws {
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
        // Neighbours are a view of lists, which are quicker to count, and came with the rows of alphas.
        let isList = result == .neighbours
        let table = isList ? tables.correlation : tables.place(of: result, .region).table
        let columns = try TableColumn.all(of: table, connection).map(\.name)
        guard !columns.isEmpty else { return nil }
        let updated = columns.contains("last_updated") ? "max(last_updated)" : "NULL::timestamp"
        let job = columns.contains("job_id") ? "max(job_id)" : "NULL::bigint"
        let sizes = CorrelationNeighbour.Kind.allCases.map { "cardinality(\(RegionTables.listColumns($0)[0]))" }
        let count = """
            (SELECT sum(\(sizes.joined(separator: " + "))) FROM \(quoted(identifier: tables.neighbourLists(.region))))
            """
        let found = try connection.execute(
            """
            SELECT n, job, to_char(coalesce(updated, (SELECT finished_at FROM jobs WHERE job_id = job)),
                'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            FROM (SELECT \(isList ? count : "count(*)") AS n, \(job) AS job, \(updated) AS updated
                FROM \(quoted(identifier: table))) s
            """)
        guard let rows = found.integer(0, 0), rows > 0 else { return nil }
        return RegionView.Result(
            result: result, rows: rows, jobID: found.integer(0, 1).map { JobID(Int64($0)) }, lastUpdated: found.text(0, 2))
    }
}
