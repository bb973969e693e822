import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct InjectionTests {
    private static let nasty = [
        "'; DROP TABLE alphas; --", "\"; DROP TABLE alphas; --", "\\'; DROP TABLE alphas; --", "{A,B}", "$1", "NULL", "%s\\x00",
        "a'); DELETE FROM regions; --",
    ]

    @Test("Ids that look like SQL are ids: imported, loaded, pooled, published and removed like any other")
    func ids() throws {
        let database = try TestDatabase()
        let store = database.store
        let files = try TestFiles()
        let rows = Self.nasty.map { "\"\($0.replacing("\"", with: "\"\""))\",2024-01-02,5" }.joined(separator: "\n")
        let path = try files.file("'; DROP TABLE alphas; --.csv", "alpha_id,date,pnl\n\(rows)\n")
        _ = try store.importPnL(path: path, region: usa, unsubmitted: true)
        #expect(try store.promote(alphaIDs: Self.nasty).alphas == Self.nasty.count)
        let expected = Self.nasty.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try database.sql("SELECT alpha_id FROM alphas ORDER BY alpha_id COLLATE \"C\"").compactMap { $0[0] } == expected)
        let metadata = Self.nasty.map { "\"\($0.replacing("\"", with: "\"\""))\",\"\($0.replacing("\"", with: "\"\""))\"" }
        _ = try store.importAlphas(
            path: files.file("m.csv", "alpha_id,code\n\(metadata.joined(separator: "\n"))\n"), region: usa, unsubmitted: false)
        #expect(try database.value("SELECT count(*) FROM alphas WHERE code = alpha_id") == "\(Self.nasty.count)")
        try store.createPool(usa, pool: "p", alphaIDs: Self.nasty)
        let panel = try store.loadPanel(region: usa, pool: "p", blockEdge: 4).panel
        #expect(panel.inputOrder.map { panel.alphaIDs[$0] } == expected)
        #expect(try store.remove(alphaIDs: Self.nasty, unsubmitted: false).pnlRows == Self.nasty.count)
        #expect(try database.value("SELECT subject FROM audit_log WHERE action = 'import'") == path)
    }

    @Test("A small pool picks its alphas out of a large table whatever they are called")
    func picks() throws {
        let database = try TestDatabase()
        let files = try TestFiles()
        let others = (0..<80).map { "X\($0),2024-01-02,1" }
        let rows = Self.nasty.map { "\"\($0.replacing("\"", with: "\"\""))\",2024-01-02,5" } + others
        let path = try files.file("x.csv", "alpha_id,date,pnl\n\(rows.joined(separator: "\n"))\n")
        _ = try database.store.importPnL(path: path, region: usa, unsubmitted: false)
        try database.store.createPool(usa, pool: "p", alphaIDs: Self.nasty)
        let plan = try database.store.pool.read(Action("plan", needs: "")) {
            try PanelPlan(region: usa, pool: "p", table: "pnl_usa", members: Self.nasty, $0)
        }
        #expect(plan.conditions.allSatisfy { $0.hasPrefix("alpha_id = ANY") })
        let panel = try database.store.loadPanel(region: usa, pool: "p", blockEdge: 4).panel
        #expect(panel.alphaCount == Self.nasty.count)
        #expect((0..<panel.alphaCount).allSatisfy { Array(panel.series($0)) == [5] })
    }

    @Test("Pool names from outside never become SQL")
    func pools() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        for name in Self.nasty {
            for call in [
                { _ = try database.store.poolMembers(usa, pool: name) },
                { _ = try database.store.loadPanel(region: usa, pool: name, blockEdge: 4) },
                { try database.store.deletePool(usa, pool: name) },
            ] {
                let error = try #require(gridError(call))
                #expect([.usage, .notFound].contains(error.kind))
            }
        }
        #expect(try database.value("SELECT count(*) FROM regions") == "1")
    }
}
