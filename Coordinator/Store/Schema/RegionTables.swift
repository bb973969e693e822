import ClusterModel

/// The tables of one region. Their names come from a validated region and nothing else.
struct RegionTables: Sendable {
    let region: Region

    init(_ region: Region) { self.region = region }

    /// `alphas` and `pnl_<region>`, or the unsubmitted ones.
    func alphas(unsubmitted: Bool) -> String { unsubmitted ? "alphas_unsubmitted" : "alphas" }
    func pnl(unsubmitted: Bool) -> String { unsubmitted ? "pnl_unsubmitted_\(region.tableSuffix)" : "pnl_\(region.tableSuffix)" }
    var correlation: String { "correlation_\(region.tableSuffix)" }
    var correlationUnsubmitted: String { "correlation_unsubmitted_\(region.tableSuffix)" }
    /// Results of jobs whose parameters are not the region's own, keyed by job.
    var correlationJobs: String { "\(correlation)_jobs" }
    var correlationUnsubmittedJobs: String { "\(correlationUnsubmitted)_jobs" }
    /// Nearest neighbours and pairs beyond a threshold, of the region's own job or keyed by job. Neighbours are a view of the
    /// lists, one row for each neighbour; the lists are one row for each alpha.
    func neighbours(_ target: Publication.Target) -> String {
        "correlation_neighbours_\(region.tableSuffix)\(target == .region ? "" : "_jobs")"
    }
    func neighbourLists(_ target: Publication.Target) -> String {
        "correlation_nearest_\(region.tableSuffix)\(target == .region ? "" : "_jobs")"
    }
    func edges(_ target: Publication.Target) -> String {
        "correlation_edges_\(region.tableSuffix)\(target == .region ? "" : "_jobs")"
    }

    /// Features of single alphas, of the region's own job or keyed by job.
    func features(_ target: Publication.Target) -> String {
        "alpha_features_\(region.tableSuffix)\(target == .region ? "" : "_jobs")"
    }
    /// Tables keyed by job and alpha whose rows no reference removes with their alpha.
    var alphaRowsOfJobs: [String] { [correlationJobs, correlationUnsubmittedJobs, features(.job)] }

    struct Table {
        let name: String
        let columns: [String]
        var constraints: [String] = []
        /// Constraints that read another table.
        var references: [String] = []
        var indexes: [String] = []
        /// Whether changes of its rows are recorded (see `ChangeTracking`).
        var isWatched = false
        /// Whether half of each page is left free. Rows that are all updated at once then stay on their pages, and no index
        /// has to be told where they went, which takes longer than all the rest.
        var isRewritten = false
        /// A view of it, and what that selects.
        var view: (name: String, query: String)?

        var columnNames: [String] { columns.map { String($0.prefix { $0 != " " }) } }

        /// Makes the table without anything that each row would have to go through, for many rows at once.
        var bare: String { "CREATE TABLE \(quoted(identifier: name)) (\(columns.joined(separator: ", ")))" }

        /// What `bare` has left out, as far as the table itself suffices for it. `statements` adds the rest, after `referring`.
        var keysAndIndexes: String {
            "\(adding(constraints)); \(indexStatements)"
        }

        var referring: String { adding(references) }

        private func adding(_ constraints: [String]) -> String {
            "ALTER TABLE \(quoted(identifier: name)) \(constraints.map { "ADD \($0)" }.joined(separator: ", "))"
        }

        private var indexStatements: String {
            indexes.map { "CREATE INDEX IF NOT EXISTS idx_\(name)_\($0) ON \(quoted(identifier: name)) (\($0));" }
                .joined(separator: "\n")
        }

        /// Makes the table, or gives the one that is there the columns it lacks.
        var statements: String {
            let table = quoted(identifier: name)
            // A table that is there has its keys; only what may be NULL or has a default can be added to its rows.
            let addable = columns.filter { !$0.contains("PRIMARY KEY") && !$0.contains("NOT NULL") }
            let additions = addable.map { "ADD COLUMN IF NOT EXISTS \($0)" }.joined(separator: ", ")
            return """
                CREATE TABLE IF NOT EXISTS \(table) (\((columns + constraints + references).joined(separator: ", ")));
                \(addable.isEmpty ? "" : "ALTER TABLE \(table) \(additions);")
                \(isRewritten ? "ALTER TABLE \(table) SET (fillfactor = 45);" : "")
                \(indexStatements)
                \(isWatched ? ChangeTracking.statements(table: name) : "")
                \(view.map { "CREATE OR REPLACE VIEW \(quoted(identifier: $0.name)) AS \($0.query);" } ?? "")
                """
        }
    }

