import ClusterModel
import Testing

@testable import Store

@Suite struct RegionTests {
    @Test("Eight threads that need the same three new regions at once make each exactly once")
    func concurrent() throws {
        let database = try TestDatabase()
        let regions = [usa, chn, try Region("EUR")]
        try onThreads(8) { index in
            for offset in 0..<3 { try database.store.ensureRegion(regions[(index + offset) % 3]) }
        }
        #expect(try database.sql("SELECT region_name FROM regions ORDER BY 1").compactMap { $0[0] } == ["CHN", "EUR", "USA"])
        let tables = try database.value(
            "SELECT count(*) FROM pg_tables WHERE tablename ~ '^(pnl|correlation)_([a-z_]+_)?(usa|chn|eur)(_jobs)?$'")
        #expect(tables == "30")
        let ids = try regions.map { try database.store.ensureRegion($0) }
        #expect(Set(ids).count == 3)
    }

    @Test("A new region has the default settings, and changed ones come back as they were set")
    func settings() throws {
        let database = try TestDatabase()
        let store = database.store
        #expect(try store.regionSettings(usa) == nil)
        try store.ensureRegion(usa)
        #expect(try store.regionSettings(usa) == RegionSettings(convention: .ffillShift, window: .years(4), minOverlap: 60))
        let wanted = RegionSettings(convention: .alphadatabank, window: .days(400), minOverlap: 20)
        let unknown = try #require(gridError { try store.setRegionSettings(chn, wanted) })
        #expect(unknown.kind == .notFound && unknown.message.contains("region CHN is unknown"))
        #expect(try store.regionSettings(chn) == nil)
        try store.setRegionSettings(chn, wanted, creating: true)
        #expect(try store.regionSettings(chn) == wanted)
        #expect(try store.regionSettings(usa) == RegionSettings())
        let error = try #require(gridError { try store.setRegionSettings(usa, RegionSettings(minOverlap: 1)) })
        #expect(error.kind == .usage && error.message.contains("min-overlap 1"))
    }

    @Test("Settings that somebody broke by hand are named")
    func brokenSettings() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        try database.sql("UPDATE regions SET convention = 'levels'")
        let error = try #require(gridError { _ = try database.store.regionSettings(usa) })
        #expect(error.kind == .conflict)
        #expect(error.message.contains("USA") && error.message.contains("'levels'"))
    }

    @Test("Status counts alphas, rows and dates per region")
    func status() throws {
        let database = try TestDatabase()
        let files = try TestFiles()
        let path = try files.file("pnl.csv", smallCSV)
        _ = try database.store.importPnL(path: path, region: usa, unsubmitted: false)
        _ = try database.store.importPnL(
            path: files.file("more.csv", "date,U1\n2024-01-02,1\n"), region: usa, unsubmitted: true)
        try database.store.ensureRegion(chn)
        let status = try database.store.status()
        #expect(status.schemaVersion == Migration.all.count)
        #expect(status.regions.map(\.region) == ["CHN", "USA"])
        let region = try #require(status.regions.last)
        #expect(region.alphas == 3 && region.alphasUnsubmitted == 1)
        #expect(region.pnlRows == 10 && region.pnlRowsUnsubmitted == 1 && !region.pnlRowsEstimated)
        #expect(region.firstDate == "2024-01-02" && region.lastDate == "2024-01-05")
        #expect(region.correlationRows == 0 && region.correlationUpdatedAt == nil)
        #expect(status.regions[0].pnlRows == 0 && status.regions[0].firstDate == nil)
    }

    @Test("SQL in the style of AlphaDataBank's users works")
    func userSQL() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, alpha_type) SELECT 'A' || i, region_id, 'REGULAR'
                FROM regions, generate_series(1, 3) i WHERE region_name = 'USA';
            INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', '2024-01-02', 1.5) ON CONFLICT (alpha_id, date) DO NOTHING;
            INSERT INTO correlation_usa (alpha_id, min_correlation, max_correlation, avg_correlation, median_correlation)
                VALUES ('A1', -0.1, 0.2, 0, 0), ('A2', -0.3, 0.9, 0, 0), ('A3', -0.2, 0.29, 0, 0)
                ON CONFLICT (alpha_id) DO UPDATE SET min_correlation = EXCLUDED.min_correlation
            """)
        let rows = try database.sql(
            "select alpha_id, min_correlation from correlation_usa where max_correlation < 0.3 order by min_correlation")
        #expect(rows == [["A3", "-0.2"], ["A1", "-0.1"]])
    }
}
