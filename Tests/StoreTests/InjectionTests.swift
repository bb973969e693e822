import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct InjectionTests {
    private static let nasty = [
        "'; DROP TABLE alphas; --", "\"; DROP TABLE alphas; --", "\\'; DROP TABLE alphas; --", "{A,B}", "$1", "NULL", "%s\\x00",
        "a'); DELETE FROM regions; --",
        // With a combining accent a quote is another character to Swift, and still a quote to PostgreSQL.
        "q'\u{301}}')); DROP TABLE alphas; --", "\"\u{301}; DROP TABLE alphas; --", "b\\\u{301}'\u{301}; DROP TABLE alphas",
    ]

    /// As a field of CSV.
    private static func csv(_ text: String) -> String {
        var writer = CSVWriter()
        writer.field(text)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("Ids that look like SQL are ids: imported, loaded, pooled, published and removed like any other")
    func ids() throws {
        let database = try TestDatabase()
        let store = database.store
        let files = try TestFiles()
        let rows = Self.nasty.map { "\(Self.csv($0)),2024-01-02,5" }.joined(separator: "\n")
        let path = try files.file("'; DROP TABLE alphas; --.csv", "alpha_id,date,pnl\n\(rows)\n")
        _ = try store.importPnL(path: path, region: usa, unsubmitted: true)
        #expect(try store.promote(alphaIDs: Self.nasty).alphas == Self.nasty.count)
        let expected = Self.nasty.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try database.sql("SELECT alpha_id FROM alphas ORDER BY alpha_id COLLATE \"C\"").compactMap { $0[0] } == expected)
        let metadata = Self.nasty.map { "\(Self.csv($0)),\(Self.csv($0))" }
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
        let rows = Self.nasty.map { "\(Self.csv($0)),2024-01-02,5" } + others
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

    @Test("Quotes and backslashes are doubled whatever accent stands on them")
    func accents() throws {
        let database = try TestDatabase()
        for text in Self.nasty + ["'\u{301}", "\\\u{301}'", "''\u{301}\u{302}'", "\r\n'", "\u{1F468}\u{200D}'"] {
            #expect(try database.value("SELECT \(quoted(literal: text))") == text)
            #expect(try database.value("SELECT 1 AS \(quoted(identifier: text))") == "1")
        }
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

    @Test("Alphas of JSON and the columns of CSV: every text is stored as it is, and a header that is no column is refused")
    func metadata() throws {
        let database = try TestDatabase()
        let files = try TestFiles()
        let objects = Self.nasty.map { ["alpha_id": $0, "region": "USA", "code": $0, "description": $0] }
        let json = String(decoding: try JSONSerialization.data(withJSONObject: objects), as: UTF8.self)
        _ = try database.store.importAlphas(path: files.file("m.json", json), region: nil, unsubmitted: false)
        let kept = "SELECT count(*) FROM alphas WHERE code = alpha_id AND description = alpha_id"
        #expect(try database.value(kept) == "\(Self.nasty.count)")
        for name in Self.nasty + ["alpha_id\"; DROP TABLE alphas; --", "code = code, is_sharpe"] {
            let header = "alpha_id,\(Self.csv(name))\nA1,1\n"
            let error = gridError {
                _ = try database.store.importAlphas(path: files.file("h.csv", header), region: usa, unsubmitted: false)
            }
            #expect(error?.kind == .usage, "\(name)")
        }
        #expect(try database.value("SELECT count(*) FROM alphas") == "\(Self.nasty.count)")
    }

    @Test("A region that looks like SQL or like a path is refused, in the column of a file as everywhere")
    func regions() throws {
        let database = try TestDatabase()
        let files = try TestFiles()
        // NULL could be a market.
        for name in Self.nasty.filter({ $0 != "NULL" }) + [
            "../../etc", "USA/..", "usa", "USA\u{0}", "USA ", "U\u{0421}A", "pg_class",
        ] {
            #expect(throws: GridError.self) { try Region(name) }
            let objects = [["alpha_id": "A1", "region": name]]
            let json = String(decoding: try JSONSerialization.data(withJSONObject: objects), as: UTF8.self)
            let error = gridError {
                _ = try database.store.importAlphas(path: files.file("m.json", json), region: nil, unsubmitted: false)
            }
            #expect(error?.kind == .usage, "\(name)")
        }
        #expect(try database.value("SELECT count(*) FROM regions") == "0")
        #expect(try database.value("SELECT count(*) FROM alphas") == "0")
    }

    @Test("Results are looked for by whatever alpha and method somebody names, and nothing else happens")
    func results() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        for name in Self.nasty {
            for result in RegionResult.allCases {
                var request = ResultRequest(result)
                request.alphaID = name
                if [.clusters, .clusterMethods, .clusterFeatures].contains(result) { request.method = name }
                let error = gridError {
                    let page = try database.store.results(request, region: usa)
                    #expect(page.rows.isEmpty)
                }
                // Some results have no such column, and say so; nobody has such an alpha.
                #expect(error?.kind == .notFound || error?.kind == .usage, "\(name): \(error?.message ?? "")")
            }
        }
        #expect(try database.value("SELECT count(*) FROM regions") == "1")
    }

    @Test("A text that ends early for PostgreSQL is the caller's mistake, and is never cut")
    func zeroByte() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        for call in [
            { _ = try database.store.poolMembers(usa, pool: "submitted\u{0}x") },
            { _ = try database.store.remove(alphaIDs: ["A1\u{0}"], unsubmitted: false) },
            {
                var request = ResultRequest(.clusters, limit: 1, offset: 0)
                request.method = "umap\u{0}"
                _ = try database.store.results(request, region: usa)
            },
        ] {
            #expect([.usage, .notFound].contains(gridError(call)?.kind))
        }
    }
}