    var all: [Table] {
        [
            pnlTable(unsubmitted: false), pnlTable(unsubmitted: true),
            Table(
                name: correlation,
                columns: [
                    "correlation_id bigserial PRIMARY KEY",
                    "alpha_id varchar(50) NOT NULL UNIQUE REFERENCES alphas (alpha_id) ON DELETE CASCADE",
                ] + Self.resultColumns, isRewritten: true),
            Table(
                name: correlationUnsubmitted,
                columns: [
                    "correlation_id bigserial PRIMARY KEY",
                    "alpha_id varchar(50) NOT NULL UNIQUE REFERENCES alphas_unsubmitted (alpha_id) ON DELETE CASCADE",
                ] + Self.crossColumns + ["job_id bigint"]),
            jobTable(correlationJobs, Self.resultColumns.filter { !$0.hasPrefix("job_id") }),
            jobTable(correlationUnsubmittedJobs, Self.crossColumns),
            Table(
                name: features(.region),
                columns: ["alpha_id varchar(50) PRIMARY KEY REFERENCES alphas (alpha_id) ON DELETE CASCADE"]
                    + Self.featureColumns + ["job_id bigint"]),
            jobTable(features(.job), Self.featureColumns),
        ] + [.region, .job].flatMap { [neighbourTable($0), edgeTable($0)] + clusterTables($0) + [selectionTable($0)] }
    }

    func pnlTable(unsubmitted: Bool) -> Table {
        Table(
            name: pnl(unsubmitted: unsubmitted),
            columns: [
                "pnl_id bigserial NOT NULL", "alpha_id varchar(50) NOT NULL", "date date NOT NULL",
                "pnl double precision NOT NULL",
            ], constraints: ["PRIMARY KEY (pnl_id)", "UNIQUE (alpha_id, date)"],
            references: ["FOREIGN KEY (alpha_id) REFERENCES \(alphas(unsubmitted: unsubmitted)) (alpha_id) ON DELETE CASCADE"],
            indexes: ["alpha_id", "date"], isWatched: true)
    }

    /// Rows of any pool, so of submitted and unsubmitted alphas: no reference to either table of them.
    private func jobTable(_ name: String, _ columns: [String]) -> Table {
        Table(
            name: name, columns: ["alpha_id varchar(50) NOT NULL"] + columns + [Self.jobColumn],
            constraints: ["PRIMARY KEY (job_id, alpha_id)"], indexes: ["alpha_id"])
    }

    static let jobColumn = "job_id bigint NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE"

    /// What an unsubmitted alpha's row says after its id.
    static let crossColumns = [
        "max_correlation_with_submitted double precision", "best_correlated_submitted_alpha varchar(50)",
        "last_updated timestamp DEFAULT CURRENT_TIMESTAMP",
    ]

    /// What a row of features says after its alpha's id.
    static let featureColumns =
        AlphaFeature.allCases.map { "\($0.name) \($0.sqlType)" } + [
            "fitness double precision", "convention varchar(20)", "window_start date", "window_end date",
            "last_updated timestamp DEFAULT CURRENT_TIMESTAMP",
        ]

    /// What both correlation tables say of an alpha, after its id.
    static let resultColumns = [
        "min_correlation double precision", "max_correlation double precision", "avg_correlation double precision",
        "median_correlation double precision", "last_updated timestamp DEFAULT CURRENT_TIMESTAMP", "pair_count integer",
        "most_correlated_alpha_id varchar(50)", "most_correlated_days integer", "least_correlated_alpha_id varchar(50)",
        "max_abs_correlation double precision", "max_abs_alpha_id varchar(50)", "convention varchar(20)",
        "window_start date", "window_end date", "min_overlap integer", "job_id bigint",
    ]
}

extension AlphaFeature {
    var sqlType: String {
        switch form {
        case .real: "double precision"
        case .integer: "integer"
        case .date: "date"
        }
    }
}

