import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct ChangeTrackingTests {
    private let database: TestDatabase
    private let files: TestFiles
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
        _ = try store.importPnL(path: files.file("s.csv", smallCSV), region: usa, unsubmitted: false)
        // As a program that knows nothing of panels would be: with rights on the tables it writes, and no others.
        try database.sql("DELETE FROM changed_pnl")
    }

    private func records() throws -> [String] {
        try database.sql("SELECT alpha_id || ' ' || first_date FROM changed_pnl ORDER BY 1").compactMap { $0[0] }
    }

    private static let statements: [(String, [String])] = [
        ("INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', '2024-02-01', 1), ('A1', '2024-01-30', 1)", ["A1 2024-01-30"]),
        ("COPY pnl_usa (alpha_id, date, pnl) FROM PROGRAM 'echo A2,2024-02-03,1' (FORMAT csv)", ["A2 2024-02-03"]),
        ("UPDATE pnl_usa SET pnl = 9 WHERE date >= '2024-01-04'", ["A1 2024-01-04", "A2 2024-01-04", "A3 2024-01-04"]),
        ("UPDATE pnl_usa SET date = '2023-05-05' WHERE alpha_id = 'A1' AND date = '2024-01-04'", ["A1 2023-05-05"]),
        ("UPDATE pnl_usa SET date = '2024-05-05' WHERE alpha_id = 'A1' AND date = '2024-01-04'", ["A1 2024-01-04"]),
        ("UPDATE pnl_usa SET alpha_id = 'A3' WHERE alpha_id = 'A1' AND date = '2024-01-02'", ["A1 2024-01-02", "A3 2024-01-02"]),
        ("DELETE FROM pnl_usa WHERE alpha_id = 'A3' AND date > '2024-01-03'", ["A3 2024-01-04"]),
        ("DELETE FROM alphas WHERE alpha_id IN ('A1', 'A2')", ["A1 2024-01-02", "A2 2024-01-02"]),
        ("TRUNCATE pnl_usa", [" -infinity"]),
        ("TRUNCATE alphas CASCADE", [" -infinity"]),
        (
            """
            INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', '2024-01-02', 5), ('A2', '2024-03-01', 5)
            ON CONFLICT (alpha_id, date) DO UPDATE SET pnl = EXCLUDED.pnl
            """, ["A1 2024-01-02", "A2 2024-03-01"]
        ),
        (
            """
            MERGE INTO pnl_usa p USING (VALUES ('A1', date '2024-01-03'), ('A2', date '2024-04-01')) v (a, d)
            ON p.alpha_id = v.a AND p.date = v.d
            WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (alpha_id, date, pnl) VALUES (a, d, 1)
            """, ["A1 2024-01-03", "A2 2024-04-01"]
        ),
        ("SET session_replication_role = replica; UPDATE pnl_usa SET pnl = 3 WHERE pnl = 12", ["A2 2024-01-04"]),
        ("UPDATE pnl_usa SET pnl = 3 WHERE false", []),
        ("BEGIN; DELETE FROM pnl_usa; ROLLBACK", []),
        (
            """
            BEGIN; INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', '2024-03-01', 1);
            SAVEPOINT s; DELETE FROM pnl_usa; ROLLBACK TO s;
            INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', '2024-02-01', 1), ('A1', '2024-04-01', 1); COMMIT
            """, ["A1 2024-02-01"]
        ),
    ]

    @Test("Every kind of statement leaves the alphas it touched and their earliest date, old or new", arguments: statements)
    func recorded(statement: String, expected: [String]) throws {
        try database.sql(statement)
        #expect(try records() == expected)
    }

    @Test("A program that has rights on the PnL alone can write it, and is recorded")
    func otherRole() throws {
        let role = database.server.uniqueName("databank")
        try database.sql(
            """
            CREATE ROLE \(role) LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON pnl_usa TO \(role);
            GRANT USAGE ON SEQUENCE pnl_usa_pnl_id_seq TO \(role)
            """)
        let other = try Connection.open(DatabaseURL(database.url(role: role)))
        // Tables of the same names in the writer's own schema lead nowhere.
        try other.execute("CREATE TEMP TABLE changed_pnl (a int); CREATE TEMP TABLE changed_rows (alpha_id text, date date)")
        try other.execute("INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A2', '2024-06-01', 1)")
        #expect(try database.value("SELECT alpha_id || ' ' || first_date FROM public.changed_pnl") == "A2 2024-06-01")
    }

    @Test("Alphas written row by row in one transaction leave one record each")
    func rowByRow() throws {
        let rows = (1...20).map {
            "INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A\($0 % 2 + 1)', date '2024-03-01' + \($0), 1)"
        }
        try database.sql("BEGIN; \(rows.joined(separator: "; ")); COMMIT")
        #expect(try records() == ["A1 2024-03-03", "A2 2024-03-02"])
    }

    private static let ways: [(String, String)] = [
        ("ALTER TABLE pnl_usa DISABLE TRIGGER ALL", "are not recorded"),
        (
            "ALTER TABLE pnl_usa DISABLE TRIGGER alphagrid_updated; ALTER TABLE pnl_usa ENABLE TRIGGER alphagrid_updated",
            "are not recorded"
        ),
        (
            "ALTER TABLE pnl_usa DISABLE TRIGGER alphagrid_updated; ALTER TABLE pnl_usa ENABLE ALWAYS TRIGGER alphagrid_updated",
            "not those of then"
        ),
        ("DROP TRIGGER alphagrid_truncated ON pnl_usa", "are not recorded"),
        ("CREATE TABLE more () INHERITS (pnl_usa)", "are not recorded"),
        ("ALTER TABLE pnl_usa SET UNLOGGED", "are not recorded"),
        ("ALTER TABLE pnl_usa ENABLE ROW LEVEL SECURITY", "are not recorded"),
        ("ALTER TABLE pnl_usa ALTER COLUMN pnl TYPE double precision USING pnl * 2", "not those of then"),
        ("TRUNCATE changed_pnl", "not those of then"),
        ("DELETE FROM panel_caches", "no longer knows"),
        (
            """
            CREATE OR REPLACE FUNCTION record_changed_pnl() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
            """, "not those of then"
        ),
    ]

    @Test("Where changes may have gone unrecorded, the kept panel is not used, and the reason is told", arguments: ways)
    func untrusted(change: String, reason: String) throws {
        let reports = Reports()
        func load() throws -> LoadedPanel {
            let cache = PanelCache(directory: files.directory.path + "/panels") { reports.add($0) }
            defer { cache.waitForWrites() }
            return try store.loadPanel(region: usa, blockEdge: 4, cache: cache)
        }
        #expect(try load().origin == .read)
        #expect(try load().origin == .kept)
        try database.sql(change)
        #expect(try load().origin == .read)
        #expect(reports.all.first?.contains(reason) == true, "\(reports.all)")
        // What changes then is seen, however it came.
        try database.sql("UPDATE pnl_usa SET pnl = 4321 WHERE alpha_id = 'A1' AND date = '2024-01-05'")
        if !change.contains("OR REPLACE") {
            let panel = try load().panel
            #expect(panel.series(try #require(panel.alpha(withID: "A1"))).contains(4321))
        }
    }

    @Test("Migrating again mends the triggers, and only then are panels kept again")
    func mended() throws {
        try database.sql("ALTER TABLE pnl_usa DISABLE TRIGGER ALL; DROP TRIGGER alphagrid_inserted ON pnl_unsubmitted_usa")
        try store.ensureRegion(usa)
        #expect(try store.registerPanel(table: "pnl_usa", replacing: nil) == nil)
        try store.migrate()
        for table in ["pnl_usa", "pnl_unsubmitted_usa"] {
            #expect(try store.registerPanel(table: table, replacing: nil) != nil)
        }
        try database.sql("UPDATE pnl_usa SET pnl = 9 WHERE alpha_id = 'A1' AND date = '2024-01-02'")
        #expect(try records() == ["A1 2024-01-02"])
    }

    @Test("Records go when every registered snapshot sees them, and stay while one does not")
    func forgetting() throws {
        let oid = Int(try #require(try database.value("SELECT 'pnl_usa'::regclass::oid"))) ?? 0
        func forget() throws {
            _ = try store.pool.write(Action("forget", needs: "")) { try ChangeTracking.forget(tableOID: oid, $0) }
        }
        let first = try #require(try store.registerPanel(table: "pnl_usa", replacing: nil))
        try database.sql("UPDATE pnl_usa SET pnl = 1 WHERE alpha_id = 'A1'")
        let second = try #require(try store.registerPanel(table: "pnl_usa", replacing: nil))
        try database.sql("UPDATE pnl_usa SET pnl = 1 WHERE alpha_id = 'A2'")
        try database.sql("INSERT INTO changed_pnl VALUES (1, '3', 'X', '2024-01-01')")
        try forget()
        #expect(try records().count == 3)
        let now = try #require(try database.value("SELECT pg_current_snapshot()"))
        #expect(try store.movePanel(first, to: now, tableOID: oid))
        #expect(try records().map { $0.prefix(2) } == ["A2", "X "])
        // One that has been moved on is not moved again by whoever started from the same.
        #expect(try !store.movePanel(first, to: now, tableOID: oid))
        _ = try store.registerPanel(table: "pnl_usa", replacing: second.token)
        try forget()
        #expect(try records().map { $0.prefix(2) } == ["X "])
        try store.migrate()
        #expect(try records() == [])
    }

    @Test("A table's registrations are bounded, the oldest go first")
    func bounded() throws {
        let made = try (0..<Limits.panelCachesPerTableMax + 3).map { _ in
            try #require(try store.registerPanel(table: "pnl_usa", replacing: nil)).token
        }
        let left = try database.sql("SELECT token FROM panel_caches ORDER BY taken_at").compactMap { $0[0] }
        #expect(left == Array(made.dropFirst(3)))
    }
}
