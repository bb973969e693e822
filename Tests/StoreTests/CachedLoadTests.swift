import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

/// What a cache had to say.
final class Reports: @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [String] = []
    func add(_ text: String) { lock.withLock { kept.append(text) } }
    var all: [String] { lock.withLock { kept } }
}

@Suite struct CachedLoadTests {
    private let database: TestDatabase
    private let files: TestFiles
    private let reports = Reports()
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
        // 11 alphas x 8 days, some missing.
        var text = "alpha_id,date,pnl\n"
        for alpha in 1...11 {
            for day in 1...8 where (alpha + day) % 5 != 0 { text += "A\(alpha),2024-01-0\(day),\(alpha * 10 + day)\n" }
        }
        _ = try store.importPnL(path: files.file("start.csv", text), region: usa, unsubmitted: false)
    }

    private func newCache() -> PanelCache {
        PanelCache(directory: files.directory.path + "/panels") { [reports] in reports.add($0) }
    }

    /// Loads as a new process would, and checks the panel against one that is read whole.
    @discardableResult
    private func load(
        _ expected: LoadedPanel.Origin, pool: String = "submitted", rows: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Panel {
        let cache = newCache()
        let loaded = try store.loadPanel(region: usa, pool: pool, blockEdge: 4, cache: cache)
        cache.waitForWrites()
        let whole = try store.loadPanel(region: usa, pool: pool, blockEdge: 4)
        #expect(loaded.origin == expected, "\(reports.all)", sourceLocation: sourceLocation)
        #expect(loaded.panel.contentHash == whole.panel.contentHash, sourceLocation: sourceLocation)
        #expect(loaded.panel.dates == whole.panel.dates, sourceLocation: sourceLocation)
        #expect(loaded.alphasWithoutPnL == whole.alphasWithoutPnL, sourceLocation: sourceLocation)
        #expect(whole.origin == .read)
        if let rows { #expect(loaded.rowsRead == rows, sourceLocation: sourceLocation) }
        return loaded.panel
    }

    @Test("The first load reads everything, the next one nothing, and both say the same")
    func nothingChanged() throws {
        let first = try load(.read)
        let second = try load(.kept, rows: 0)
        #expect(second.blockHashes == first.blockHashes && second.inputOrder == first.inputOrder)
        let cache = newCache()
        let third = try store.loadPanel(region: usa, blockEdge: 4, cache: cache)
        let fourth = try store.loadPanel(region: usa, blockEdge: 4, cache: cache)
        #expect(third.panel === fourth.panel)
        #expect(fourth.summary.contains("11 alphas x 8 days") && fourth.summary.contains("unchanged"))
        #expect(reports.all == [])
    }

    @Test("What is kept beside a panel has its folder as soon as the panel is read, which is before it is written")
    func placeBesidePanel() throws {
        let cache = newCache()
        let loaded = try store.loadPanel(region: usa, blockEdge: 4, cache: cache)
        let place = try #require(loaded.keptPath)
        try Data("state".utf8).write(to: URL(fileURLWithPath: place + ".state"))
        cache.waitForWrites()
        #expect(FileManager.default.fileExists(atPath: place + ".panel"))
        #expect(reports.all == [])
    }

    @Test("One new day for every alpha reads that day's rows and no others")
    func newDay() throws {
        try load(.read)
        try database.sql("INSERT INTO pnl_usa (alpha_id, date, pnl) SELECT DISTINCT alpha_id, date '2024-01-09', 3 FROM pnl_usa")
        let panel = try load(.refreshed, rows: 11)
        #expect(panel.dayCount == 9)
        try load(.kept)
    }

    @Test("Of a long history a new day, and a change in its middle, hash one part of a block anew")
    func parts() throws {
        try database.sql(
            """
            INSERT INTO pnl_usa (alpha_id, date, pnl)
            SELECT 'A' || a, date '2023-01-01' + d, a * d % 37 FROM generate_series(1, 11) a, generate_series(0, 299) d
            """)
        let old = try load(.read)
        #expect(old.dayCount == 308 && old.blockNames.map(\.parts.count) == [2, 2, 2])
        try database.sql("INSERT INTO pnl_usa (alpha_id, date, pnl) SELECT DISTINCT alpha_id, date '2024-01-09', 3 FROM pnl_usa")
        let new = try load(.refreshed, rows: 11)
        #expect(new.blockNames.map(\.parts[0]) == old.blockNames.map(\.parts[0]))
        #expect(zip(new.blockNames, old.blockNames).allSatisfy { $0.parts[1] != $1.parts[1] && $0.hash != $1.hash })
        try database.sql("UPDATE pnl_usa SET pnl = -9 WHERE alpha_id = 'A1' AND date = '2023-02-03'")
        let changed = try load(.refreshed)
        #expect(changed.blockNames.map(\.parts[1]) == new.blockNames.map(\.parts[1]))
        #expect(zip(changed.blockNames, new.blockNames).count { $0.parts[0] != $1.parts[0] } == 1)
        #expect(try load(.kept).blockNames == changed.blockNames)
    }

    @Test("New alphas are read alone and get a block of their own; blocks that were there stay as they are")
    func newAlphas() throws {
        let old = try load(.read)
        _ = try store.importPnL(
            path: files.file("n.csv", "date,B1,B2\n2024-01-03,1,\n2024-01-05,2,3\n"), region: usa, unsubmitted: false)
        let new = try load(.refreshed, rows: 3)
        #expect(new.shape.blockStarts == [0, 4, 8, 11, 13])
        #expect(Array(new.blockHashes.prefix(3)) == old.blockHashes && new.sampledAlphaCount == 11)
        // The appended layout is kept too.
        #expect(try load(.kept).shape == new.shape)
        try database.sql("DELETE FROM alphas WHERE alpha_id = 'A2'")
        #expect(try load(.refreshed, rows: 0).shape.blockStarts == [0, 4, 8, 12])
    }

    @Test("A pool's own panel follows its members; changes of other alphas are passed over")
    func membership() throws {
        try store.createPool(usa, pool: "p", alphaIDs: (1...6).map { "A\($0)" })
        try load(.read, pool: "p")
        try database.sql("UPDATE pnl_usa SET pnl = pnl + 1 WHERE alpha_id = 'A9'")
        try load(.kept, pool: "p")
        try store.addToPool(usa, pool: "p", alphaIDs: ["A7"])
        try load(.refreshed, pool: "p")
        try store.removeFromPool(usa, pool: "p", alphaIDs: ["A1"])
        try load(.refreshed, pool: "p", rows: 0)
        try load(.kept, pool: "p")
        try load(.read)
    }

    @Test("A transaction that began before the panel was read and commits afterwards is noticed, whatever came between")
    func lateCommit() throws {
        let writer = try Connection.open(DatabaseURL(database.url))
        try writer.execute("BEGIN")
        try writer.execute("UPDATE pnl_usa SET pnl = -77 WHERE alpha_id = 'A3' AND date = '2024-01-04'")
        try load(.read)
        try load(.kept)
        // A later change is taken in first, and records that nobody needs are forgotten on the way.
        try database.sql("UPDATE pnl_usa SET pnl = 5 WHERE alpha_id = 'A1' AND date = '2024-01-02'")
        try load(.refreshed, rows: 7)
        try load(.kept)
        try writer.execute("COMMIT")
        let panel = try load(.refreshed, rows: 6)
        #expect(panel.series(try #require(panel.alpha(withID: "A3")))[3] == -77)
        try load(.kept)
    }

    @Test("A change that was rolled back leaves the kept panel as it is")
    func rolledBack() throws {
        try load(.read)
        try database.sql("BEGIN; DELETE FROM pnl_usa; ROLLBACK")
        try load(.kept)
    }

    @Test("When most of it has changed everything is read, and that is said")
    func mostChanged() throws {
        try load(.read)
        try database.sql("UPDATE pnl_usa SET pnl = pnl * 2")
        try load(.read)
        #expect(reports.all.count == 1 && reports.all[0].contains("most of it has changed"))
        try load(.kept)
    }

    @Test("An alpha that loses its last row, and one that gets its first, change sides")
    func withoutPnL() throws {
        _ = try store.importAlphas(path: files.file("m.csv", "alpha_id\nB1\n"), region: usa, unsubmitted: false)
        try load(.read)
        try database.sql("DELETE FROM pnl_usa WHERE alpha_id = 'A6'")
        try load(.refreshed)
        try database.sql("INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('B1', '2024-01-20', 4)")
        #expect(try load(.refreshed).dates.last?.description == "2024-01-20")
        try database.sql("DELETE FROM pnl_usa WHERE alpha_id = 'B1'")
        #expect(try load(.refreshed).dates.last?.description == "2024-01-08")
        _ = try store.importAlphas(path: files.file("m2.csv", "alpha_id\nB2\n"), region: usa, unsubmitted: false)
        try load(.refreshed)
        try load(.kept)
    }

    @Test("A value that cannot be used is refused when it is refreshed as when it is read, and the next good state is read")
    func unusable() throws {
        try load(.read)
        try database.sql("UPDATE pnl_usa SET pnl = 'Infinity' WHERE alpha_id = 'A1' AND date = '2024-01-03'")
        let error = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4, cache: newCache()) })
        #expect(error.kind == .conflict && error.message.contains("A1") && error.message.contains("2024-01-03"))
        try database.sql("UPDATE pnl_usa SET pnl = 1, date = 'infinity' WHERE pnl = 'Infinity'")
        let later = try #require(gridError { _ = try store.loadPanel(region: usa, blockEdge: 4, cache: newCache()) })
        #expect(later.kind == .conflict && later.message.contains("pnl_usa"))
        try database.sql("DELETE FROM pnl_usa WHERE date = 'infinity'")
        try load(.refreshed)
    }

    @Test("A role that may only read loads without keeping, and says why")
    func readOnlyRole() throws {
        let role = database.server.uniqueName("reader")
        try database.sql("CREATE ROLE \(role) LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role)")
        let reader = try Store(url: database.url(role: role))
        let cache = newCache()
        #expect(try reader.loadPanel(region: usa, blockEdge: 4, cache: cache).panel.alphaCount == 11)
        #expect(reports.all.count == 1 && reports.all[0].contains("permission denied"))
        #expect(!FileManager.default.fileExists(atPath: files.directory.path + "/panels"))
        // What an owner has kept it may use.
        try load(.read)
        #expect(try reader.loadPanel(region: usa, blockEdge: 4, cache: newCache()).origin == .kept)
    }

    @Test("Two loads that refresh the same kept panel at once leave a sound one behind")
    func concurrent() throws {
        try load(.read)
        let store = store
        for round in 0..<5 {
            try database.sql("UPDATE pnl_usa SET pnl = \(round) WHERE alpha_id = 'A2' AND date = '2024-01-04'")
            let caches = [newCache(), newCache(), newCache()]
            try onThreads(3) { index in
                let panel = try store.loadPanel(region: usa, blockEdge: 4, cache: caches[index]).panel
                #expect(panel.series(try #require(panel.alpha(withID: "A2")))[3] == Double(round))
            }
            caches.forEach { $0.waitForWrites() }
            let whole = try store.loadPanel(region: usa, blockEdge: 4)
            let kept = try store.loadPanel(region: usa, blockEdge: 4, cache: newCache())
            #expect(kept.panel.contentHash == whole.panel.contentHash)
        }
    }

    @Test("A registration that went back in time, as a restored database has it, is not trusted")
    func restored() throws {
        try load(.read)
        let old = try #require(try database.value("SELECT snapshot FROM panel_caches"))
        try database.sql("UPDATE pnl_usa SET pnl = 1 WHERE alpha_id = 'A2' AND date = '2024-01-04'")
        try load(.refreshed)
        try database.sql("UPDATE panel_caches SET snapshot = '\(old)'")
        try load(.read)
        #expect(reports.all.last?.contains("the database no longer knows it") == true)
        try database.sql("DELETE FROM panel_caches")
        try load(.read)
        try load(.kept)
    }
}