extension Store {
    /// Makes a region and its tables unless they are there; safe to call from anywhere at once.
    ///
    /// - Returns: the region's `region_id`.
    /// - Throws: `GridError(.conflict)` when a long import is under way that new tables would have to wait for.
    @discardableResult
    package func ensureRegion(_ region: Region) throws(GridError) -> Int {
        try completeRegion(region, isRepairing: false)
    }

    /// - Parameter isRepairing: whether PnL tables that are there, but whose changes go unrecorded, are mended.
    @discardableResult
    func completeRegion(_ region: Region, isRepairing: Bool) throws(GridError) -> Int {
        let action = Action(
            "make the tables of region \(region)",
            needs: "CREATE and USAGE on the schema, REFERENCES on alphas, and INSERT on regions",
            whenLocked: "they refer to table alphas, which an import or another long transaction is writing to: "
                + "try again when that has ended")
        return try pool.write(action) { connection in
            try connection.setDefinitionPatience()
            if let id = try Self.completeRegion(region, isRepairing, connection) { return id }
            try Self.lockRegionTables(connection)
            if let id = try Self.completeRegion(region, isRepairing, connection) { return id }
            let id = try Self.addRegion(region, connection)
            for table in RegionTables(region).all { try connection.execute(table.statements) }
            return id
        }
    }

    /// Until the transaction ends nobody else makes or removes tables of regions.
    static func lockRegionTables(_ connection: Connection) throws(DatabaseError) { try connection.lock("region tables") }

    /// The row of a region, made where there is none.
    static func addRegion(_ region: Region, _ connection: Connection) throws -> Int {
        if let id = try regionID(region, connection) { return id }
        let present = try connection.execute("SELECT count(*) FROM regions").integer(0, 0) ?? 0
        guard present < Limits.regionsMax else {
            throw GridError(.conflict, "cannot add region \(region): there are \(present) already, as many as are supported")
        }
        try connection.execute(
            "INSERT INTO regions (region_name) VALUES ($1) ON CONFLICT (region_name) DO NOTHING", [.text(region.name)])
        return try requireRegion(region, connection)
    }

    static func regionID(_ region: Region, _ connection: Connection) throws(DatabaseError) -> Int? {
        let found = try connection.execute(
            prepared: "SELECT region_id FROM regions WHERE region_name = $1", [.text(region.name)])
        return found.rowCount == 0 ? nil : found.integer(0, 0)
    }

    static func requireRegion(_ region: Region, _ connection: Connection) throws -> Int {
        guard let id = try regionID(region, connection) else {
            throw GridError(
                .notFound,
                "region \(region) is unknown: import PnL with 'alphagrid db import FILE --region \(region)' first"
                    + (try knownRegions(connection)))
        }
        return id
    }

    /// ` (there are CHN, USA)`; nothing where there is none.
    private static func knownRegions(_ connection: Connection) throws -> String {
        let most = Limits.errorsReportedMax
        let names = try connection.execute(
            "SELECT region_name FROM regions ORDER BY region_name COLLATE \"C\" LIMIT \(most + 1)"
        ).texts()
        guard !names.isEmpty else { return "" }
        let shown = names.prefix(most).map(\.printable).joined(separator: ", ")
        return " (there \(names.count == 1 ? "is" : "are") \(shown)\(names.count > most ? " and more" : ""))"
    }

    /// The region's id when its row and all columns of all its tables are there. Reading suffices to find out.
    private static func completeRegion(_ region: Region, _ isRepairing: Bool, _ connection: Connection) throws -> Int? {
        guard let id = try regionID(region, connection) else { return nil }
        let tables = RegionTables(region).all
        for table in tables where isRepairing && table.isWatched {
            guard try ChangeTracking.fingerprint(table: table.name, connection) != nil else { return nil }
        }
        let found = try connection.execute(
            """
            SELECT n.name || '.' || a.attname FROM unnest($1::text[]) AS n (name)
            JOIN pg_attribute a ON a.attrelid = to_regclass(quote_ident(n.name))
            WHERE a.attnum > 0 AND NOT a.attisdropped
            """, [.texts(tables.map(\.name) + tables.compactMap(\.view?.name))])
        let present = Set(found.texts())
        let isComplete = tables.allSatisfy { table in
            table.columnNames.allSatisfy { present.contains("\(table.name).\($0)") }
                && table.view.map { present.contains("\($0.name).job_id") } ?? true
        }
        return isComplete ? id : nil
    }
}
