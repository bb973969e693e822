import ClusterModel
import Foundation
import Panel
import Synchronization

/// A pool's PnL at one moment.
package struct LoadedPanel: Sendable {
    /// Input order is the bytewise order of the ids; its dates are those on which at least one alpha has a value.
    package let panel: Panel
    /// Alphas of the pool that have no PnL at all; they are not in the panel.
    package let alphasWithoutPnL: [String]
}

extension Store {
    /// Reads the PnL of a pool as of one snapshot, over several connections at once.
    ///
    /// - Parameters:
    ///   - pool: `submitted`, `unsubmitted` or the name of a pool.
    ///   - blockEdge: alphas per block of the panel.
    /// - Throws: `GridError(.notFound)` for an unknown region or pool, `.conflict` for a pool without alphas or PnL.
    package func loadPanel(
        region: Region, pool name: String = PoolName.submitted, blockEdge: Int
    ) throws(GridError) -> LoadedPanel {
        try PoolName.check(name)
        let table = RegionTables(region).pnl(unsubmitted: name == PoolName.unsubmitted)
        let action = Action(
            "read the PnL of \(region)", needs: "SELECT on regions, alphas, alphas_unsubmitted, pools, pool_members and \(table)")
        // A load holds a connection while it opens others, so loads are few.
        loads.wait()
        defer { loads.signal() }
        return try pool.read(action, patience: .bulk) { connection in
            let plan = try PanelPlan(region: region, pool: name, table: table, connection)
            let loader = PanelLoader(plan: plan, url: pool.url, blockEdge: blockEdge)
            let snapshot = try connection.execute("SELECT pg_export_snapshot()").text(0, 0) ?? ""
            let panel = try loader.load(snapshot: snapshot)
            return LoadedPanel(panel: panel, alphasWithoutPnL: plan.alphasWithoutPnL)
        }
    }
}

/// Which rows make up the panel, and how to ask for them.
struct PanelPlan: Sendable {
    let table: String
    let alphaIDs: [String]
    let alphasWithoutPnL: [String]
    /// Every date of the table; a small pool may have values on some of them only.
    let dates: [Day]
    /// Conditions whose rows, taken together, are the pool's, each once (and perhaps rows of other alphas).
    let conditions: [String]

    /// Alphas asked for by one statement when a small pool is picked out of a large table.
    private static let alphasPerPick = 200
    /// Bytes of the table read by one statement otherwise.
    private static let bytesPerScan = 4 << 20

    init(region: Region, pool: String, table: String, _ connection: Connection) throws {
        self.table = table
        let name = quoted(identifier: table)
        let members = try Store.poolAlphas(region, pool: pool, connection)
        guard !members.isEmpty else {
            let hint = pool == PoolName.submitted ? ": import PnL with 'alphagrid db import FILE --region \(region)'" : ""
            throw GridError(.conflict, "pool '\(pool)' of region \(region) has no alphas\(hint)")
        }
        let withPnL = try connection.execute(
            """
            SELECT id FROM unnest($1::varchar(50)[]) WITH ORDINALITY AS m (id, position)
            WHERE EXISTS (SELECT FROM \(name) p WHERE p.alpha_id = id) ORDER BY position
            """, [.texts(members)]
        ).texts()
        guard !withPnL.isEmpty else {
            throw GridError(
                .conflict,
                "no alpha of pool '\(pool)' of region \(region) has PnL: import it with "
                    + "'alphagrid db import FILE --region \(region)'"
            )
        }
        guard withPnL.count <= Limits.alphasMax else {
            throw GridError(.conflict, "pool '\(pool)' has \(withPnL.count) alphas: at most \(Limits.alphasMax) are supported")
        }
        alphaIDs = withPnL
        alphasWithoutPnL = Store.absent(members, from: withPnL)
        dates = try Self.dates(of: table, connection)
        let alphas = RegionTables(region).alphas(unsubmitted: pool == PoolName.unsubmitted)
        let size = try connection.execute(
            """
            SELECT pg_relation_size(to_regclass(quote_ident($1))) / current_setting('block_size')::bigint,
                current_setting('block_size')::bigint,
                (SELECT count(*) FROM \(alphas) JOIN regions USING (region_id) WHERE region_name = $2)
            """, [.text(table), .text(region.name)])
        let isSmall = withPnL.count * 4 < (size.integer(0, 2) ?? 0)
        conditions =
            isSmall
            ? Self.picks(withPnL) : Self.scans(pages: size.integer(0, 0) ?? 0, pageBytes: size.integer(0, 1) ?? 8_192)
    }

