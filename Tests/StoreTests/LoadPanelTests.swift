import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct LoadPanelTests {
    private let database: TestDatabase
    private let files: TestFiles
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
    }

    /// Every cell of the panel as SQL finds it in the table: the independent view.
    private func expectCells(_ panel: Panel, equal table: String, where condition: String = "true") throws {
        let rows = try database.sql("SELECT alpha_id, date, pnl FROM \(table) WHERE \(condition)")
        var seen = 0
        for row in rows {
            let alpha = try #require(panel.alpha(withID: row[0] ?? ""))
            let day = try #require(panel.dates.firstIndex(of: Day(parsing: row[1] ?? "")))
            #expect(panel.series(alpha)[day] == row[2].flatMap { Double($0) }, "\(row)")
            seen += 1
        }
        let present = (0..<panel.alphaCount).reduce(0) { $0 + panel.series($1).count { !$0.isNaN } }
        #expect(present == seen && seen > 0)
    }

    @Test("A region's panel has exactly the values of its table, and the hash of the imported file")
    func region() throws {
        let path = try files.file("small.csv", smallCSV)
        _ = try store.importPnL(path: path, region: usa, unsubmitted: false)
        let loaded = try store.loadPanel(region: usa, blockEdge: 2)
        #expect(loaded.alphasWithoutPnL.isEmpty)
        #expect(loaded.panel.inputOrder.map { loaded.panel.alphaIDs[$0] } == ["A1", "A2", "A3"])
        #expect(loaded.panel.dates.map(\.description) == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"])
        #expect(loaded.panel.blockEdge == 2)
        try expectCells(loaded.panel, equal: "pnl_usa")
        let size = try store.panelSize(region: usa, pool: "submitted")
        #expect(size.alphaIDs == ["A1", "A2", "A3"] && size.dates == loaded.panel.dates)
        for first in 0..<4 {
            let spans = try store.spans(region: usa, pool: "submitted", of: size.alphaIDs, dates: size.dates, from: first)
            #expect(Set(spans) == Set(loaded.panel.spans(from: first)) && spans.count == 3, "from \(first)")
        }
        let direct = try Panel.build(from: try PnLReader.read(path: path), blockEdge: 2)
        #expect(loaded.panel.contentHash == direct.contentHash)
        #expect(loaded.panel.blockHashes == direct.blockHashes)
    }

    @Test("When the connection that holds the snapshot is lost, the database is said to be out of reach, as it then mostly is")
    func lostSnapshot() throws {
        _ = try store.importPnL(path: try files.file("small.csv", smallCSV), region: usa, unsubmitted: false)
        let dates = try ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"].map { try Day(parsing: $0) }
        let ids = ["A1", "A2", "A3"]
        let loader = PanelLoader(table: "pnl_usa", url: store.pool.url, conditions: ["true"])
        func read(endingSession: Bool) throws(GridError) -> Int {
            try store.pool.read(Action("read", needs: "SELECT")) { connection in
                let snapshot = try connection.execute("SELECT pg_export_snapshot()").text(0, 0) ?? ""
                if endingSession { try connection.execute("ROLLBACK") }
                let builder = try PanelBuilder(alphaIDs: ids, dates: dates, blockEdge: 2)
                return try loader.fill(builder, alphaIDs: ids, snapshot: snapshot)
            }
        }
        #expect(try read(endingSession: false) > 0)
        let error = try #require(gridError { _ = try read(endingSession: true) })
        #expect(error.kind == .unreachable && error.message.hasPrefix("cannot reach the database at "), "\(error)")
    }

    @Test("A table of many pages, written in any order, is put together from all readers' parts")
    func manyPages() throws {
        // 300 alphas x 300 dates, a tenth missing, row order scattered: over 5 MB, more than one range of pages.
        try store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, alpha_type) SELECT 'alpha-' || a, region_id, 'REGULAR'
                FROM regions, generate_series(1, 300) a;
            INSERT INTO pnl_usa (alpha_id, date, pnl)
                SELECT 'alpha-' || a, date '2022-01-01' + d, a * 1000 + d
                FROM generate_series(1, 300) a, generate_series(1, 300) d
                WHERE (a + 3 * d) % 10 <> 0 ORDER BY hashint4(a * 1000 + d)
            """)
        let panel = try store.loadPanel(region: usa, blockEdge: 64).panel
        #expect(panel.alphaCount == 300 && panel.dayCount == 300)
        var wrong = 0
        for a in 1...300 {
            let series = panel.series(try #require(panel.alpha(withID: "alpha-\(a)")))
            for d in 1...300 {
                let isMissing = (a + 3 * d) % 10 == 0
                if isMissing ? !series[d - 1].isNaN : series[d - 1] != Double(a * 1000 + d) { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        let plan = try database.store.pool.read(Action("plan", needs: "")) {
            try PanelPlan(region: usa, pool: "submitted", table: "pnl_usa", members: panel.alphaIDs, $0)
        }
        #expect(plan.conditions.count > 1)
    }

    @Test("Alphas without PnL are left out and named; NaN in the table is missing")
    func withoutPnL() throws {
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: false)
        _ = try store.importAlphas(path: files.file("m.csv", "alpha_id\nB2\nB1\n"), region: usa, unsubmitted: false)
        try database.sql("UPDATE pnl_usa SET pnl = 'NaN' WHERE alpha_id = 'A1' AND date = '2024-01-03'")
        let loaded = try store.loadPanel(region: usa, blockEdge: 4)
        #expect(loaded.alphasWithoutPnL == ["B1", "B2"])
        #expect(loaded.panel.alphaCount == 3)
        try expectCells(loaded.panel, equal: "pnl_usa", where: "pnl <> 'NaN'")
    }

    @Test("A named pool has its own alphas and only the dates on which they have values")
    func namedPool() throws {
        let odd = "it's \\\"odd\\\""
        let header = "date,A1,A2,A3,A4,A5,A6,A7,A8,\"\(odd.replacing("\"", with: "\"\""))\""
        let text = "\(header)\n2024-01-02,1,1,1,1,1,1,1,1,\n2024-01-03,2,2,2,2,2,2,2,2,7\n2024-01-04,3,3,3,3,3,3,3,3,8\n"
        _ = try store.importPnL(path: files.file("p.csv", text), region: usa, unsubmitted: false)
        try store.createPool(usa, pool: "small", alphaIDs: [odd])
        let small = try store.loadPanel(region: usa, pool: "small", blockEdge: 4).panel
        #expect(small.alphaIDs == [odd])
        #expect(small.dates.map(\.description) == ["2024-01-03", "2024-01-04"])
        #expect(Array(small.series(0)) == [7, 8])
        try store.createPool(usa, pool: "large", alphaIDs: ["A1", "A2", "A3", odd])
        let large = try store.loadPanel(region: usa, pool: "large", blockEdge: 4).panel
        #expect(large.alphaCount == 4 && large.dayCount == 3)
        try expectCells(large, equal: "pnl_usa", where: "alpha_id IN ('A1', 'A2', 'A3') OR alpha_id LIKE 'it%'")
    }

    @Test("The unsubmitted pool is read from the unsubmitted tables")
    func unsubmitted() throws {
        _ = try store.importPnL(path: files.file("u.csv", smallCSV), region: usa, unsubmitted: true)
        let panel = try store.loadPanel(region: usa, pool: "unsubmitted", blockEdge: 4).panel
        try expectCells(panel, equal: "pnl_unsubmitted_usa")
        let error = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4) })
        #expect(error.kind == .notFound && error.message.contains("has no alphas"))
    }

    @Test("A region or pool without PnL, or unknown, says what to do")
    func nothing() throws {
        let unknown = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4) })
        #expect(unknown.kind == .notFound && unknown.message.contains("region USA is unknown"))
        try store.ensureRegion(usa)
        let empty = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4) })
        #expect(empty.kind == .notFound && empty.message.contains("alphagrid db import FILE --region USA"))
        _ = try store.importAlphas(path: files.file("m.csv", "alpha_id\nB1\n"), region: usa, unsubmitted: false)
        let noPnL = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4) })
        #expect(noPnL.kind == .notFound && noPnL.message.contains("no alpha of pool 'submitted'"))
        #expect(gridError { _ = try store.panelSize(region: usa, pool: "submitted") } == noPnL)
        #expect(gridError { try store.requirePnL(usa, pool: "submitted") } == noPnL)
        #expect(gridError { try store.requirePnL(usa, pool: "unsubmitted") }?.message.contains("--unsubmitted") == true)
        let pool = try #require(gridError { _ = try store.loadPanel(region: usa, pool: "p", blockEdge: 4) })
        #expect(pool.kind == .notFound && pool.message.contains("no pool 'p'"))
    }

    @Test(
        "A value or date that no import would let in names its alpha and is refused",
        arguments: [("'Infinity'", "2024-01-03"), ("1e200", "2024-01-03"), ("1", "infinity"), ("1", "20000-01-01")])
    func unusable(value: String, date: String) throws {
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: false)
        try database.sql("UPDATE pnl_usa SET pnl = \(value), date = '\(date)' WHERE alpha_id = 'A1' AND date = '2024-01-03'")
        let error = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4) })
        #expect(error.kind == .conflict && error.message.contains("pnl_usa"))
        if date == "2024-01-03" { #expect(error.message.contains("A1") && error.message.contains(date)) }
    }

    @Test("Readers see the moment the load began, whatever is imported before they start")
    func snapshot() throws {
        let store = store
        let url = try DatabaseURL(database.url)
        _ = try store.importPnL(path: files.file("old.csv", smallCSV), region: usa, unsubmitted: false)
        let revised = try files.file("new.csv", "date,A1,A9\n2024-01-02,77,1\n2024-01-09,78,2\n")
        let panel = try store.pool.read(Action("load", needs: "")) { connection in
            let members = try Store.poolAlphas(usa, pool: "submitted", connection)
            let plan = try PanelPlan(region: usa, pool: "submitted", table: "pnl_usa", members: members, connection)
            let snapshot = try #require(try connection.execute("SELECT pg_export_snapshot()").text(0, 0))
            _ = try store.importPnL(path: revised, region: usa, unsubmitted: false)
            let loader = PanelLoader(table: "pnl_usa", url: url, conditions: plan.conditions)
            return try loader.load(plan, blockEdge: 4, snapshot: snapshot).panel
        }
        #expect(panel.dates.last?.description == "2024-01-05" && panel.alphaCount == 3)
        #expect(panel.series(try #require(panel.alpha(withID: "A1")))[0] == 0)
        let later = try store.loadPanel(region: usa, blockEdge: 4).panel
        #expect(later.dates.last?.description == "2024-01-09" && later.alphaCount == 4)
        #expect(later.series(try #require(later.alpha(withID: "A1")))[0] == 77)
    }
}
