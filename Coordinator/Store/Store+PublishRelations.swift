import ClusterModel

extension Store {
    /// Replaces the neighbours and edges of a region, or of a job, within the transaction that publishes its rows.
    ///
    /// The alphas of a region's rows are locked by then, so a pair whose alphas are both there stays whole; pairs of
    /// alphas that are gone are left out.
    ///
    /// - Parameter isWhole: whether every alpha of the result is known to be there.
    static func replaceRelations(
        _ neighbours: PublishedNeighbours?, _ edges: (any Sequence<CorrelationEdge>)?,
        of publication: Publication, isWhole: Bool, _ connection: Connection
    ) throws {
        let tables = RegionTables(publication.region)
        try replaceLists(neighbours, of: publication, isWhole: isWhole, connection)
        try replace(
            tables.edges(publication.target), ["alpha_id_a", "alpha_id_b", "correlation", "days"], of: publication, connection
        ) { writer in
            for edge in edges ?? [] {
                try writer.row(fields: 5)
                try writer.put(edge.alphaIDA)
                try writer.put(edge.alphaIDB)
                try writer.put(edge.correlation)
                try writer.put(edge.days.map { Int32(clamping: $0) })
                try writer.put(publication.jobID.rawValue)
            }
        }
        guard !isWhole, publication.target == .region else { return }
        let gone = try connection.execute(
            "SELECT alpha_id FROM incoming_rows i WHERE NOT EXISTS (SELECT FROM alphas a WHERE a.alpha_id = i.alpha_id)")
        try deleteRelations(of: (0..<gone.rowCount).compactMap { gone.text($0, 0) }, tables, connection)
    }

    /// Replaces the rows of a region, or of a job.
    static func replace(
        _ table: String, _ columns: [String], of publication: Publication, _ connection: Connection,
        rows: (CopyWriter) throws -> Void
    ) throws {
        let name = quoted(identifier: table)
        switch publication.target {
        case .region: try connection.execute("DELETE FROM \(name)")
        case .job: try connection.execute("DELETE FROM \(name) WHERE job_id = $1", [.integer(publication.jobID.rawValue)])
        }
        let target = "\(name) (\(columns.joined(separator: ", ")), job_id)"
        try connection.copyIn("COPY \(target) FROM STDIN (FORMAT binary)", body: rows)
    }

    /// Deletes what neighbours and edges say of alphas that are being removed.
    static func deleteRelations(of ids: [String], _ tables: RegionTables, _ connection: Connection) throws(DatabaseError) {
        for target in [Publication.Target.region, .job] {
            let lists = quoted(identifier: tables.neighbourLists(target))
            try connection.execute("DELETE FROM \(lists) WHERE alpha_id = ANY ($1::text[])", [.texts(ids)])
            for columns in CorrelationNeighbour.Kind.allCases.map(RegionTables.listColumns) {
                let names = columns.joined(separator: ", ")
                try connection.execute(
                    """
                    UPDATE \(lists) SET (\(names)) = (
                        SELECT coalesce(array_agg(n.id ORDER BY n.rank), '{}'), coalesce(array_agg(n.r ORDER BY n.rank), '{}'),
                            coalesce(array_agg(n.days ORDER BY n.rank), '{}')
                        FROM unnest(\(names)) WITH ORDINALITY AS n (id, r, days, rank)
                        WHERE n.id <> ALL ($1::text[]))
                    WHERE \(columns[0]) && $1::text[]
                    """, [.texts(ids)])
            }
            let edges = quoted(identifier: tables.edges(target))
            for column in ["alpha_id_a", "alpha_id_b"] {
                try connection.execute("DELETE FROM \(edges) WHERE \(column) = ANY ($1::text[])", [.texts(ids)])
            }
        }
    }
}