    /// Jumps from date to date through the index, instead of reading every row to find a few thousand dates.
    private static func dates(of table: String, _ connection: Connection) throws -> [Day] {
        let name = quoted(identifier: table)
        let found = try connection.execute(
            """
            WITH RECURSIVE d (date) AS (
                SELECT min(date) FROM \(name)
                UNION ALL
                SELECT (SELECT min(p.date) FROM \(name) p WHERE p.date > d.date) FROM d WHERE d.date IS NOT NULL
            )
            SELECT CASE WHEN isfinite(date) THEN date - DATE '1970-01-01' END FROM d WHERE date IS NOT NULL
            LIMIT \(Limits.daysMax + 1)
            """)
        guard found.rowCount <= Limits.daysMax else {
            throw GridError(.conflict, "table \(table) has more than \(Limits.daysMax) dates, the most that is supported")
        }
        return try (0..<found.rowCount).map { row in
            guard let days = found.integer(row, 0), let number = Int32(exactly: days),
                (Day.earliest...Day.latest).contains(Day(rawValue: number))
            else { throw GridError(.conflict, "table \(table) holds a date outside the years 1 to 9999") }
            return Day(rawValue: number)
        }
    }

    private static func picks(_ ids: [String]) -> [String] {
        stride(from: 0, to: ids.count, by: alphasPerPick).map { start in
            let part = Array(ids[start..<min(start + alphasPerPick, ids.count)])
            return "alpha_id = ANY (\(quoted(literal: SQLValue.arrayLiteral(part)))::varchar[])"
        }
    }

    /// Ranges of the table's pages: they are read in the order they lie on disk, whatever the order of the ids.
    private static func scans(pages: Int, pageBytes: Int) -> [String] {
        let step = max(1, bytesPerScan / max(1, pageBytes))
        let starts = Array(stride(from: 0, to: max(pages, 1), by: step))
        return starts.enumerated().map { index, start in
            let end = index + 1 < starts.count ? " AND ctid < '(\(starts[index + 1]),0)'" : ""
            return "ctid >= '(\(start),0)'\(end)"
        }
    }
}

/// Carries a plan out: as many threads and connections as pay, all of one snapshot.
struct PanelLoader: Sendable {
    let plan: PanelPlan
    let url: DatabaseURL
    let blockEdge: Int

    func load(snapshot: String) throws -> Panel {
        let (builder, used) = try fill(snapshot: snapshot, dates: plan.dates)
        guard used.contains(false) else { return try builder.finish() }
        // A date without any value is no date of the panel: conventions that fill gaps would see a day there. This
        // happens to pools that are much smaller than their table, so reading again is cheap.
        let dates = zip(plan.dates, used).filter(\.1).map(\.0)
        guard !dates.isEmpty else { throw GridError(.conflict, "table \(plan.table) holds nothing but NaN for these alphas") }
        return try fill(snapshot: snapshot, dates: dates).builder.finish()
    }

    private func fill(snapshot: String, dates: [Day]) throws -> (builder: PanelBuilder, used: [Bool]) {
        let builder = try PanelBuilder(alphaIDs: plan.alphaIDs, dates: dates, blockEdge: blockEdge)
        let index = AlphaIndex(plan.alphaIDs)
        let progress = Progress(conditionCount: plan.conditions.count, dayCount: dates.count)
        let readers = min(Limits.panelReadersMax, plan.conditions.count, ProcessInfo.processInfo.activeProcessorCount)
        try onThreads(max(1, readers)) { _ in
            var filler = PanelFiller(index: index, builder: builder, dates: dates, table: plan.table)
            do {
                try read(snapshot: snapshot, progress, &filler)
            } catch {
                progress.stop()
                throw error
            }
            progress.add(filler.usedDays)
        }
        return (builder, progress.usedDays)
    }

    private func read(snapshot: String, _ progress: Progress, _ filler: inout PanelFiller) throws {
        let connection = try Connection.open(url)
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try connection.execute("SET TRANSACTION SNAPSHOT \(quoted(literal: snapshot))")
        try connection.setPatience(.bulk)
        while let next = progress.next() {
            let rows = "SELECT alpha_id, date, pnl FROM \(quoted(identifier: plan.table)) WHERE \(plan.conditions[next])"
            try connection.copyOut("COPY (\(rows)) TO STDOUT (FORMAT binary)") { try filler.add($0) }
        }
        try connection.execute("COMMIT")
    }

    /// What the readers share: who takes which condition, and which days have been seen.
    private final class Progress: Sendable {
        private let state: Mutex<(next: Int, usedDays: [Bool])>
        private let conditionCount: Int

        init(conditionCount: Int, dayCount: Int) {
            self.conditionCount = conditionCount
            state = Mutex((0, Array(repeating: false, count: dayCount)))
        }

        func next() -> Int? {
            state.withLock { state in
                guard state.next < conditionCount else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }

        /// After a failure nobody needs the rest.
        func stop() { state.withLock { $0.next = conditionCount } }

        func add(_ days: [Bool]) {
            state.withLock { state in
                for (day, isUsed) in days.enumerated() where isUsed { state.usedDays[day] = true }
            }
        }

        var usedDays: [Bool] { state.withLock { $0.usedDays } }
    }
}
