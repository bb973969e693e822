import ClusterModel

/// Who coordinates, and its last sign of life.
package struct LeaseView: Hashable, Sendable {
    package var epoch: Epoch
    package var holder: String
    /// Counts the signs of life of this epoch. Whoever sees it stand still by a clock of its own knows that the holder is
    /// gone, whatever jumps the database's clock makes.
    package var renewals: Int64
    /// When it was taken, ISO 8601 UTC.
    package var since = ""
    /// Of the holder's HTTP interface; nil where it has none or did not tell.
    package var http: String?
    /// That workers know the holder by; empty for one without keys, nil for one that did not tell.
    package var publicKey: String?

    package init(epoch: Epoch, holder: String, renewals: Int64) {
        self.epoch = epoch
        self.holder = holder
        self.renewals = renewals
    }

    /// Nobody coordinates: the holder has left in order, or there never was one.
    package var isFree: Bool { renewals < 0 || epoch.rawValue == 0 }

    package var leader: LeaderView {
        LeaderView(holder: holder, epoch: epoch.rawValue, since: since.isEmpty ? nil : since, url: http)
    }

    /// Why a coordinator must not follow the holder: workers that had to show keys to the one would be let in by the other
    /// without, or not at all. Whoever finds the lease free at its start begins something new, and may have new keys; one that
    /// has waited for the holder's end is its successor.
    package func refusal(of claim: LeaseClaim) -> GridError? {
        guard let publicKey, !publicKey.isEmpty, publicKey != claim.publicKey, !claim.ignoresKeys else { return nil }
        guard !isFree || claim.hasWaited else { return nil }
        let own = claim.publicKey.map { "others (\($0))" } ?? "none"
        return GridError(
            .conflict,
            "'\(holder.printable)' coordinates this database with keys (public key \(publicKey.printable)), and this coordinator "
                + "has \(own): start it with a copy of that key folder, or type --insecure to take over without")
    }
}

/// What a coordinator says of itself when it takes the lease.
package struct LeaseClaim: Sendable {
    /// Host and process, for people to read.
    package var holder: String
    /// Where its HTTP interface is reached.
    package var http: String?
    /// That workers know it by; nil for one without keys.
    package var publicKey: String?
    /// Whether `--insecure` was typed: the holder's keys need not be its own.
    package var ignoresKeys = false
    /// Whether it stood by while somebody held the lease.
    package var hasWaited = false

    package init(holder: String, http: String? = nil, publicKey: String? = nil) {
        self.holder = holder
        self.http = http
        self.publicKey = publicKey
    }
}

extension Store {
    /// Begins a new generation of the coordinator. From now on writes of older ones are refused; those that are under
    /// way are waited for. The audit log gets a row.
    ///
    /// - Parameter evicting: ends transactions of the old generation, of the same database role, instead of waiting for them:
    ///   a holder that is frozen in the middle of a publication would keep everybody else out for hours.
    /// - Throws: `GridError(.conflict)` when the holder has keys that the claim has not.
    package func takeEpoch(_ claim: LeaseClaim, evicting: Bool = false) throws(GridError) -> Epoch {
        let action = Action(
            "take over the coordinator's lease", needs: "INSERT and UPDATE on coordinator_lease, INSERT on audit_log")
        return try pool.write(action, patience: .bulk) { connection in
            // One taker at a time, so that what is judged is what is replaced.
            try connection.lock("coordinator lease")
            let before = try Self.leaseIfAny(connection)
            if let refusal = before?.refusal(of: claim) { throw refusal }
            if evicting { try Self.evictWriters(connection) }
            let taken = try connection.execute(
                """
                INSERT INTO coordinator_lease AS lease (epoch, holder, http, public_key) VALUES (1, $1, $2, $3)
                ON CONFLICT (only_row) DO UPDATE SET epoch = lease.epoch + 1, holder = EXCLUDED.holder,
                    http = EXCLUDED.http, public_key = EXCLUDED.public_key, taken_at = clock_timestamp()
                RETURNING epoch
                """, [.text(claim.holder), .optional(claim.http), .text(claim.publicKey ?? "")])
            let epoch = Epoch(Int64(taken.integer(0, 0) ?? 0))
            try Self.auditTakeover(claim, from: before, epoch, connection)
            return epoch
        }
    }

    private struct Takeover: Encodable {
        var from: String?
        /// Whether the one before had left in order.
        var wasFree: Bool
        /// Of the one before, as this one sees them: `same`, `others`, `none` or `unknown`; nil where there was nobody.
        var keysBefore: String?
        var publicKey: String?
        var insecure: Bool?
    }

