import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct MigrationTests {
    @Test("Migrating an empty database applies every step once, and a second time nothing")
    func twice() throws {
        let database = try TestDatabase(isMigrated: false)
        #expect(try database.store.migrate() == Migration.all.map(\.name))
        #expect(try database.store.migrate() == [])
        let versions = try database.sql("SELECT version FROM schema_migrations ORDER BY 1").map { $0[0] }
        #expect(versions == Migration.all.map { String($0.version) })
        #expect(Migration.all.map(\.version) == Array(1...Migration.all.count))
        try database.store.ping()
    }

    @Test("Four threads that migrate at once apply every step exactly once between them")
    func concurrent() throws {
        let database = try TestDatabase(isMigrated: false)
        try onThreads(4) { _ in try database.store.migrate() }
        #expect(try database.value("SELECT count(*) FROM schema_migrations") == String(Migration.all.count))
    }

    @Test("A database that a newer program has migrated is refused by migrate, ping and status")
    func newer() throws {
        let database = try TestDatabase()
        try database.sql("INSERT INTO schema_migrations (version, name) VALUES (99, 'from the future')")
        for call in [{ _ = try database.store.migrate() }, database.store.ping, { _ = try database.store.status() }] {
            let error = try #require(gridError(call))
            #expect(error.kind == .conflict)
            #expect(error.message.contains("schema version 99"))
        }
    }

    @Test("Using a database without tables says to run db init")
    func notInitialised() throws {
        let database = try TestDatabase(isMigrated: false)
        let store = database.store
        for call in [
            store.ping, { _ = try store.loadPanel(region: usa, blockEdge: 8) }, { _ = try store.jobs(JobsRequest(limit: 1)) },
            { _ = try store.takeEpoch(holder: "x") }, { _ = try store.ensureRegion(usa) },
        ] {
            let error = try #require(gridError(call))
            #expect(error.kind == .conflict)
            #expect(error.message.contains("alphagrid db init"))
        }
        #expect(try store.status().schemaVersion == 0)
    }

    @Test("Tables have AlphaDataBank's names, columns and types, with our additions behind them")
    func columns() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        for (table, expected) in Self.expectedColumns {
            let found = try database.sql(
                """
                SELECT column_name || ' ' || CASE WHEN data_type = 'character varying'
                    THEN 'varchar(' || character_maximum_length || ')' ELSE data_type END
                FROM information_schema.columns WHERE table_name = '\(table)' ORDER BY column_name COLLATE "C"
                """
            ).compactMap { $0[0] }
            let wanted = expected.split(whereSeparator: \.isNewline)
                .flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(found == wanted.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, "table \(table)")
        }
    }

    @Test("Keys, references and indexes are AlphaDataBank's")
    func constraints() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        let definitions = try database.sql(
            """
            SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
            """
        ).compactMap { $0[0] }
        for expected in [
            "regions PRIMARY KEY (region_id)", "regions UNIQUE (region_name)", "alphas PRIMARY KEY (alpha_id)",
            "alphas FOREIGN KEY (region_id) REFERENCES regions(region_id)", "pnl_usa PRIMARY KEY (pnl_id)",
            "pnl_usa UNIQUE (alpha_id, date)",
            "pnl_usa FOREIGN KEY (alpha_id) REFERENCES alphas(alpha_id) ON DELETE CASCADE",
            "pnl_unsubmitted_usa FOREIGN KEY (alpha_id) REFERENCES alphas_unsubmitted(alpha_id) ON DELETE CASCADE",
            "correlation_usa PRIMARY KEY (correlation_id)", "correlation_usa UNIQUE (alpha_id)",
            "correlation_usa FOREIGN KEY (alpha_id) REFERENCES alphas(alpha_id) ON DELETE CASCADE",
            "correlation_unsubmitted_usa UNIQUE (alpha_id)",
            "correlation_nearest_usa PRIMARY KEY (alpha_id)",
            "correlation_edges_usa_jobs PRIMARY KEY (job_id, alpha_id_a, alpha_id_b)",
            "correlation_usa_jobs PRIMARY KEY (job_id, alpha_id)",
        ] {
            #expect(definitions.contains(expected), "\(expected)")
        }
        let indexes = try database.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'").compactMap { $0[0] }
        for expected in [
            "idx_pnl_usa_alpha_id ON public.pnl_usa USING btree (alpha_id)",
            "idx_pnl_usa_date ON public.pnl_usa USING btree (date)",
            "idx_pnl_unsubmitted_usa_date ON public.pnl_unsubmitted_usa USING btree (date)",
            "idx_alphas_region_type ON public.alphas USING btree (region_id, alpha_type)",
        ] {
            #expect(indexes.contains { $0.hasSuffix(expected) }, "\(expected)")
        }
    }

    @Test("A database that AlphaDataBank made is adopted: its rows stay, its tables get the columns they lack")
    func adoption() throws {
        let database = try TestDatabase(isMigrated: false)
        try database.sql(Self.alphaDataBankSchema)
        try database.store.migrate()
        #expect(try database.value("SELECT pnl FROM pnl_usa WHERE alpha_id = 'A1' AND date = '2024-01-02'") == "7")
        #expect(try database.value("SELECT convention FROM regions WHERE region_name = 'USA'") == "ffill-shift")
        #expect(try database.value("SELECT pair_count FROM correlation_usa") == nil)
        #expect(try database.value("SELECT to_regclass('pnl_unsubmitted_usa') IS NOT NULL") == "t")
        let panel = try database.store.loadPanel(region: usa, blockEdge: 4).panel
        #expect(panel.alphaIDs == ["A1"])
        #expect(try database.store.status().regions.map(\.region) == ["USA"])
    }

    private static let resultColumns = """
        min_correlation double precision, max_correlation double precision, avg_correlation double precision
        median_correlation double precision, last_updated timestamp without time zone, pair_count integer
        most_correlated_alpha_id varchar(50), most_correlated_days integer, least_correlated_alpha_id varchar(50)
        max_abs_correlation double precision, max_abs_alpha_id varchar(50), convention varchar(20), window_start date
        window_end date, min_overlap integer, job_id bigint
        """

    private static let alphaColumns = """
        alpha_id varchar(50), region_id integer, alpha_type varchar(15), prod_correlation double precision
        self_correlation double precision, is_sharpe double precision, is_fitness double precision
        is_returns double precision, is_drawdown double precision, is_longcount integer, is_shortcount integer
        is_turnover double precision, is_margin double precision, rn_sharpe double precision, rn_fitness double precision
        code text, description text, universe varchar(50), delay integer, neutralization varchar(50), decay varchar(50)
        date_added timestamp without time zone, last_updated timestamp without time zone
        """

    private static let pnlColumns = "pnl_id bigint, alpha_id varchar(50), date date, pnl double precision"

    private static let expectedColumns = [
        (
            "regions",
            "region_id integer, region_name varchar(10), convention varchar(20), window_spec varchar(10), min_overlap integer"
        ),
        ("alphas", alphaColumns), ("alphas_unsubmitted", alphaColumns), ("pnl_usa", pnlColumns),
        ("pnl_unsubmitted_usa", pnlColumns),
        ("correlation_usa", "correlation_id bigint, alpha_id varchar(50)\n" + resultColumns),
        ("correlation_usa_jobs", "alpha_id varchar(50)\n" + resultColumns),
        (
            "correlation_unsubmitted_usa",
            """
            correlation_id bigint, alpha_id varchar(50), max_correlation_with_submitted double precision
            best_correlated_submitted_alpha varchar(50), last_updated timestamp without time zone, job_id bigint
            """
        ),
        (
            "correlation_neighbours_usa",
            """
            alpha_id varchar(50), kind varchar(10), rank integer, neighbour_id text, correlation double precision
            days integer, job_id bigint
            """
        ),
        (
            "correlation_edges_usa",
            """
            alpha_id_a varchar(50), alpha_id_b varchar(50), correlation double precision, days integer, job_id bigint
            """
        ),
    ]

    /// The tables as AlphaDataBank's own setup leaves them, in short; also a region no AlphaGrid region can be called.
    private static let alphaDataBankSchema = """
        CREATE TABLE regions (region_id serial PRIMARY KEY, region_name varchar(10) UNIQUE NOT NULL);
        INSERT INTO regions (region_name) VALUES ('USA'), ('old usa');
        CREATE TABLE alphas (
            alpha_id varchar(50) PRIMARY KEY, region_id integer REFERENCES regions (region_id), alpha_type varchar(15),
            prod_correlation float, self_correlation float, is_sharpe float, is_fitness float, is_returns float,
            is_drawdown float, is_longcount integer, is_shortcount integer, is_turnover float, is_margin float,
            rn_sharpe float, rn_fitness float, code text, description text, universe varchar(50), delay integer,
            neutralization varchar(50), decay varchar(50), date_added timestamp DEFAULT CURRENT_TIMESTAMP,
            last_updated timestamp);
        INSERT INTO alphas (alpha_id, region_id, alpha_type) VALUES ('A1', 1, 'REGULAR');
        CREATE TABLE pnl_usa (
            pnl_id serial PRIMARY KEY, alpha_id varchar(50) REFERENCES alphas (alpha_id) ON DELETE CASCADE,
            date date NOT NULL, pnl float NOT NULL, UNIQUE (alpha_id, date));
        CREATE INDEX idx_pnl_usa_date ON pnl_usa (date);
        INSERT INTO pnl_usa (alpha_id, date, pnl)
            VALUES ('A1', '2024-01-02', 7), (NULL, '2024-01-02', 8), ('A1', '2024-01-03', 9);
        CREATE TABLE correlation_usa (
            correlation_id serial PRIMARY KEY, alpha_id varchar(50) REFERENCES alphas (alpha_id) ON DELETE CASCADE,
            min_correlation float, max_correlation float, avg_correlation float, median_correlation float,
            last_updated timestamp DEFAULT CURRENT_TIMESTAMP, UNIQUE (alpha_id));
        INSERT INTO correlation_usa (alpha_id, min_correlation) VALUES ('A1', 0.5);
        """
}
