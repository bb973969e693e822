import ClusterModel

extension Store {
    /// Replaces the neighbours and edges of a region, or of a job, within the transaction that publishes its rows.
    ///
    /// The alphas of a region's rows are locked by then, so a pair whose alphas are both there stays whole; pairs of
    /// alphas that are gone are left out.
    ///
    /// - Parameter isWhole: whether every alpha of the result is known to be there, so that none needs to be looked for.
    static func replaceRelations(
        _ neighbours: (any Sequence<CorrelationNeighbour>)?, _ edges: (any Sequence<CorrelationEdge>)?,
        of publication: Publication, isWhole: Bool, _ connection: Connection
    ) throws {
        let tables = RegionTables(publication.region)
        try replace(
            tables.neighbours(publication.target), of: publication, isWhole: isWhole, rows: neighbours,
            columns: [
                "alpha_id varchar(50)", "kind varchar(10)", "rank integer", "neighbour_id varchar(50)",
                "correlation double precision", "days integer",
            ], alphas: ["alpha_id", "neighbour_id"], connection
        ) { writer, row in
            try writer.put(row.alphaID)
            try writer.put(row.kind.rawValue)
            try writer.put(Int32(clamping: row.rank))
            try writer.put(row.neighbourID)
            try writer.put(row.correlation)
            try writer.put(row.days.map { Int32(clamping: $0) })
        }
        try replace(
            tables.edges(publication.target), of: publication, isWhole: isWhole, rows: edges,
            columns: [
                "alpha_id_a varchar(50)", "alpha_id_b varchar(50)", "correlation double precision", "days integer",
            ], alphas: ["alpha_id_a", "alpha_id_b"], connection
        ) { writer, row in
            try writer.put(row.alphaIDA)
            try writer.put(row.alphaIDB)
            try writer.put(row.correlation)
            try writer.put(row.days.map { Int32(clamping: $0) })
        }
    }

    /// - Parameter alphas: columns that name an alpha.
    private static func replace<Row>(
        _ table: String, of publication: Publication, isWhole: Bool, rows: (any Sequence<Row>)?, columns: [String],
        alphas: [String], _ connection: Connection, put: (CopyWriter, Row) throws -> Void
    ) throws {
        let name = quoted(identifier: table)
        let job = SQLValue.integer(publication.jobID.rawValue)
        switch publication.target {
        case .region: try connection.execute("DELETE FROM \(name)")
        case .job: try connection.execute("DELETE FROM \(name) WHERE job_id = $1", [job])
        }
        guard let rows else { return }
        let names = columns.map { String($0.prefix { $0 != " " }) }
        if isWhole || publication.target == .job {
            let target = "\(name) (\(names.joined(separator: ", ")), job_id)"
            try connection.copyIn("COPY \(target) FROM STDIN (FORMAT binary)") { writer in
                for row in rows {
                    try writer.row(fields: Int16(columns.count + 1))
                    try put(writer, row)
                    try writer.put(publication.jobID.rawValue)
                }
            }
            return
        }
        try connection.execute("CREATE TEMP TABLE incoming_pairs (\(columns.joined(separator: ", "))) ON COMMIT DROP")
        try connection.copyIn("COPY incoming_pairs FROM STDIN (FORMAT binary)") { writer in
            for row in rows {
                try writer.row(fields: Int16(columns.count))
                try put(writer, row)
            }
        }
        try connection.execute("ANALYZE incoming_pairs")
        let present = alphas.map { "EXISTS (SELECT FROM alphas a WHERE a.alpha_id = i.\($0))" }
        try connection.execute(
            """
            INSERT INTO \(name) (\(names.joined(separator: ", ")), job_id)
            SELECT \(names.map { "i.\($0)" }.joined(separator: ", ")), $1::bigint FROM incoming_pairs i WHERE \(present.joined(separator: " AND "))
            """, [job])
        try connection.execute("DROP TABLE incoming_pairs")
    }

    /// Deletes what neighbours and edges say of alphas that are being removed.
    static func deleteRelations(of ids: [String], _ tables: RegionTables, _ connection: Connection) throws(DatabaseError) {
        for target in [Publication.Target.region, .job] {
            for (table, columns) in [
                (tables.neighbours(target), ["alpha_id", "neighbour_id"]), (tables.edges(target), ["alpha_id_a", "alpha_id_b"]),
            ] {
                for column in columns {
                    try connection.execute(
                        "DELETE FROM \(quoted(identifier: table)) WHERE \(column) = ANY ($1::text[])", [.texts(ids)])
                }
            }
        }
    }
}
