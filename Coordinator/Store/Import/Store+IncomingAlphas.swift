import ClusterModel

extension Store {
    /// Makes `incoming_alphas (ordinal, alpha_id, region_id, is_new)`, which ends with the transaction.
    ///
    /// - Parameter regionIDs: one per alpha; nil where nothing is known.
    static func copyAlphas(_ ids: [String], regionIDs: [Int?], _ connection: Connection) throws {
        try connection.execute(
            """
            CREATE TEMP TABLE incoming_alphas (
                ordinal integer PRIMARY KEY, alpha_id varchar(50) NOT NULL, region_id integer,
                is_new boolean NOT NULL DEFAULT false
            ) ON COMMIT DROP
            """)
        try connection.copyIn("COPY incoming_alphas (ordinal, alpha_id, region_id) FROM STDIN (FORMAT binary)") { writer in
            for (ordinal, (id, regionID)) in zip(ids, regionIDs).enumerated() {
                try writer.row(fields: 3)
                try writer.put(Int32(ordinal))
                try writer.put(id)
                try writer.put(regionID.map { Int32(clamping: $0) })
            }
        }
        try connection.execute("ANALYZE incoming_alphas")
    }

    /// Checks `incoming_alphas` against both tables of alphas: an alpha has one region and is in one of the two.
    static func refuseForeignAlphas(file: String, unsubmitted: Bool, _ connection: Connection) throws {
        let (own, other) = unsubmitted ? ("alphas_unsubmitted", "alphas") : ("alphas", "alphas_unsubmitted")
        let foreign = try connection.execute(
            """
            SELECT i.alpha_id, r.region_name, w.region_name FROM incoming_alphas i
            JOIN \(own) a ON a.alpha_id = i.alpha_id JOIN regions r ON r.region_id = a.region_id
            JOIN regions w ON w.region_id = i.region_id
            WHERE a.region_id <> i.region_id ORDER BY i.ordinal LIMIT 1
            """)
        if let id = foreign.text(ifAnyRow: 0), let owner = foreign.text(0, 1), let wanted = foreign.text(0, 2) {
            throw GridError(
                .conflict,
                "\(file.printable): alpha \(id.printable) belongs to region \(owner.printable) and cannot be imported into "
                    + "\(wanted): an alpha has one region")
        }
        let misplaced = try connection.execute(
            """
            SELECT i.alpha_id FROM incoming_alphas i JOIN \(other) o ON o.alpha_id = i.alpha_id
            WHERE NOT EXISTS (SELECT FROM \(own) a WHERE a.alpha_id = i.alpha_id) ORDER BY i.ordinal LIMIT 1
            """)
        guard let id = misplaced.text(ifAnyRow: 0) else { return }
        let advice =
            unsubmitted
            ? "is already submitted: import it without --unsubmitted"
            : "is unsubmitted: run 'alphagrid db promote' first, or import it with --unsubmitted"
        throw GridError(.conflict, "\(file.printable): alpha \(id.printable) \(advice)")
    }

    /// Adds the alphas of `incoming_alphas` that are not there yet, and gives a region to those without one; how many
    /// were added.
    static func insertAlphas(into table: String, type: String, _ connection: Connection) throws(DatabaseError) -> Int {
        try connection.execute(
            """
            UPDATE incoming_alphas i SET is_new = true
            WHERE NOT EXISTS (SELECT FROM \(table) a WHERE a.alpha_id = i.alpha_id)
            """)
        // Even statements that change no row lock the table until the end of the import, and so keep others from making
        // the tables of a new region. Most imports bring no new alpha.
        let regionless = """
            FROM incoming_alphas i WHERE i.alpha_id = a.alpha_id AND a.region_id IS NULL AND i.region_id IS NOT NULL
            """
        let work = try connection.execute(
            """
            SELECT EXISTS (SELECT FROM incoming_alphas WHERE is_new),
                EXISTS (SELECT FROM \(table) a WHERE EXISTS (SELECT \(regionless)))
            """)
        if work.boolean(0, 1) { try connection.execute("UPDATE \(table) a SET region_id = i.region_id \(regionless)") }
        guard work.boolean(0, 0) else { return 0 }
        return try connection.execute(
            """
            INSERT INTO \(table) (alpha_id, region_id, alpha_type, last_updated)
            SELECT alpha_id, region_id, $1, CURRENT_TIMESTAMP FROM incoming_alphas WHERE is_new ORDER BY ordinal
            ON CONFLICT (alpha_id) DO NOTHING
            """, [.text(type)]
        ).affectedRows
    }
}
