import ClusterModel

/// That a list of keys says of one that it is admitted no more.
package struct KeyRevocation: Hashable, Sendable {
    package var publicKey: String
    /// Whom it was given to.
    package var name: String
    /// ISO 8601, UTC.
    package var added: String
    package var revoked: String

    package init(publicKey: String, name: String, added: String, revoked: String) {
        self.publicKey = publicKey
        self.name = name
        self.added = added
        self.revoked = revoked
    }
}

// What was revoked, whoever did it: coordinators have lists of keys of their own, of which one may be an older copy.
extension Store {
    /// A row for each time that a key was revoked at; none is ever changed, nor removed when the key is admitted again, since
    /// older copies of a list go on admitting it. `noticed_at` grows with every row that comes, whatever the clock does, so that
    /// whoever knows the last one knows whether there are more.
    static let keyRevocationsTable = """
        CREATE TABLE key_revocations (
            public_key text NOT NULL,
            listed_at timestamptz NOT NULL,
            name text NOT NULL,
            revoked_at timestamptz NOT NULL,
            noticed_at timestamptz NOT NULL,
            PRIMARY KEY (public_key, listed_at)
        );
        CREATE INDEX idx_key_revocations_noticed_at ON key_revocations (noticed_at);
        """

    /// Adds what a list says, and tells what all lists have said so far, without a look at the epoch: that a key was revoked is
    /// true whoever leads.
    ///
    /// A time that lies ahead of the database's clock counts as now, when it is told first, but a revocation is never older than
    /// the record that it revokes: whatever clock wrote both, a copy of that record must not pass for a newer one.
    ///
    /// - Parameters:
    ///   - told: What is known already is left as it is.
    ///   - mark: that came with the last answer.
    /// - Returns: for each key when it was revoked last, to the millisecond; nil where nothing has come since `mark`.
    package func exchangeRevocations(
        _ told: [KeyRevocation], since mark: String?
    ) throws(GridError) -> (times: [String: String], mark: String)? {
        guard !told.isEmpty else {
            return try pool.read(Action("look which keys were revoked", needs: "SELECT on key_revocations")) { connection in
                try Self.revocations(since: mark, connection)
            }
        }
        let action = Action("tell which keys were revoked", needs: "SELECT, INSERT and DELETE on key_revocations")
        return try pool.write(action) { connection in
            // One at a time, so that marks are seen in the order in which they are made.
            try connection.lock("key revocations")
            let added = try connection.execute(
                """
                INSERT INTO key_revocations (public_key, listed_at, name, revoked_at, noticed_at)
                SELECT told.public_key, told.revoked, told.name,
                    greatest(told.added, least(told.revoked, date_trunc('milliseconds', clock_timestamp()))),
                    greatest(clock_timestamp(), (SELECT max(noticed_at) FROM key_revocations) + interval '1 microsecond')
                FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
                    AS told (public_key, name, added, revoked)
                ON CONFLICT DO NOTHING
                """,
                [
                    .texts(told.map(\.publicKey)), .texts(told.map(\.name)), .texts(told.map(\.added)),
                    .texts(told.map(\.revoked)),
                ])
            if added.affectedRows > 0 {
                try connection.execute(
                    """
                    DELETE FROM key_revocations WHERE (public_key, listed_at) IN (
                        SELECT public_key, listed_at FROM key_revocations ORDER BY revoked_at DESC, public_key
                        OFFSET $1::bigint)
                    """, [.integer(Int64(Limits.keyRevocationsMax))])
            }
            return try Self.revocations(since: mark, connection)
        }
    }

    private static func revocations(
        since mark: String?, _ connection: Connection
    ) throws -> (times: [String: String], mark: String)? {
        let last = try connection.execute("SELECT coalesce(extract(epoch FROM max(noticed_at))::text, '') FROM key_revocations")
        let present = last.text(ifAnyRow: 0) ?? ""
        guard present != mark else { return nil }
        let found = try connection.execute(
            """
            SELECT public_key, to_char(max(revoked_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            FROM key_revocations GROUP BY public_key
            """)
        var times: [String: String] = [:]
        for row in 0..<found.rowCount { times[found.text(row, 0) ?? ""] = found.text(row, 1) }
        return (times, present)
    }
}
