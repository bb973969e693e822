import ClusterModel
import Panel

/// What the database knows of a panel kept on disk.
struct PanelRegistration: Codable, Equatable, Sendable {
    var token: String
    /// The snapshot the panel was read under, as PostgreSQL writes it.
    var snapshot: String
    /// Of the table and its triggers then (see `ChangeTracking.fingerprint`).
    var fingerprint: String
}

extension Store {
    private static let registering = Action(
        "keep a panel on disk",
        needs: "SELECT, INSERT, UPDATE and DELETE on panel_caches and changed_pnl, SELECT on schedules")

    /// Makes the database keep records of changes from now on, for a panel that is read after this returns.
    ///
    /// - Parameter old: a registration this one replaces.
    /// - Returns: nil when changes of the table are not recorded.
    func registerPanel(table: String, replacing old: String?) throws(GridError) -> PanelRegistration? {
        try pool.write(Self.registering) { connection in
            if let old { try connection.execute("DELETE FROM panel_caches WHERE token = $1::uuid", [.text(old)]) }
            guard let print = try ChangeTracking.fingerprint(table: table, connection) else { return nil }
            let oid = SQLValue.integer(Int64(print.oid))
            // Those of schedules are not panels' and go with their schedules: without one, nobody knows what has changed.
            let ofPanels = "NOT EXISTS (SELECT FROM schedules WHERE token = ANY (seen_tokens))"
            let made = try connection.execute(
                """
                INSERT INTO panel_caches (table_oid, snapshot) VALUES ($1, pg_current_snapshot())
                RETURNING token, snapshot
                """, [oid])
            try connection.execute(
                """
                DELETE FROM panel_caches WHERE table_oid = $1 AND \(ofPanels) AND token NOT IN (
                    SELECT token FROM panel_caches WHERE table_oid = $1 AND \(ofPanels)
                    ORDER BY taken_at DESC LIMIT \(Limits.panelCachesPerTableMax))
                """, [oid])
            return PanelRegistration(token: made.text(0, 0) ?? "", snapshot: made.text(0, 1) ?? "", fingerprint: print.text)
        }
    }

    /// Says that the kept panel now is that of a later snapshot, and forgets records that nobody needs any more.
    ///
    /// Written after the panel was read: a database that was set back to an earlier moment does not have it, so that
    /// nobody takes the panel for that database's.
    ///
    /// - Returns: false when the registration is gone or another load has moved it on; the panel must not be kept then.
    func movePanel(_ old: PanelRegistration, to snapshot: String, tableOID: Int) throws(GridError) -> Bool {
        let moved = try pool.write(Self.registering) { connection in
            try connection.execute(
                """
                UPDATE panel_caches SET snapshot = $2::pg_snapshot, taken_at = clock_timestamp()
                WHERE token = $1::uuid AND snapshot::text = $3
                """, [.text(old.token), .text(snapshot), .text(old.snapshot)]
            ).affectedRows == 1
        }
        if moved { try pool.write(Self.registering) { try ChangeTracking.forget(tableOID: tableOID, $0) } }
        return moved
    }

    /// What has changed since a kept panel was read.
    enum PanelChanges {
        /// The earliest date touched of each changed alpha of the table, pool or not.
        case alphas([(id: String, firstDay: Day)])
        /// Nobody can say; the reason continues a sentence.
        case unknown(String)
    }

    /// - Parameter print: of the table now.
    static func changes(
        since kept: PanelRegistration, print: (oid: Int, text: String), _ connection: Connection
    ) throws -> PanelChanges {
        guard kept.fingerprint == print.text else { return .unknown("the table or its triggers are not those of then") }
        let registered = try connection.execute(
            "SELECT snapshot::text FROM panel_caches WHERE token::text = $1 AND table_oid = $2",
            [.text(kept.token), .integer(Int64(print.oid))])
        guard registered.text(ifAnyRow: 0) == kept.snapshot else { return .unknown("the database no longer knows it") }
        // Clamped because no panel has earlier dates, and infinity has no number.
        let found = try connection.execute(
            """
            SELECT alpha_id, LEAST(GREATEST(min(first_date), DATE '0001-01-01'), DATE '9999-12-31') - DATE '1970-01-01'
            FROM changed_pnl WHERE table_oid = $1 AND xid >= pg_snapshot_xmin($2::pg_snapshot)
                AND NOT pg_visible_in_snapshot(xid, $2::pg_snapshot)
            GROUP BY alpha_id
            """, [.integer(Int64(print.oid)), .text(kept.snapshot)])
        var alphas: [(id: String, firstDay: Day)] = []
        for row in 0..<found.rowCount {
            let id = found.text(row, 0) ?? ""
            guard id != ChangeTracking.everything else { return .unknown("the table was emptied or changed too much") }
            alphas.append((id, Day(rawValue: Int32(clamping: found.integer(row, 1) ?? Int(Day.earliest.rawValue)))))
        }
        return .alphas(alphas)
    }
}
