import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct PromoteTests {
    private let database: TestDatabase
    private let files: TestFiles
    private var store: Store { database.store }

    /// USA has S1 submitted, U1 and U2 unsubmitted; CHN has U3 unsubmitted.
    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
        let store = database.store
        for (name, columns, region, unsubmitted) in [
            ("s.csv", "S1", usa, false), ("u.csv", "U1,U2", usa, true), ("c.csv", "U3", chn, true),
        ] {
            let values = columns.split(separator: ",").map { _ in "1" }.joined(separator: ",")
            let path = try files.file(name, "date,\(columns)\n2024-01-02,\(values)\n2024-01-03,\(values)\n")
            _ = try store.importPnL(path: path, region: region, unsubmitted: unsubmitted)
        }
    }

    @Test("Of an alpha that a pool does not have is said which has it")
    func missing() throws {
        let store = database.store
        func sentence(_ id: String, _ pool: String, hasPartner: Bool = false) throws -> String {
            try store.missing(id, pool: pool, region: usa, hasPartner: hasPartner).message
        }
        let missing = "there is no alpha 'U1' with PnL in pool 'submitted' of region USA: it is in pool 'unsubmitted'"
        #expect(try sentence("U1", "submitted") == missing)
        #expect(try sentence("U1", "submitted", hasPartner: true) == missing + ", and both must be in the same pool")
        #expect(try sentence("S1", "core").hasSuffix(": it is in pool 'submitted'"))
        #expect(try sentence("S1", "submitted").hasSuffix("of region USA"), "it is there, without PnL")
        #expect(gridError { _ = try sentence("X", "submitted") }?.message == "region USA has no alpha 'X'")
    }

    @Test("Promoting moves alphas of several regions with metadata and PnL, and makes them REGULAR")
    func promote() throws {
        let path = try files.file("m.csv", "alpha_id,sharpe,code\nU1,2.5,rank(close)\n")
        _ = try store.importAlphas(path: path, region: usa, unsubmitted: true)
        let report = try store.promote(alphaIDs: ["U3", "U1", "U1"])
        #expect(report == AlphaChangeReport(alphas: 2, pnlRows: 4))
        #expect(
            try database.sql("SELECT alpha_id, alpha_type, is_sharpe, code FROM alphas ORDER BY 1")
                == [["S1", "REGULAR", nil, nil], ["U1", "REGULAR", "2.5", "rank(close)"], ["U3", "REGULAR", nil, nil]])
        #expect(try database.sql("SELECT alpha_id FROM alphas_unsubmitted") == [["U2"]])
        #expect(try database.value("SELECT count(*) FROM pnl_usa WHERE alpha_id = 'U1'") == "2")
        #expect(try database.value("SELECT count(*) FROM pnl_chn WHERE alpha_id = 'U3'") == "2")
        #expect(try database.value("SELECT count(*) FROM pnl_unsubmitted_usa WHERE alpha_id = 'U1'") == "0")
    }

    @Test("A whole region can be promoted, and a second time there is nothing left")
    func promoteRegion() throws {
        #expect(try store.promote(region: usa) == AlphaChangeReport(alphas: 2, pnlRows: 4))
        #expect(try store.promote(region: usa) == AlphaChangeReport(alphas: 0, pnlRows: 0))
        #expect(try database.sql("SELECT alpha_id FROM alphas_unsubmitted") == [["U3"]])
    }

    @Test("One unknown or submitted id refuses the whole promotion by name")
    func promoteUnknown() throws {
        let unknown = try #require(gridError { _ = try store.promote(alphaIDs: ["U1", "NOPE"]) })
        #expect(unknown.kind == .notFound && unknown.message.contains("NOPE") && !unknown.message.contains("U1"))
        try database.sql("INSERT INTO alphas (alpha_id, region_id) SELECT 'U2', region_id FROM regions WHERE region_name = 'USA'")
        let both = try #require(gridError { _ = try store.promote(alphaIDs: ["U1", "U2"]) })
        #expect(both.kind == .conflict && both.message.contains("U2 is already submitted"))
        #expect(try database.value("SELECT count(*) FROM alphas_unsubmitted") == "3")
        let region = try #require(gridError { _ = try store.promote(region: try Region("EUR")) })
        #expect(region.kind == .notFound && region.message.contains("EUR"))
    }

    @Test("Removing deletes an alpha's PnL, its result rows and its pool memberships, and nobody else's")
    func remove() throws {
        _ = try store.promote(region: usa)
        try store.createPool(usa, pool: "mine", alphaIDs: ["S1", "U1"])
        try database.sql(
            """
            INSERT INTO correlation_usa (alpha_id) VALUES ('S1'), ('U1');
            INSERT INTO jobs (job_id, kind, region, pool, state, priority, convention, window_spec, min_overlap, precision,
                block_edge, submitted_at, epoch)
                VALUES (7, 'correlation', 'USA', 'mine', 'done', 0, 'x', 'all', 2, 'y', 1, now(), 1);
            INSERT INTO correlation_usa_jobs (job_id, alpha_id) VALUES (7, 'S1'), (7, 'U1')
            """)
        let unknown = try #require(gridError { _ = try store.remove(alphaIDs: ["U1", "U3"], unsubmitted: false) })
        #expect(unknown.kind == .notFound && unknown.message.contains("U3"))
        #expect(try store.remove(alphaIDs: ["U1"], unsubmitted: false) == AlphaChangeReport(alphas: 1, pnlRows: 2))
        for table in ["correlation_usa", "correlation_usa_jobs", "pool_members"] {
            #expect(try database.sql("SELECT alpha_id FROM \(table)") == [["S1"]], "\(table)")
        }
        #expect(try database.value("SELECT count(*) FROM pnl_usa WHERE alpha_id = 'U1'") == "0")
        #expect(try database.value("SELECT count(*) FROM pnl_usa WHERE alpha_id = 'S1'") == "2")
        #expect(try store.remove(alphaIDs: ["U3"], unsubmitted: true) == AlphaChangeReport(alphas: 1, pnlRows: 2))
    }
}