    private static func auditTakeover(
        _ claim: LeaseClaim, from before: LeaseView?, _ epoch: Epoch, _ connection: Connection
    ) throws {
        let before = before.flatMap { $0.epoch.rawValue == 0 ? nil : $0 }
        let keys: String? =
            switch before?.publicKey {
            case _ where before == nil: nil
            case nil: "unknown"
            case "": "none"
            case claim.publicKey: "same"
            default: "others"
            }
        let takeover = Takeover(
            from: before?.holder, wasFree: before?.isFree ?? true, keysBefore: keys,
            publicKey: claim.publicKey, insecure: claim.ignoresKeys ? true : nil)
        try audit(
            "coordinator took over", region: nil, subject: "\(epoch)", detail: takeover, actor: actor(claim.holder), connection)
    }

    /// How the audit log names a coordinator that does something by itself; no token can have a colon in its name.
    static func actor(_ holder: String) -> String { "coordinator:\(holder)" }

    /// Whoever has locked the lease's row is a coordinator in the middle of a writing transaction.
    private static func evictWriters(_ connection: Connection) throws {
        try connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE usename = current_user AND locktype = 'relation' AND relation = 'coordinator_lease'::regclass
                AND mode = 'RowShareLock' AND granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
            """)
    }

    /// Keeps the epoch from changing until the transaction ends, and checks that it is still the caller's.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over.
    static func hold(_ epoch: Epoch, _ connection: Connection) throws {
        let held = try connection.execute("SELECT epoch, holder FROM coordinator_lease FOR SHARE")
        guard held.rowCount == 1, let present = held.integer(0, 0) else {
            throw GridError(.conflict, "nobody holds the coordinator's lease in the database at \(connection.place)")
        }
        guard Int64(present) == epoch.rawValue else {
            throw superseded(
                epoch, by: LeaseView(epoch: Epoch(Int64(present)), holder: held.text(0, 1) ?? "", renewals: 0))
        }
    }

    // MARK: Signs of life

    /// Says that the holder of `epoch` is alive.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over.
    package func renewLease(_ epoch: Epoch) throws(GridError) {
        let action = Action("renew the coordinator's lease", needs: "INSERT and UPDATE on coordinator_renewals")
        let present = try pool.write(action) { connection in
            try connection.execute(
                """
                INSERT INTO coordinator_renewals AS last (epoch, renewals)
                SELECT epoch, 1 FROM coordinator_lease WHERE epoch = $1
                ON CONFLICT (only_row) DO UPDATE
                SET epoch = EXCLUDED.epoch, renewals = greatest(last.renewals, 0) + 1, renewed_at = clock_timestamp()
                """, [.integer(epoch.rawValue)])
            return try Self.lease(connection)
        }
        guard present.epoch == epoch else { throw Self.superseded(epoch, by: present) }
    }

    /// Leaves in order: whoever waits for the lease need not wait for silence. Does nothing once somebody else has it.
    package func releaseLease(_ epoch: Epoch) throws(GridError) {
        let action = Action("release the coordinator's lease", needs: "UPDATE on coordinator_renewals")
        try pool.write(action) { connection in
            _ = try connection.execute(
                """
                INSERT INTO coordinator_renewals (epoch, renewals) SELECT epoch, -1 FROM coordinator_lease WHERE epoch = $1
                ON CONFLICT (only_row) DO UPDATE SET epoch = EXCLUDED.epoch, renewals = -1, renewed_at = clock_timestamp()
                """, [.integer(epoch.rawValue)])
        }
    }

    package func lease() throws(GridError) -> LeaseView {
        try pool.read(Action("look who coordinates", needs: "SELECT on coordinator_lease")) { try Self.lease($0) }
    }

    private static func lease(_ connection: Connection) throws -> LeaseView {
        guard let lease = try leaseIfAny(connection) else {
            throw GridError(.conflict, "nobody holds the coordinator's lease in the database at \(connection.place)")
        }
        return lease
    }

    private static func leaseIfAny(_ connection: Connection) throws -> LeaseView? {
        let found = try connection.execute(
            """
            SELECT lease.epoch, lease.holder, coalesce(last.renewals, 0), \(isoSeconds("lease.taken_at")), lease.http,
                lease.public_key
            FROM coordinator_lease lease LEFT JOIN coordinator_renewals last ON last.epoch = lease.epoch
            """)
        guard found.rowCount == 1, let epoch = found.integer(0, 0) else { return nil }
        var lease = LeaseView(
            epoch: Epoch(Int64(epoch)), holder: found.text(0, 1) ?? "", renewals: Int64(found.integer(0, 2) ?? 0))
        lease.since = found.text(0, 3) ?? ""
        lease.http = found.text(0, 4)
        lease.publicKey = found.text(0, 5)
        return lease
    }

    private static func superseded(_ epoch: Epoch, by present: LeaseView) -> GridError {
        GridError(
            .conflict,
            "another coordinator has taken over: the database is at \(present.epoch) of '\(present.holder.printable)', this one "
                + "is \(epoch)")
    }
}
