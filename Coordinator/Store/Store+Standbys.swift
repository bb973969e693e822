import ClusterModel

// Coordinators that wait for the leader's end, and the keys that the leader admits. Who stands by is for displays: whoever writes
// or reads it has a lease to keep or to watch, and does not wait.
extension Store {
    private static let standingBy = Action(
        "stand by", needs: "SELECT, INSERT, UPDATE and DELETE on coordinator_standbys")

    /// Says that a standby is alive, and forgets those that have not said so for long; of more than `Limits.standbysMax` the
    /// newcomers stay unknown, and stand by all the same.
    package func showStandby(holder: String, http: String?) throws(GridError) {
        try pool.write(Self.standingBy, patience: .brief) { connection in
            try connection.execute(
                "DELETE FROM coordinator_standbys WHERE seen_at < clock_timestamp() - $1::bigint * interval '1 second'",
                [.integer(Int64(Limits.standbySilentSeconds))])
            try connection.execute(
                """
                INSERT INTO coordinator_standbys (holder, http) SELECT $1, $2
                WHERE (SELECT count(*) FROM coordinator_standbys WHERE holder <> $1) < $3::bigint
                ON CONFLICT (holder) DO UPDATE SET http = EXCLUDED.http, seen_at = clock_timestamp()
                """, [.text(holder), .optional(http), .integer(Int64(Limits.standbysMax))])
        }
    }

    /// It leads from now on, or has gone.
    package func removeStandby(holder: String) throws(GridError) {
        try pool.write(Self.standingBy, patience: .brief) { connection in
            _ = try connection.execute("DELETE FROM coordinator_standbys WHERE holder = $1", [.text(holder)])
        }
    }

    /// Those that have lately shown a sign of life, in the order of their names.
    package func standbys() throws(GridError) -> [StandbyView] {
        let action = Action("look who stands by", needs: "SELECT on coordinator_standbys")
        return try pool.read(action, patience: .brief) { connection in
            let found = try connection.execute(
                """
                SELECT holder, http, \(Self.isoSeconds("seen_at")) FROM coordinator_standbys
                WHERE seen_at >= clock_timestamp() - $1::bigint * interval '1 second' ORDER BY holder
                """, [.integer(Int64(Limits.standbySilentSeconds))])
            return (0..<found.rowCount).map {
                StandbyView(holder: found.text($0, 0) ?? "", url: found.text($0, 1), seenAt: found.text($0, 2) ?? "")
            }
        }
    }

    /// Writes into the audit log which workers' keys have come and gone since some coordinator last looked, also while none
    /// ran: `alphagrid keys` works on a folder, and knows no database. One that went, and that no list says was revoked, is
    /// missing: the list is an older copy, or was lost.
    ///
    /// - Parameters:
    ///   - keys: public key by name, all that are admitted now.
    ///   - keptOut: keys that a list admits although they were revoked, and which were not recorded yet.
    package func recordKeys(
        _ keys: [String: String], keptOut: [KeyRevocation] = [], holder: String, epoch: Epoch
    ) throws(GridError) {
        let action = Action(
            "record the keys of workers", needs: "SELECT, INSERT and DELETE on admitted_keys, INSERT on audit_log")
        try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            let found = try connection.execute("SELECT name, public_key FROM admitted_keys")
            var known: [String: String] = [:]
            for row in 0..<found.rowCount { known[found.text(row, 0) ?? ""] = found.text(row, 1) }
            let gone = known.filter { keys[$0.key] != $0.value }.keys.sorted()
            let come = keys.filter { known[$0.key] != $0.value }.keys.sorted()
            try connection.execute("DELETE FROM admitted_keys WHERE name = ANY ($1::text[])", [.texts(gone)])
            try connection.execute(
                "INSERT INTO admitted_keys (name, public_key) SELECT * FROM unnest($1::text[], $2::text[])",
                [.texts(come), .texts(come.map { keys[$0] ?? "" })])
            let rows = try connection.execute(
                "SELECT DISTINCT public_key FROM key_revocations WHERE public_key = ANY ($1::text[])",
                [.texts(gone.map { known[$0] ?? "" } + come.map { keys[$0] ?? "" })])
            let revoked = Set((0..<rows.rowCount).compactMap { rows.text($0, 0) })
            let off = Set(gone.filter { revoked.contains(known[$0] ?? "") })
            let back = Set(come.filter { revoked.contains(keys[$0] ?? "") })
            let changes =
                gone.map { (off.contains($0) ? "key revoked" : "key missing", $0, ["public_key": known[$0]]) }
                + come.map { (back.contains($0) ? "revoked key added again" : "key added", $0, ["public_key": keys[$0]]) }
                + keptOut.map { ("revoked key kept out", $0.name, ["public_key": $0.publicKey, "revoked_at": $0.revoked]) }
            guard changes.count <= Limits.keyChangesRecordedMax else {
                try Self.audit(
                    "keys changed", region: nil, subject: "\(changes.count) keys",
                    detail: [
                        "added": come.count, "added_again": back.count, "revoked": off.count, "missing": gone.count - off.count,
                        "kept_out": keptOut.count,
                    ], actor: Self.actor(holder), connection)
                return
            }
            for (change, name, detail) in changes {
                try Self.audit(change, region: nil, subject: name, detail: detail, actor: Self.actor(holder), connection)
            }
        }
    }
}
