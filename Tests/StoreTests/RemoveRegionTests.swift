import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct RemoveRegionTests {
    private let database: TestDatabase
    private let files: TestFiles
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
    }

    private func tables(_ suffix: String) throws -> String? {
        try database.value("SELECT count(*) FROM pg_tables WHERE tablename ~ '_\(suffix)(_jobs)?$'")
    }

    @Test("An empty region goes without a trace, and another region stays as it is")
    func empty() throws {
        _ = try store.importPnL(path: files.file("s.csv", smallCSV), region: usa, unsubmitted: false)
        try store.ensureRegion(chn)
        #expect(try store.status().regions.map(\.isEmpty) == [true, false])
        #expect(try store.removeRegion(chn) == AlphaChangeReport(alphas: 0, pnlRows: 0))
        #expect(try tables("chn") == "0")
        #expect(try store.status().regions.map(\.region) == ["USA"])
        #expect(try store.loadPanel(region: usa, blockEdge: 4).panel.alphaCount == 3)
        let again = try #require(gridError { try store.removeRegion(chn) })
        #expect(again.kind == .notFound && again.message.contains("region CHN is unknown"))
        // It may come back.
        try store.ensureRegion(chn)
    }

    @Test("A region that holds alphas goes only by force, with its alphas, PnL and pools", arguments: [false, true])
    func force(unsubmitted: Bool) throws {
        _ = try store.importPnL(path: files.file("s.csv", smallCSV), region: usa, unsubmitted: unsubmitted)
        if !unsubmitted { try store.createPool(usa, pool: "p", alphaIDs: ["A1"]) }
        let error = try #require(gridError { try store.removeRegion(usa) })
        #expect(error.kind == .conflict)
        #expect(error.message.contains("holds 3 \(unsubmitted ? "unsubmitted" : "submitted") alphas"))
        #expect(try store.status().regions.count == 1)
        #expect(try store.removeRegion(usa, force: true) == AlphaChangeReport(alphas: 3, pnlRows: 10))
        for table in ["regions", "alphas", "alphas_unsubmitted", "pools", "pool_members", "panel_caches"] {
            #expect(try database.value("SELECT count(*) FROM \(table)") == "0", "\(table)")
        }
        #expect(try tables("usa") == "0")
    }

    @Test("A region with an unfinished job stays")
    func job() throws {
        try store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO jobs (job_id, kind, region, pool, state, priority, convention, window_spec, min_overlap, precision,
                block_edge, submitted_at, epoch)
            VALUES (3, 'correlation', 'USA', 'submitted', 'running', 0, '', '', 60, '', 256, now(), 1)
            """)
        let error = try #require(gridError { try store.removeRegion(usa, force: true) })
        #expect(error.kind == .conflict && error.message.contains("job 3 is unfinished"))
        try database.sql("UPDATE jobs SET state = 'done'")
        try store.removeRegion(usa)
    }

    @Test("An import that adds no alpha keeps nobody from making a region; one that holds table alphas is named")
    func locks() throws {
        let path = try files.file("s.csv", smallCSV)
        _ = try store.importPnL(path: path, region: usa, unsubmitted: false)
        let store = store
        let table = try PnLReader.read(path: path)
        // Stops an import of known alphas in its middle, while others make a region.
        let blocker = try Connection.open(DatabaseURL(database.url))
        try blocker.execute("BEGIN; LOCK TABLE pnl_usa IN SHARE MODE")
        try onThreads(2) { index in
            if index == 0 {
                _ = try store.importPnL(table, file: path, region: usa, unsubmitted: false)
            } else {
                var isWaiting = false
                while !isWaiting {
                    usleep(10_000)
                    isWaiting = try blocker.execute(
                        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'pnl_usa'::regclass)"
                    ).boolean(0, 0)
                }
                try store.ensureRegion(chn)
                try blocker.execute("COMMIT")
            }
        }
        #expect(try tables("chn") == String(RegionTables(chn).all.count))
        let action = Action("make the tables of region EUR", needs: "", whenLocked: "they refer to table alphas: try again")
        try blocker.execute("BEGIN; LOCK TABLE alphas IN ROW EXCLUSIVE MODE")
        let error = try #require(
            gridError {
                _ = try store.pool.write(action) { connection in
                    try connection.execute("SET LOCAL lock_timeout = 50; CREATE TABLE x (a varchar(50) REFERENCES alphas)")
                }
            })
        #expect(error == GridError(.conflict, "cannot make the tables of region EUR: they refer to table alphas: try again"))
    }
}