@Suite struct PoolTests {
    private let database: TestDatabase
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        let files = try TestFiles()
        _ = try database.store.importPnL(path: files.file("s.csv", smallCSV), region: usa, unsubmitted: false)
        _ = try database.store.importPnL(
            path: files.file("u.csv", "date,U1\n2024-01-02,1\n"), region: usa, unsubmitted: true)
        _ = try database.store.importPnL(
            path: files.file("c.csv", "date,C1\n2024-01-02,1\n"), region: chn, unsubmitted: false)
    }

    @Test("Pools are made, listed, filled, emptied and deleted")
    func lifecycle() throws {
        try store.createPool(usa, pool: "power pool", alphaIDs: ["A3", "A1", "A3"])
        #expect(try store.poolMembers(usa, pool: "power pool") == ["A1", "A3"])
        try store.addToPool(usa, pool: "power pool", alphaIDs: ["A1", "A2"])
        try store.removeFromPool(usa, pool: "power pool", alphaIDs: ["A3"])
        #expect(try store.poolMembers(usa, pool: "power pool") == ["A1", "A2"])
        try store.createPool(chn, pool: "power pool")
        let views = try store.pools(usa)
        #expect(views.map(\.pool) == ["submitted", "unsubmitted", "regular", "super", "power pool"])
        #expect(views.map(\.alphas) == [3, 1, 3, 0, 2])
        #expect(views.map(\.builtIn) == [true, true, true, true, false])
        try store.deletePool(usa, pool: "power pool")
        #expect(try store.pools(usa).count == 4)
        #expect(try store.pools(chn).count == 5)
        #expect(try store.poolMembers(usa, pool: "submitted") == ["A1", "A2", "A3"])
        #expect(try store.poolMembers(usa, pool: "unsubmitted") == ["U1"])
    }

    @Test("Unknown pools and alphas, and those of another region or kind, are named and change nothing")
    func unknown() throws {
        try store.createPool(usa, pool: "p", alphaIDs: ["A1"])
        for id in ["NOPE", "C1", "U1"] {
            let error = try #require(gridError { try store.addToPool(usa, pool: "p", alphaIDs: ["A2", id]) })
            #expect(error.kind == .notFound && error.message.contains(id))
        }
        let absent = try #require(gridError { try store.removeFromPool(usa, pool: "p", alphaIDs: ["A1", "A2"]) })
        #expect(absent.kind == .notFound && absent.message.contains("A2"))
        #expect(try store.poolMembers(usa, pool: "p") == ["A1"])
        let twice = try #require(gridError { try store.createPool(usa, pool: "p") })
        #expect(twice.kind == .conflict && twice.message.contains("exists already"))
        for call in [{ try store.deletePool(usa, pool: "q") }, { _ = try store.poolMembers(usa, pool: "q") }] {
            let error = try #require(gridError(call))
            #expect(error.kind == .notFound && error.message.contains("no pool 'q'"))
        }
    }

    @Test("SUPER alphas and all others are pools by themselves, also for panels and for those who watch them")
    func byType() throws {
        // Imported PnL says REGULAR, a table of somebody else's may say nothing.
        try database.sql("UPDATE alphas SET alpha_type = NULL WHERE alpha_id = 'A2'")
        let regular = try store.watchPanel(region: usa, pool: "regular")
        let all = try store.watchPanel(region: usa, pool: "submitted")
        #expect(try store.poolMembers(usa, pool: "super") == [])
        let empty = try #require(gridError { _ = try store.loadPanel(region: usa, pool: "super", blockEdge: 4) })
        #expect(empty.kind == .notFound && empty.message.contains("pool 'super' of region USA has no alphas"))
        try database.sql("UPDATE alphas SET alpha_type = 'SUPER' WHERE alpha_id IN ('A3', 'C1')")
        #expect(try store.poolMembers(usa, pool: "super") == ["A3"])
        #expect(try store.poolMembers(usa, pool: "regular") == ["A1", "A2"])
        #expect(try store.poolMembers(usa, pool: "submitted") == ["A1", "A2", "A3"])
        #expect(try store.pools(usa).map(\.alphas) == [3, 1, 2, 1])
        #expect(try store.pools(chn).map(\.alphas) == [1, 0, 0, 1])
        #expect(try store.loadPanel(region: usa, pool: "super", blockEdge: 4).panel.alphaIDs == ["A3"])
        #expect(try store.loadPanel(region: usa, pool: "regular", blockEdge: 4).panel.alphaIDs == ["A1", "A2"])
        #expect(try !store.panelState(regular).isUnchanged)
        #expect(try store.panelState(all).isUnchanged)
    }

    @Test("The built-in pools cannot be made or changed")
    func builtIn() throws {
        for name in ["submitted", "unsubmitted", "regular", "super"] {
            for call in [
                { try store.createPool(usa, pool: name) }, { try store.deletePool(usa, pool: name) },
                { try store.addToPool(usa, pool: name, alphaIDs: []) },
            ] {
                let error = try #require(gridError(call))
                #expect(error.kind == .usage && error.message.contains("built in"))
            }
        }
    }
}

@Suite struct PoolNameTests {
    @Test(
        "Pool names are plain text of limited length",
        arguments: ["", " x", "x'; DROP TABLE pools; --", "\"x\"", "a\nb", String(repeating: "x", count: 51), "é"])
    func names(name: String) throws {
        let error = try #require(gridError { try PoolName.check(name) })
        #expect(error.kind == .usage && error.message.contains("pool name"))
    }
}
