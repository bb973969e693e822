import ClusterModel
import Panel

/// One load and its steps: use what is kept, or read everything; then keep the result for the next time.
struct PanelLoad {
    let store: Store
    let region: Region
    let pool: String
    let blockEdge: Int

    /// A load, and what keeping its panel needs.
    struct Outcome {
        var loaded: LoadedPanel
        /// As PostgreSQL writes it; empty when the panel must not be kept.
        var snapshot = ""
        var tableOID = 0
    }

    private enum Refreshed {
        case upToDate(LoadedPanel)
        /// The panel, or only what is known of it, is that of a later snapshot.
        case moved(Outcome)
        case impossible(String)
    }

    private var table: String { RegionTables(region).pnl(unsubmitted: pool == PoolName.unsubmitted) }
    private var action: Action {
        Action(
            "read the PnL of \(region)", needs: "SELECT on regions, alphas, alphas_unsubmitted, pools, pool_members and \(table)")
    }

    func run(_ cache: PanelCache) throws(GridError) -> LoadedPanel {
        cache.waitForWrites()
        guard let database = try databaseIdentity() else {
            cache.report("panels are not kept on disk: the database does not tell this role which system it is")
            return try readWhole(for: nil).loaded
        }
        let key = PanelCache.Key(database: database, region: region, pool: pool, blockEdge: blockEdge)
        var loaded = try run(cache, key)
        loaded.keptPath = cache.path(key)
        return loaded
    }

    private func run(_ cache: PanelCache, _ key: PanelCache.Key) throws(GridError) -> LoadedPanel {
        let kept = cache.kept(key)
        if let kept {
            switch try refresh(kept) {
            case .upToDate(let loaded):
                return loaded
            case .moved(let outcome):
                keep(outcome, kept.entry.registration, key, cache)
                return outcome.loaded
            case .impossible(let reason):
                cache.report("the kept panel of pool '\(pool)' of region \(region) is read anew: \(reason)")
            }
        }
        let registration = register(replacing: kept?.entry.registration.token, cache)
        let outcome = try readWhole(for: registration)
        if let registration, !outcome.snapshot.isEmpty { keep(outcome, registration, key, cache) }
        return outcome.loaded
    }

    /// Names the database among all there are; nil when the role may not know.
    private func databaseIdentity() throws(GridError) -> String? {
        try store.pool.read(action) { connection in
            let isAllowed = try connection.execute("SELECT has_function_privilege('pg_control_system()', 'execute')")
            guard isAllowed.boolean(0, 0) else { return nil }
            return try connection.execute(
                """
                SELECT system_identifier || '/' || d.oid FROM pg_control_system(), pg_database d
                WHERE d.datname = current_database()
                """
            ).text(ifAnyRow: 0)
        }
    }

    // MARK: With a kept panel

    private func refresh(_ kept: PanelCache.Kept) throws(GridError) -> Refreshed {
        try store.pool.read(action, patience: .bulk) { connection in
            guard let print = try ChangeTracking.fingerprint(table: table, connection) else {
                return .impossible(Self.unwatched(table))
            }
            let members = try Store.poolAlphas(region, pool: pool, connection)
            let changes: [(id: String, firstDay: Day)]
            switch try Store.changes(since: kept.entry.registration, print: print, connection) {
            case .alphas(let found): changes = found
            case .unknown(let reason): return .impossible(reason)
            }
            let withoutPnL = kept.entry.alphasWithoutPnL
            let plan = RefreshPlan(panel: kept.panel, withoutPnL: withoutPnL, members: members, changes: changes)
            let snapshot = try connection.execute("SELECT pg_current_snapshot()").text(0, 0) ?? ""
            if plan.isEmpty {
                // Alphas without PnL may have come or gone, or the changes are of alphas outside the pool.
                let without = Store.absent(members, from: kept.panel.alphaIDs)
                let loaded = LoadedPanel(panel: kept.panel, alphasWithoutPnL: without, origin: .kept)
                if changes.isEmpty && without == withoutPnL { return .upToDate(loaded) }
                return .moved(Outcome(loaded: loaded, snapshot: snapshot, tableOID: print.oid))
            }
            guard plan.rowEstimate * 4 <= kept.panel.alphaCount * kept.panel.dayCount else {
                return .impossible("most of it has changed")
            }
            let refresher = PanelRefresher(region: region, pool: pool, table: table, url: store.pool.url, members: members)
            guard let new = try refresher.refresh(kept.panel, plan, connection) else {
                return .impossible("none of its alphas has PnL any more")
            }
            let loaded = LoadedPanel(
                panel: new.panel, alphasWithoutPnL: new.withoutPnL, origin: .refreshed, rowsRead: new.rows)
            return .moved(Outcome(loaded: loaded, snapshot: snapshot, tableOID: print.oid))
        }
    }

    // MARK: Without

    /// - Parameter registration: made before, when the panel is to be kept.
    func readWhole(for registration: PanelRegistration?) throws(GridError) -> Outcome {
        try store.pool.read(action, patience: .bulk) { connection in
            let members = try Store.poolAlphas(region, pool: pool, connection)
            let plan = try PanelPlan(region: region, pool: pool, table: table, members: members, connection)
            let loader = PanelLoader(table: table, url: store.pool.url, conditions: plan.conditions)
            let snapshots = try connection.execute("SELECT pg_export_snapshot(), pg_current_snapshot()")
            let read = try loader.load(plan, blockEdge: blockEdge, snapshot: snapshots.text(0, 0) ?? "")
            var outcome = Outcome(
                loaded: LoadedPanel(panel: read.panel, alphasWithoutPnL: plan.alphasWithoutPnL, rowsRead: read.rows))
            // The triggers may have changed since the registration was made.
            if let registration, let print = try ChangeTracking.fingerprint(table: table, connection),
                print.text == registration.fingerprint
            {
                outcome.snapshot = snapshots.text(0, 1) ?? ""
                outcome.tableOID = print.oid
            }
            return outcome
        }
    }

    private func register(replacing old: String?, _ cache: PanelCache) -> PanelRegistration? {
        do throws(GridError) {
            if let made = try store.registerPanel(table: table, replacing: old) { return made }
            cache.report("the panel of pool '\(pool)' of region \(region) is not kept on disk: \(Self.unwatched(table))")
        } catch {
            cache.report("the panel of pool '\(pool)' of region \(region) is not kept on disk: \(error.message)")
        }
        return nil
    }

    private static func unwatched(_ table: String) -> String {
        "changes of table \(table) are not recorded: run 'alphagrid db init' with the rights of its owner"
    }

    // MARK: Keeping

    /// Leaves it to the cache's own thread to write the panel down: nobody needs to wait for that.
    private func keep(
        _ outcome: Outcome, _ registration: PanelRegistration, _ key: PanelCache.Key, _ cache: PanelCache
    ) {
        let store = store
        cache.write(key, outcome.loaded.panel) { () throws(GridError) in
            var moved = registration
            moved.snapshot = outcome.snapshot
            guard try store.movePanel(registration, to: outcome.snapshot, tableOID: outcome.tableOID) else { return nil }
            return PanelCache.Entry(
                registration: moved, contentHash: outcome.loaded.panel.contentHash.description,
                alphasWithoutPnL: outcome.loaded.alphasWithoutPnL)
        }
    }
}
