import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct PanelCacheTests {
    private let database: TestDatabase
    private let files: TestFiles
    private let reports = Reports()
    private var store: Store { database.store }
    private var folder: String { files.directory.path + "/state/panels" }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
        _ = try store.importPnL(path: files.file("s.csv", smallCSV), region: usa, unsubmitted: false)
    }

    private func load(
        pool: String = "submitted", blockEdge: Int = 4, bytesMax: Int = Limits.panelCacheBytesDefault
    ) throws -> LoadedPanel {
        let cache = PanelCache(directory: folder, bytesMax: bytesMax) { [reports] in reports.add($0) }
        defer { cache.waitForWrites() }
        return try store.loadPanel(region: usa, pool: pool, blockEdge: blockEdge, cache: cache)
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    private func age(_ name: String, _ seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: folder + "/" + name)
    }

    private func path(_ suffix: String) throws -> String {
        try folder + "/" + #require(try names().first { $0.hasSuffix(suffix) })
    }

    @Test("A panel and its entry are the only files, named after the region, for their owner alone")
    func twoFiles() throws {
        _ = try load()
        let found = try names()
        #expect(found.count == 2 && found.allSatisfy { $0.hasPrefix("panel-usa-") })
        #expect(found[0].hasSuffix(".entry") && found[1].hasSuffix(".panel"))
        #expect(found[0].dropLast(6) == found[1].dropLast(6))
        let rights = try FileManager.default.attributesOfItem(atPath: folder)[.posixPermissions] as? NSNumber
        #expect(rights?.intValue == 0o700)
        // Another edge, pool or database is another panel.
        _ = try load(blockEdge: 2)
        #expect(try names().count == 4)
        let other = try TestDatabase()
        _ = try other.store.importPnL(path: files.file("o.csv", smallCSV), region: usa, unsubmitted: false)
        let cache = PanelCache(directory: folder)
        #expect(try other.store.loadPanel(region: usa, blockEdge: 4, cache: cache).origin == .read)
        cache.waitForWrites()
        #expect(try names().count == 6)
        #expect(try load().origin == .kept)
        #expect(reports.all == [])
    }

    @Test("A damaged, cut or foreign file is told and made anew", arguments: [".entry", ".panel"])
    func damaged(suffix: String) throws {
        let expected = try load().panel.contentHash
        let good = try Data(contentsOf: URL(fileURLWithPath: try path(suffix)))
        var flipped = good
        flipped[good.count / 2] ^= 4
        for bad in [flipped, good.prefix(good.count - 1), Data("something else\n".utf8), Data()] {
            try bad.write(to: URL(fileURLWithPath: try path(suffix)))
            let before = reports.all.count
            let loaded = try load()
            #expect(loaded.origin == .read && loaded.panel.contentHash == expected)
            #expect(reports.all.count == before + 1 && reports.all.last?.contains("a kept panel is not used") == true)
            #expect(try load().origin == .kept)
        }
    }

    @Test("A panel of another moment beside an entry is not taken for the entry's")
    func mixture() throws {
        _ = try load()
        let old = try Data(contentsOf: URL(fileURLWithPath: try path(".panel")))
        try database.sql("UPDATE pnl_usa SET pnl = 55 WHERE alpha_id = 'A1' AND date = '2024-01-05'")
        _ = try load()
        try old.write(to: URL(fileURLWithPath: try path(".panel")))
        let loaded = try load()
        #expect(loaded.origin == .read && reports.all.last?.contains("is not the one its entry names") == true)
        #expect(loaded.panel.series(try #require(loaded.panel.alpha(withID: "A1"))).last == 55)
        try FileManager.default.removeItem(atPath: try path(".panel"))
        #expect(try load().origin == .read)
        #expect(try load().origin == .kept)
    }

    @Test("Files beyond the bound go, those not used for longest first, and so does what a killed process left")
    func bound() throws {
        for edge in [2, 3] { _ = try load(blockEdge: edge) }
        let size = try names().reduce(0) {
            $0 + (try FileManager.default.attributesOfItem(atPath: folder + "/" + $1)[.size] as? NSNumber ?? 0).intValue
        }
        let halves = try names()
        for name in halves {
            try age(name, 500)
        }
        // Edge 2 is used again, so edge 3 is the one to go.
        #expect(try load(blockEdge: 2).origin == .kept)
        for (name, seconds) in [("panel-usa-x.panel.1-0.partial", 7_200.0), ("panel-usa-y.panel.1-0.partial", 10)] {
            try Data([1]).write(to: URL(fileURLWithPath: folder + "/" + name))
            try age(name, seconds)
        }
        _ = try load(blockEdge: 4, bytesMax: size + size / 4)
        #expect(try names().filter { $0.hasSuffix(".partial") } == ["panel-usa-y.panel.1-0.partial"])
        #expect(try names().count == 5)
        #expect(try load(blockEdge: 2).origin == .kept)
        #expect(try load(blockEdge: 4).origin == .kept)
        #expect(try load(blockEdge: 3).origin == .read)
    }

    @Test("A panel larger than the bound, or a folder that cannot be, is told; the load goes on")
    func impossible() throws {
        #expect(try load(bytesMax: 10).origin == .read)
        #expect(reports.all.last?.contains("more than the 10 of the folder") == true)
        let cache = PanelCache(directory: try files.file("plain", "x") + "/sub") { [reports] in reports.add($0) }
        #expect(try store.loadPanel(region: usa, blockEdge: 4, cache: cache).panel.alphaCount == 3)
        cache.waitForWrites()
        #expect(reports.all.last?.contains("cannot make folder") == true)
    }
}
