import ClusterModel

/// The nearest neighbours that a publication comes with.
package struct PublishedNeighbours {
    /// Those of one alpha together, and of these those of one kind together and nearest first.
    package var neighbours: any Sequence<CorrelationNeighbour>
    /// Equal ones of two publications say that their neighbours are the same; nil for neighbours that are written in any case.
    package var digest: String?

    package init(_ neighbours: any Sequence<CorrelationNeighbour>, digest: String? = nil) {
        self.neighbours = neighbours
        self.digest = digest
    }
}

extension Store {
    /// What is known of a region's lists, which are the larger part of a publication and often the same as before.
    ///
    /// A row of PostgreSQL never changes: whoever writes to it leaves another one in its place, which bears the number of his
    /// transaction. So lists of which every row bears that of their publication, and of which there are as many, are what was
    /// published, whoever else may write to the table. Anything in doubt is written anew.
    static let sealTable = """
        CREATE TABLE published_lists (
            table_name text PRIMARY KEY,
            digest text NOT NULL,
            row_count bigint NOT NULL,
            written_by xid8 NOT NULL
        );
        """

    /// Replaces the lists of a region, or of a job, within the transaction that publishes its rows; those of a region stay when
    /// they are the same.
    ///
    /// - Parameter isWhole: whether every alpha of the result is known to be there.
    static func replaceLists(
        _ published: PublishedNeighbours?, of publication: Publication, isWhole: Bool, _ connection: Connection
    ) throws {
        let table = RegionTables(publication.region).neighbourLists(publication.target)
        let columns = ["alpha_id"] + CorrelationNeighbour.Kind.allCases.flatMap(RegionTables.listColumns)
        let neighbours = published?.neighbours ?? []
        guard publication.target == .region else {
            try replace(table, columns, of: publication, connection) { writer in
                _ = try copyLists(neighbours, job: publication.jobID, writer)
            }
            return
        }
        if let digest = published?.digest, try isSealed(table, digest, connection) { return }
        let name = quoted(identifier: table)
        var rows = 0
        try connection.execute("DELETE FROM \(name)")
        try connection.copyIn("COPY \(name) (\(columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)") { writer in
            rows = try copyLists(neighbours, job: nil, writer)
        }
        try seal(table, isWhole ? published?.digest : nil, rows, connection)
    }

    private static func isSealed(_ table: String, _ digest: String, _ connection: Connection) throws -> Bool {
        // The number that a row bears comes again after 2^32 transactions.
        let found = try connection.execute(
            """
            SELECT s.row_count = l.row_count AND l.is_own
                AND pg_snapshot_xmax(pg_current_snapshot())::text::numeric - s.written_by::text::numeric BETWEEN 0 AND 2147483647
            FROM published_lists s CROSS JOIN LATERAL (
                SELECT count(*) AS row_count, coalesce(bool_and(t.xmin = s.written_by::xid), true) AS is_own
                FROM \(quoted(identifier: table)) t) l
            WHERE s.table_name = $1 AND s.digest = $2
            """, [.text(table), .text(digest)])
        return found.rowCount == 1 && found.boolean(0, 0)
    }

    /// - Parameter digest: nil when the next publication must not rely on the lists.
    private static func seal(_ table: String, _ digest: String?, _ rows: Int, _ connection: Connection) throws {
        guard let digest else {
            try connection.execute("DELETE FROM published_lists WHERE table_name = $1", [.text(table)])
            return
        }
        try connection.execute(
            """
            INSERT INTO published_lists (table_name, digest, row_count, written_by)
            VALUES ($1, $2, $3::bigint, pg_current_xact_id())
            ON CONFLICT (table_name) DO UPDATE
            SET digest = EXCLUDED.digest, row_count = EXCLUDED.row_count, written_by = EXCLUDED.written_by
            """, [.text(table), .text(digest), .integer(Int64(rows))])
    }

    /// Writes the neighbours of one alpha as one row each; how many rows.
    private static func copyLists(
        _ neighbours: some Sequence<CorrelationNeighbour>, job: JobID?, _ writer: CopyWriter
    ) throws -> Int {
        let kinds = CorrelationNeighbour.Kind.allCases
        // By bytes: to Swift, ids that Unicode takes for equal are.
        var alpha: String?
        var lists = Array(repeating: [CorrelationNeighbour](), count: kinds.count)
        var rows = 0
        func write() throws {
            guard let alpha else { return }
            try writer.row(fields: Int16(1 + 3 * kinds.count + (job == nil ? 0 : 1)))
            try writer.put(alpha)
            for list in lists.indices {
                try writer.put(lists[list].map(\.neighbourID))
                try writer.put(lists[list].map(\.correlation))
                try writer.put(lists[list].map { $0.days.map { Int32(clamping: $0) } })
                lists[list].removeAll(keepingCapacity: true)
            }
            if let job { try writer.put(job.rawValue) }
            rows += 1
        }
        for neighbour in neighbours {
            if alpha.map({ !$0.utf8.elementsEqual(neighbour.alphaID.utf8) }) ?? true {
                try write()
                alpha = neighbour.alphaID
            }
            // There are three.
            for (list, kind) in kinds.enumerated() where kind == neighbour.kind { lists[list].append(neighbour) }
        }
        try write()
        return rows
    }
}
