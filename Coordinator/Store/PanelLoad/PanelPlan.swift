import ClusterModel
import Panel

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

    /// - Parameter members: the pool's alphas in bytewise order.
    init(region: Region, pool: String, table: String, members: [String], _ connection: Connection) throws {
        self.table = table
        let withPnL = try Self.withPnL(members, table: table, connection)
        guard !withPnL.isEmpty else { throw PoolName.empty(pool, of: region, hasAlphas: !members.isEmpty) }
        guard withPnL.count <= Limits.alphasMax else {
            throw GridError(.conflict, "pool '\(pool)' has \(withPnL.count) alphas: at most \(Limits.alphasMax) are supported")
        }
        alphaIDs = withPnL
        alphasWithoutPnL = Store.absent(members, from: withPnL)
        dates = try Self.dates(of: table, connection)
        if try Self.isSmall(withPnL.count, region: region, pool: pool, connection) {
            conditions = Self.picks(withPnL)
        } else {
            let size = try connection.execute(
                """
                SELECT pg_relation_size(to_regclass(quote_ident($1))) / current_setting('block_size')::bigint,
                    current_setting('block_size')::bigint
                """, [.text(table)])
            conditions = Self.scans(pages: size.integer(0, 0) ?? 0, pageBytes: size.integer(0, 1) ?? 8_192)
        }
    }

    /// Those of some alphas that have a row, in the same order.
    static func withPnL(_ ids: [String], table: String, _ connection: Connection) throws(DatabaseError) -> [String] {
        guard !ids.isEmpty else { return [] }
        return try connection.execute(
            """
            SELECT id FROM unnest($1::varchar(50)[]) WITH ORDINALITY AS m (id, position)
            WHERE EXISTS (SELECT FROM \(quoted(identifier: table)) p WHERE p.alpha_id = id) ORDER BY position
            """, [.texts(ids)]
        ).texts()
    }

    /// Whether so many alphas are so few of the region's that picking their rows out beats passing over the others'.
    static func isSmall(_ count: Int, region: Region, pool: String, _ connection: Connection) throws(DatabaseError) -> Bool {
        let alphas = RegionTables(region).alphas(unsubmitted: pool == PoolName.unsubmitted)
        let all = try connection.execute(
            "SELECT count(*) FROM \(alphas) JOIN regions USING (region_id) WHERE region_name = $1", [.text(region.name)])
        return count * 4 < (all.integer(0, 0) ?? 0)
    }

    /// Jumps from date to date through the index, instead of reading every row to find a few thousand dates.
    /// - Parameter first: leaves out earlier ones.
    static func dates(of table: String, from first: Day? = nil, _ connection: Connection) throws -> [Day] {
        let name = quoted(identifier: table)
        let beginning = first.map { " WHERE date >= DATE '1970-01-01' + \($0.rawValue)" } ?? ""
        let found = try connection.execute(
            """
            WITH RECURSIVE d (date) AS (
                SELECT min(date) FROM \(name)\(beginning)
                UNION ALL
                SELECT (SELECT min(p.date) FROM \(name) p WHERE p.date > d.date) FROM d WHERE d.date IS NOT NULL
            )
            SELECT CASE WHEN isfinite(date) THEN date - DATE '1970-01-01' END FROM d WHERE date IS NOT NULL
            LIMIT \(Limits.daysMax + 1)
            """)
        return try days(found, table: table)
    }

    /// The dates of some alphas.
    static func dates(of table: String, alphas ids: [String], _ connection: Connection) throws -> [Day] {
        let found = try connection.execute(
            """
            SELECT CASE WHEN isfinite(date) THEN date - DATE '1970-01-01' END
            FROM (SELECT DISTINCT date FROM \(quoted(identifier: table)) WHERE alpha_id = ANY ($1::varchar[])) d ORDER BY date
            """, [.texts(ids)])
        return try days(found, table: table)
    }

    private static func days(_ found: QueryResult, table: String) throws -> [Day] {
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

    static func picks(_ ids: [String]) -> [String] {
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
