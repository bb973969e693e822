import ClusterModel
import Panel
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@testable import Store

@Suite struct ImportPnLTests {
    private let database: TestDatabase
    private let files: TestFiles
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
    }

    @Test("A file's values arrive as they are written, its gaps stay gaps, its alphas become REGULAR")
    func first() throws {
        let path = try files.file("small.csv", smallCSV)
        var steps: [ImportStep] = []
        let report = try store.importPnL(path: path, region: usa, unsubmitted: false) { steps.append($0) }
        #expect(steps == [.reading] + (1...3).map { .copying(alphasDone: $0, of: 3) } + [.writing(values: 10)])
        #expect(
            report
                == ImportReport(file: path, region: "USA", unsubmitted: false, alphas: 3, alphasInserted: 3, rowsInserted: 10))
        let rows = try database.sql("SELECT alpha_id || ' ' || date || ' ' || pnl FROM pnl_usa ORDER BY alpha_id, date")
        #expect(
            rows.compactMap { $0[0] } == [
                "A1 2024-01-02 0", "A1 2024-01-03 1.5", "A1 2024-01-04 -2.25", "A1 2024-01-05 3", "A2 2024-01-02 10",
                "A2 2024-01-04 12", "A2 2024-01-05 13.125", "A3 2024-01-03 5", "A3 2024-01-04 6", "A3 2024-01-05 7",
            ])
        #expect(
            try database.value(
                "SELECT count(*) FROM alphas JOIN regions USING (region_id) WHERE alpha_type = 'REGULAR' AND region_name = 'USA'")
                == "3")
        #expect(try database.value("SELECT action || ' ' || (detail->>'rows_inserted') FROM audit_log") == "import 10")
    }

    @Test(
        "A region that its first import makes has the tables, keys, indexes and triggers of any other", arguments: [false, true])
    func sameTables(unsubmitted: Bool) throws {
        try store.ensureRegion(chn)
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: unsubmitted)
        func definitions(_ suffix: String) throws -> Set<String> {
            let rows = try database.sql(
                """
                WITH tables AS (
                    SELECT oid, relname FROM pg_class WHERE relkind IN ('r', 'v', 'S') AND relname ~ '_\(suffix)(_|$)')
                SELECT * FROM (
                    SELECT 'column ' || relname || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull
                        || coalesce(pg_get_expr(adbin, adrelid), '')
                    FROM tables JOIN pg_attribute a ON attrelid = oid AND attnum > 0 LEFT JOIN pg_attrdef ON adrelid = attrelid
                        AND adnum = attnum
                    UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(c.oid)
                    FROM tables t JOIN pg_constraint c ON conrelid = t.oid
                    UNION ALL SELECT pg_get_indexdef(indexrelid) || indisvalid FROM tables JOIN pg_index ON indrelid = oid
                    UNION ALL SELECT pg_get_triggerdef(g.oid) || tgenabled::text
                    FROM tables t JOIN pg_trigger g ON tgrelid = t.oid AND NOT tgisinternal
                    UNION ALL SELECT 'options ' || relname || coalesce(reloptions::text, '')
                    FROM tables JOIN pg_class USING (relname)
                    UNION ALL SELECT 'sequence of ' || refobjid::regclass || '.' || refobjsubid
                    FROM tables t JOIN pg_depend d ON d.objid = t.oid AND deptype = 'a' AND d.classid = 'pg_class'::regclass
                ) d (text)
                """)
            return Set(rows.compactMap { $0[0]?.replacing("_\(suffix)", with: "_*") })
        }
        let (ordinary, made) = (try definitions("chn"), try definitions("usa"))
        #expect(made.symmetricDifference(ordinary).isEmpty)
        #expect(ordinary.count > 200 && ordinary.contains { $0.contains("pnl_*_alpha_id_fkey") })
        #expect(try database.value("SELECT count(*) FROM changed_pnl") == "0", "there was nothing to change")
    }

    @Test("The first import of a region shows all of it or nothing, and keeps nobody out while it waits for others to be done")
    func firstWaits() throws {
        let store = store
        let path = try files.file("small.csv", smallCSV)
        let other = try Connection.open(DatabaseURL(database.url))
        // As another import that has added an alpha and is not yet through.
        try other.execute("BEGIN; INSERT INTO alphas (alpha_id) VALUES ('elsewhere')")
        let onlooker = try Connection.open(DatabaseURL(database.url))
        try onThreads(2) { index in
            if index == 0 {
                _ = try store.importPnL(path: path, region: usa, unsubmitted: false)
            } else {
                var isWaiting = false
                while !isWaiting {
                    usleep(10_000)
                    isWaiting = try onlooker.execute(
                        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'alphas'::regclass)"
                    ).boolean(0, 0)
                }
                #expect(try store.status().regions.isEmpty)
                #expect(try onlooker.execute("SELECT to_regclass('pnl_usa') IS NULL").boolean(0, 0))
                // Whoever comes later gets in between two tries.
                try onlooker.execute("SET statement_timeout = 10000; INSERT INTO alphas (alpha_id) VALUES ('later')")
                try other.execute("COMMIT")
            }
        }
        #expect(try store.loadPanel(region: usa, blockEdge: 4).panel.alphaCount == 3)
        #expect(try database.value("SELECT count(*) FROM alphas") == "5")
    }

    @Test("A first import that fails leaves no region and no table")
    func firstFails() throws {
        try database.sql("INSERT INTO alphas_unsubmitted (alpha_id) VALUES ('A2')")
        let path = try files.file("small.csv", smallCSV)
        let error = try #require(gridError { _ = try store.importPnL(path: path, region: usa, unsubmitted: false) })
        #expect(error.kind == .conflict && error.message.contains("alpha A2 is unsubmitted"))
        #expect(try database.value("SELECT count(*) FROM pg_class WHERE relname ~ '_usa(_|$)'") == "0")
        #expect(try store.status().regions.isEmpty)
    }

    @Test("First imports of two regions at once both arrive, and a table without a region is adopted")
    func firstTogether() throws {
        let store = store
        try database.sql(
            """
            CREATE TABLE pnl_eur (pnl_id bigserial PRIMARY KEY, alpha_id varchar(50) REFERENCES alphas, date date, pnl float8,
                UNIQUE (alpha_id, date))
            """)
        let regions = [usa, chn, try Region("EUR")]
        let paths = try ["A", "B", "C"].map { try files.file("\($0).csv", "date,\($0)\n2024-01-02,1\n2024-01-03,2\n") }
        try onThreads(3) { index in _ = try store.importPnL(path: paths[index], region: regions[index], unsubmitted: false) }
        for region in regions {
            #expect(try database.value("SELECT count(*) FROM pnl_\(region.tableSuffix)") == "2", "\(region)")
        }
        #expect(try store.status().regions.count == 3)
    }

    @Test("Importing again changes nothing, not even a row's version")
    func idempotent() throws {
        let path = try files.file("small.csv", smallCSV)
        _ = try store.importPnL(path: path, region: usa, unsubmitted: false)
        let versions = try database.sql("SELECT ctid, xmin, xmax, pnl_id FROM pnl_usa ORDER BY pnl_id")
        let report = try store.importPnL(path: path, region: usa, unsubmitted: false)
        #expect(report.alphasInserted == 0 && report.rowsInserted == 0 && report.rowsUpdated == 0)
        #expect(report.rowsUnchanged == 10)
        #expect(try database.sql("SELECT ctid, xmin, xmax, pnl_id FROM pnl_usa ORDER BY pnl_id") == versions)
    }

    @Test("A revised value replaces the stored one, a new date is added, what the file lacks stays")
    func revision() throws {
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: false)
        let revised = "alpha_id,date,pnl\nA2,2024-01-04,99\nA1,2024-01-03,1.5\nA1,2024-01-08,4\nA4,2024-01-02,1\n"
        let report = try store.importPnL(path: files.file("revised.csv", revised), region: usa, unsubmitted: false)
        #expect(report.alphasInserted == 1)
        #expect((report.rowsInserted, report.rowsUpdated, report.rowsUnchanged) == (2, 1, 1))
        #expect(try database.value("SELECT pnl FROM pnl_usa WHERE alpha_id = 'A2' AND date = '2024-01-04'") == "99")
        #expect(try database.value("SELECT count(*) FROM pnl_usa") == "12")
    }

    @Test("What comes from standard input says so, in the report and in the audit log")
    func standardInput() throws {
        let own = dup(0)
        defer {
            dup2(own, 0)
            close(own)
        }
        for (text, isPnL) in [(smallCSV, true), ("alpha_id\nA9\n", false)] {
            let descriptor = try FileSystem.open(try files.file("given.csv", text), O_RDONLY)
            dup2(descriptor, 0)
            close(descriptor)
            let report =
                try isPnL
                ? store.importPnL(path: "-", region: usa, unsubmitted: false)
                : store.importAlphas(path: "-", region: usa, unsubmitted: false)
            #expect(report.file == "standard input")
        }
        #expect(try database.value("SELECT DISTINCT subject FROM audit_log") == "standard input")
    }

    @Test("A file with bad rows names them by line, and nothing of it is applied, not even the region")
    func badRows() throws {
        let path = try files.file("bad.csv", "date,A1\n2024-01-02,1\n2024-13-03,2\n2024-01-04,x\n2024-01-02,3\n")
        let error = try #require(gridError { _ = try store.importPnL(path: path, region: usa, unsubmitted: false) })
        #expect(error.kind == .usage)
        for part in ["bad.csv", "line 3", "2024-13-03", "line 4", "'x'"] { #expect(error.message.contains(part), "\(part)") }
        #expect(try database.value("SELECT count(*) FROM regions") == "0")
        #expect(try database.value("SELECT count(*) FROM alphas") == "0")
    }

    @Test("A file that is not there and one without dates are refused")
    func unusable() throws {
        let missing = try #require(
            gridError { _ = try store.importPnL(path: "/nowhere/x.csv", region: usa, unsubmitted: false) })
        #expect(missing.kind == .notFound)
        // The smallest NPY: one row, one column, 1.0.
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }"
        let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
        withUnsafeBytes(of: (1.0).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        let path = try files.file("x.npy", bytes)
        let undated = try #require(gridError { _ = try store.importPnL(path: path, region: usa, unsubmitted: false) })
        #expect(undated.kind == .usage && undated.message.contains("has no dates"))
    }

    @Test("Unsubmitted PnL goes to tables of its own, as UNSUBMITTED alphas")
    func unsubmitted() throws {
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: true)
        #expect(try database.value("SELECT count(*) FROM pnl_unsubmitted_usa") == "10")
        #expect(try database.value("SELECT count(*) FROM pnl_usa") == "0")
        #expect(try database.value("SELECT count(*) FROM alphas_unsubmitted WHERE alpha_type = 'UNSUBMITTED'") == "3")
        #expect(try database.value("SELECT count(*) FROM alphas") == "0")
    }

    @Test("An alpha of another region, or of the other kind, is refused by name and nothing is applied")
    func foreign() throws {
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: false)
        let path = try files.file("other.csv", "date,B1,A2\n2024-01-02,1,1\n")
        let region = try #require(gridError { _ = try store.importPnL(path: path, region: chn, unsubmitted: false) })
        #expect(region.kind == .conflict)
        #expect(region.message.contains("alpha A2 belongs to region USA") && region.message.contains("CHN"))
        // Nor is there a region that nobody asked for by another name.
        #expect(try database.sql("SELECT region_name FROM regions") == [["USA"]])
        let kind = try #require(gridError { _ = try store.importPnL(path: path, region: usa, unsubmitted: true) })
        #expect(kind.kind == .conflict && kind.message.contains("alpha A2 is already submitted"))
        #expect(try database.value("SELECT count(*) FROM alphas WHERE alpha_id = 'B1'") == "0")
        #expect(try database.value("SELECT count(*) FROM alphas_unsubmitted") == "0")
    }

    @Test("Imports of one region from several threads at once all arrive")
    func concurrent() throws {
        let store = store
        let paths = try (0..<4).map { index in
            try files.file("p\(index).csv", "date,S,X\(index)\n2024-01-02,1,\(index)\n2024-01-03,2,\(index)\n")
        }
        try onThreads(4) { index in _ = try store.importPnL(path: paths[index], region: usa, unsubmitted: false) }
        #expect(try database.value("SELECT count(*) FROM pnl_usa") == "10")
        #expect(try database.value("SELECT count(*) FROM alphas") == "5")
    }

    @Test("Numbers of every size keep all their bits")
    func bits() throws {
        let values = ["0.1", "1e-300", "-123456789.123456789", "5e-324", "9007199254740993", "1e150"]
        let rows = values.enumerated().map { "2024-01-0\($0 + 1),\($1)" }.joined(separator: "\n")
        _ = try store.importPnL(path: files.file("bits.csv", "date,A\n\(rows)\n"), region: usa, unsubmitted: false)
        let stored = try database.sql("SELECT pnl FROM pnl_usa ORDER BY date").compactMap { $0[0].flatMap { Double($0) } }
        #expect(stored.map(\.bitPattern) == values.compactMap { Double($0)?.bitPattern })
    }
}
