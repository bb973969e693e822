import ClusterModel
import Panel

/// Brings a kept panel up to date within one transaction: its values are those that reading everything would give.
struct PanelRefresher {
    let region: Region
    let pool: String
    let table: String
    let url: DatabaseURL
    let members: [String]

    /// More rows than this come sooner over several connections.
    private static let rowsOverOneConnection = 200_000
    /// For so many alphas their dates are asked for; for more, all dates of the table.
    private static let alphasAskedForDates = 64

    /// - Returns: nil when nothing of the pool has PnL any more.
    func refresh(
        _ old: Panel, _ plan: RefreshPlan, _ connection: Connection
    ) throws -> (panel: Panel, withoutPnL: [String], rows: Int)? {
        let present = try PanelPlan.withPnL(plan.whole, table: table, connection)
        let asked = AlphaIndex(plan.whole)
        let found = AlphaIndex(present)
        let positions = AlphaIndex(old.alphaIDs)
        let ids = members.filter { asked.find($0) >= 0 ? found.find($0) >= 0 : positions.find($0) >= 0 }
        guard !ids.isEmpty else { return nil }
        let stale = Set(ids.indices.filter { found.find(ids[$0]) >= 0 })
        let builder = try PanelBuilder(
            refreshing: old, alphaIDs: ids, dates: try dates(old, plan, present, connection), stale: stale,
            staleFrom: plan.tailFrom)
        var conditions = PanelPlan.picks(present)
        if let day = plan.tailFrom { conditions += try tail(from: day, ids, connection) }
        let loader = PanelLoader(table: table, url: url, conditions: conditions)
        let rows: Int
        if plan.rowEstimate > Self.rowsOverOneConnection {
            let snapshot = try connection.execute("SELECT pg_export_snapshot()").text(0, 0) ?? ""
            rows = try loader.fill(builder, alphaIDs: ids, snapshot: snapshot)
        } else {
            rows = try loader.fill(builder, alphaIDs: ids, over: connection)
        }
        let used = builder.daysWithValues()
        var panel = try builder.finish()
        if used.contains(false) {
            let left = zip(builder.dates, used).filter(\.1).map(\.0)
            guard !left.isEmpty else { throw PanelLoader.nothingButNaN(table) }
            panel = try PanelBuilder(refreshing: panel, alphaIDs: ids, dates: left, stale: []).finish()
        }
        return (panel, Store.absent(members, from: ids), rows)
    }

    /// Every date on which the new panel may have a value, and perhaps some more.
    private func dates(
        _ old: Panel, _ plan: RefreshPlan, _ whole: [String], _ connection: Connection
    ) throws -> [Day] {
        if whole.count > Self.alphasAskedForDates { return try PanelPlan.dates(of: table, connection) }
        var dates = Set(old.dates.filter { day in plan.tailFrom.map { day < $0 } ?? true })
        if let day = plan.tailFrom { dates.formUnion(try PanelPlan.dates(of: table, from: day, connection)) }
        if !whole.isEmpty { dates.formUnion(try PanelPlan.dates(of: table, alphas: whole, connection)) }
        return dates.sorted()
    }

    private func tail(from day: Day, _ ids: [String], _ connection: Connection) throws -> [String] {
        let since = "date >= DATE '1970-01-01' + \(day.rawValue)"
        guard try PanelPlan.isSmall(ids.count, region: region, pool: pool, connection) else { return [since] }
        return PanelPlan.picks(ids).map { "\($0) AND \(since)" }
    }
}
