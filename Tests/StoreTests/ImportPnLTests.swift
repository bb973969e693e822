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
