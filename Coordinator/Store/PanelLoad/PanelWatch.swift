import ClusterModel

/// A moment of a pool, to ask later whether anything has changed since.
package struct PanelWatch: Sendable {
    let region: Region
    let pool: String
    /// nil when changes of the table are not recorded.
    let registration: PanelRegistration?
    let membership: String

    /// Whether changes are noticed at all.
    package var isReliable: Bool { registration != nil }
}

/// What a question about a pool needs to know first, as of one snapshot.
package struct PanelState: Sendable {
    package var settings: RegionSettings
    /// Whether the panel that was read after the watch began is still what the database holds.
    package var isUnchanged: Bool
}

extension Store {
    /// Begins to watch a pool; its panel is read after this returns. Ends an earlier watch.
    ///
    /// - Throws: `GridError(.notFound)` for an unknown region or pool.
    package func watchPanel(
        region: Region, pool name: String, replacing old: PanelWatch? = nil
    ) throws(GridError) -> PanelWatch {
        try PoolName.check(name)
        let membership = try pool.read(Self.watching(region)) { try Self.membership(region, pool: name, $0) }
        let table = RegionTables(region).pnl(unsubmitted: name == PoolName.unsubmitted)
        let registration = try registerPanel(table: table, replacing: old?.registration?.token)
        return PanelWatch(region: region, pool: name, registration: registration, membership: membership)
    }

    /// The region's settings, and whether a watched pool is as it was. A few milliseconds at most for 100,000 alphas, less
    /// than one for a thousand.
    ///
    /// - Throws: `GridError(.notFound)` when region or pool are gone.
    package func panelState(_ watch: PanelWatch) throws(GridError) -> PanelState {
        try pool.read(Self.watching(watch.region)) { connection in
            guard let settings = try Self.settings(of: watch.region, connection, lock: false) else {
                throw GridError(.notFound, "there is no region \(watch.region) in the database any more")
            }
            let isUnchanged = try Self.isUnchanged(watch, connection)
            return PanelState(settings: settings, isUnchanged: isUnchanged)
        }
    }

    /// Lets the database forget the watch.
    package func endWatch(_ watch: PanelWatch) throws(GridError) {
        guard let registration = watch.registration else { return }
        try pool.write(Self.watching(watch.region)) { connection in
            _ = try connection.execute("DELETE FROM panel_caches WHERE token = $1::uuid", [.text(registration.token)])
        }
    }

    /// Sharpe ratios from `is_sharpe`, of those alphas that have one.
    package func storedSharpes(_ ids: [String], unsubmitted: Bool) throws(GridError) -> ByAlphaID<Double> {
        guard !ids.isEmpty else { return [:] }
        let table = unsubmitted ? "alphas_unsubmitted" : "alphas"
        return try pool.read(Action("read the Sharpe ratios of alphas", needs: "SELECT on \(table)")) { connection in
            let found = try connection.execute(
                "SELECT alpha_id, is_sharpe FROM \(table) WHERE alpha_id = ANY ($1::varchar(50)[]) AND is_sharpe IS NOT NULL",
                [.texts(ids)])
            var sharpes = ByAlphaID<Double>()
            for row in 0..<found.rowCount {
                guard let id = found.text(row, 0), let value = found.real(row, 1), value.isFinite else { continue }
                sharpes[id] = value
            }
            return sharpes
        }
    }

    private static func watching(_ region: Region) -> Action {
        Action(
            "see whether the PnL of \(region) has changed",
            needs: "SELECT on regions, alphas, alphas_unsubmitted, pools, pool_members, and SELECT and DELETE on panel_caches "
                + "and changed_pnl")
    }

    private static func isUnchanged(_ watch: PanelWatch, _ connection: Connection) throws -> Bool {
        guard let registration = watch.registration else { return false }
        let table = RegionTables(watch.region).pnl(unsubmitted: watch.pool == PoolName.unsubmitted)
        guard let print = try ChangeTracking.fingerprint(table: table, connection), print.text == registration.fingerprint
        else { return false }
        let state = try connection.execute(
            prepared: """
                SELECT EXISTS (SELECT FROM panel_caches WHERE token = $1::uuid AND table_oid = $2 AND snapshot::text = $3)
                    AND \(ChangeTracking.unseen(ofTable: "$2", by: "$3::pg_snapshot")) IS NULL
                """, [.text(registration.token), .integer(Int64(print.oid)), .text(registration.snapshot)])
        guard state.boolean(0, 0) else { return false }
        return try membership(watch.region, pool: watch.pool, connection) == watch.membership
    }

    /// Number and sum of hashes of a pool's alphas: another set has another one, but for one case in 2^64.
    private static func membership(_ region: Region, pool name: String, _ connection: Connection) throws -> String {
        let found: QueryResult
        if PoolName.builtIn.contains(name) {
            let regionID = Int64(try requireRegion(region, connection))
            let table = RegionTables(region).alphas(unsubmitted: name == PoolName.unsubmitted)
            found = try connection.execute(
                prepared: """
                    SELECT count(*), sum(hashtextextended(alpha_id, 0)) FROM \(table)
                    WHERE region_id = $1\(PoolName.typeCondition(name))
                    """, [.integer(regionID)])
        } else {
            let poolID = try poolID(region, name, connection)
            found = try connection.execute(
                prepared: "SELECT count(*), sum(hashtextextended(alpha_id, 0)) FROM pool_members WHERE pool_id = $1",
                [.integer(poolID)])
        }
        return "\(found.text(0, 0) ?? "") \(found.text(0, 1) ?? "")"
    }
}
