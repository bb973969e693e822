import ClusterModel
import Panel

extension Store {
    /// Reads metadata of alphas (`.csv` or `.json`, see `AlphaMetadata.read`) into `alphas` or `alphas_unsubmitted`.
    ///
    /// New alphas are added with the region of their row or else `region`; what the file says replaces what is stored;
    /// what it leaves out stays. Importing a file again changes nothing. In the report, rows are alphas.
    ///
    /// - Throws: `GridError(.usage)` naming what is wrong by line and column, `.conflict` as `importPnL`. Nothing is
    ///   applied then.
    package func importAlphas(path: String, region: Region?, unsubmitted: Bool) throws(GridError) -> ImportReport {
        let file = FileSystem.name(path)
        let metadata = try AlphaMetadata.read(path: path, unsubmitted: unsubmitted)
        let order = metadata.rows.indices.sorted {
            metadata.rows[$0].alphaID.utf8.lexicographicallyPrecedes(metadata.rows[$1].alphaID.utf8)
        }
        let rows = order.map { metadata.rows[$0] }
        if let region, let other = rows.first(where: { $0.region != nil && $0.region != region }) {
            throw GridError(
                .usage,
                "\(file): alpha \(other.alphaID.printable) is of region \(other.region?.name ?? ""), "
                    + "not of \(region)")
        }
        let regions = Set(rows.compactMap { $0.region ?? region }).sorted()
        let table = unsubmitted ? "alphas_unsubmitted" : "alphas"
        let action = Action("import alphas", needs: "SELECT, INSERT and UPDATE on \(table), and TEMPORARY on the database")
        return try creatingRegions(regions) { () throws(GridError) in
            try pool.write(action, patience: .bulk) { connection in
                for region in regions { try connection.lock("import \(region)") }
                var regionIDs: [Region: Int] = [:]
                for region in regions { regionIDs[region] = try Self.requireRegion(region, connection) }
                let ownRegions = rows.map { row in (row.region ?? region).flatMap { regionIDs[$0] } }
                try Self.copyAlphas(rows.map(\.alphaID), regionIDs: ownRegions, connection)
                try Self.copyMetadata(rows, columns: metadata.columns, connection)
                try Self.refuseForeignAlphas(file: file, unsubmitted: unsubmitted, connection)
                try Self.refuseHomelessAlphas(file: file, table: table, connection)
                var report = ImportReport(
                    file: file, region: regions.count == 1 ? regions[0].name : nil, unsubmitted: unsubmitted, alphas: rows.count)
                report.alphasInserted = try Self.insertAlphas(
                    into: table, type: unsubmitted ? "UNSUBMITTED" : "REGULAR", connection)
                report.rowsInserted = report.alphasInserted
                report.rowsUpdated = try Self.updateAlphas(table, columns: metadata.columns, connection)
                report.rowsUnchanged = rows.count - report.rowsInserted - report.rowsUpdated
                try Self.audit(
                    "import-alphas", region: regions.count == 1 ? regions[0] : nil, subject: file, detail: report, connection)
                return report
            }
        }
    }

    /// Makes `incoming_metadata`, all text, which ends with the transaction.
    private static func copyMetadata(
        _ rows: [AlphaMetadata.Row], columns: [AlphaColumn], _ connection: Connection
    ) throws {
        let definitions = columns.map { ", \($0.name) text" }.joined()
        try connection.execute(
            "CREATE TEMP TABLE incoming_metadata (ordinal integer PRIMARY KEY, alpha_type text\(definitions)) ON COMMIT DROP")
        try connection.copyIn("COPY incoming_metadata FROM STDIN (FORMAT binary)") { writer in
            for (ordinal, row) in rows.enumerated() {
                try writer.row(fields: Int16(2 + columns.count))
                try writer.put(Int32(ordinal))
                try writer.put(row.type)
                for value in row.values { try writer.put(value) }
            }
        }
        try connection.execute("ANALYZE incoming_metadata")
    }

    private static func refuseHomelessAlphas(file: String, table: String, _ connection: Connection) throws {
        let homeless = try connection.execute(
            """
            SELECT i.alpha_id FROM incoming_alphas i WHERE i.region_id IS NULL
            AND NOT EXISTS (SELECT FROM \(table) a WHERE a.alpha_id = i.alpha_id) ORDER BY i.ordinal LIMIT 6
            """
        ).texts()
        guard homeless.isEmpty else {
            throw GridError(
                .usage,
                "\(file.printable): alpha \(list(homeless)) is new and has no region: expected --region or a column region")
        }
    }

    /// Writes what differs; how many alphas changed that were there before.
    private static func updateAlphas(
        _ table: String, columns: [AlphaColumn], _ connection: Connection
    ) throws(DatabaseError) -> Int {
        // A time without zone is UTC, like the session; one with a zone is converted.
        var changes = [(name: "alpha_type", value: "COALESCE(m.alpha_type, t.alpha_type)")]
        for column in columns {
            let zoned = column.kind == .timestamp ? "::timestamptz" : ""
            changes.append((column.name, "COALESCE(m.\(column.name)\(zoned)::\(column.castType), t.\(column.name))"))
        }
        let present = changes.map { "t.\($0.name)" }.joined(separator: ", ")
        let wanted = changes.map(\.value).joined(separator: ", ")
        let touched = columns.contains { $0.name == "last_updated" } ? [] : ["last_updated = CURRENT_TIMESTAMP"]
        let assignments = changes.map { "\($0.name) = \($0.value)" } + touched
        let counted = try connection.execute(
            """
            WITH changed AS (
                UPDATE \(table) t SET \(assignments.joined(separator: ", "))
                FROM incoming_alphas i JOIN incoming_metadata m USING (ordinal)
                WHERE t.alpha_id = i.alpha_id AND (\(present)) IS DISTINCT FROM (\(wanted))
                RETURNING i.is_new
            )
            SELECT count(*) FILTER (WHERE NOT is_new) FROM changed
            """)
        return counted.integer(0, 0) ?? 0
    }
}
