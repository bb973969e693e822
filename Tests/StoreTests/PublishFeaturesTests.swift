import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct PublishFeaturesTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try database.store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id) SELECT 'A' || a, region_id FROM regions, generate_series(1, 9) a;
            INSERT INTO alphas_unsubmitted (alpha_id, region_id, is_turnover)
                SELECT 'U' || a, region_id, 0.5 FROM regions, generate_series(1, 3) a;
            INSERT INTO jobs (job_id, kind, region, pool, state, priority, convention, window_spec, min_overlap, precision,
                block_edge, submitted_at, epoch)
            SELECT j, 'features', 'USA', 'p', 'done', 0, '', '', 60, '', 256, now(), 1 FROM generate_series(5, 9) j
            """)
    }

    private func publication(
        _ job: Int64, _ target: Publication.Target = .region, convention: Convention = .ffillShift
    ) throws -> Publication {
        Publication(
            region: usa, target: target, jobID: JobID(job), convention: convention, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
    }

    /// Features that are not named are undefined.
    private func row(_ id: String, _ known: [AlphaFeature: Double] = [:]) -> AlphaFeatureRow {
        AlphaFeatureRow(alphaID: id, values: AlphaFeature.allCases.map { known[$0] ?? .nan })
    }

    @Test("Every feature goes into the column of its name, as the number, whole number or date it is; undefined is NULL")
    func columns() throws {
        let values = AlphaFeature.allCases.enumerated().map { place, feature in
            feature.form == .real ? 0.1 + Double(place) : Double(18_262 + place)
        }
        let rows = [AlphaFeatureRow(alphaID: "A1", values: values), row("A2", [.dayCount: 0])]
        let report = try store.publishFeatures(rows, of: publication(5), epoch: epoch)
        #expect(report == PublishReport(table: "alpha_features_usa", rows: 2, alphasGone: 0, rowsDeleted: 0))
        for (feature, value) in zip(AlphaFeature.allCases, values) {
            let found = try database.sql("SELECT \(feature.name) FROM alpha_features_usa ORDER BY alpha_id").map { $0[0] }
            let expected =
                switch feature.form {
                case .real: "\(value)"
                case .integer: "\(Int(value))"
                case .date: Day(rawValue: Int32(value)).description
                }
            #expect(found == [expected, feature == .dayCount ? "0" : nil], "\(feature.name)")
        }
        let about = try database.sql(
            "SELECT convention, window_start, window_end, job_id, last_updated IS NOT NULL FROM alpha_features_usa")
        #expect(about[0] == ["ffill-shift", "2020-01-03", "2023-12-29", "5", "t"])
    }

    @Test(
        "Fitness is Sharpe x sqrt(|returns| / max(turnover, 0.125)), as platforms show it",
        arguments: [
            (2.21, "0.1891", 0.1185, "1.75"), (1.55, "0.0170", 0.0938, "1.34"), (2.74, "0.6631", 0.1787, "1.42"),
            (-2.21, "0.1891", -0.1185, "-1.75"), (2.21, "NULL", 0.1185, nil), (2.21, "'NaN'", 0.1185, nil),
            (2.21, "-0.1", 0.1185, nil),
        ])
    func fitness(sharpe: Double, turnover: String, annualReturn: Double, expected: String?) throws {
        try database.sql("UPDATE alphas SET is_turnover = \(turnover) WHERE alpha_id = 'A1'")
        try store.publishFeatures(
            [row("A1", [.sharpe: sharpe, .annualReturn: annualReturn])], of: publication(5), epoch: epoch)
        #expect(try database.value("SELECT round(fitness::numeric, 2) FROM alpha_features_usa") == expected)
    }

    @Test("The next publication replaces a region's rows; alphas that are gone, and rows of an earlier one, go")
    func replaced() throws {
        let table = "SELECT concat_ws(' ', alpha_id, sharpe, job_id) FROM alpha_features_usa ORDER BY 1"
        func texts() throws -> [String] { try database.sql(table).compactMap { $0[0] } }
        let first = [row("A2", [.sharpe: 0.1 + 0.2]), row("A1"), row("gone")]
        let report = try store.publishFeatures(first, of: publication(5), epoch: epoch)
        #expect(report == PublishReport(table: "alpha_features_usa", rows: 2, alphasGone: 1, rowsDeleted: 0))
        #expect(try texts() == ["A1 5", "A2 0.30000000000000004 5"])
        let second = try store.publishFeatures([row("A2", [.sharpe: -1])], of: publication(6), epoch: epoch)
        #expect(second.rowsDeleted == 1)
        #expect(try texts() == ["A2 -1 6"])

        try store.setRegionSettings(usa, RegionSettings(convention: .ffillDiff))
        let changed = try #require(gridError { try store.publishFeatures(first, of: publication(7), epoch: epoch) })
        #expect(changed.kind == .conflict && changed.message.contains("ffill-diff"))
        // What correlations take is no rule for one alpha's own returns.
        try store.publishFeatures(first, of: publication(7, convention: .ffillDiff), epoch: epoch)
        #expect(try database.value("SELECT DISTINCT convention FROM alpha_features_usa") == "ffill-shift")
        _ = try store.takeEpoch(holder: "successor")
        let old = try #require(gridError { try store.publishFeatures(first, of: publication(8, .job), epoch: epoch) })
        #expect(old.kind == .conflict && old.message.contains("another coordinator"))
        #expect(try texts() == ["A1 7", "A2 0.30000000000000004 7"])
    }

    @Test("A job with other parameters has rows of its own, of any pool, and they go with the job or the alpha")
    func jobs() throws {
        var view = JobView(
            jobID: JobID(8), kind: "features", region: "USA", pool: PoolName.unsubmitted, state: .done, priority: 0,
            convention: "daily-pnl", window: "all", minOverlap: 60, precision: "float64", blockEdge: 256,
            submittedAt: "2024-01-01T00:00:00.000Z")
        view.digest = "d"
        let rows = [row("U1", [.sharpe: 2, .annualReturn: 0.5]), row("U2"), row("nobody")]
        let of = try publication(8, .job, convention: .dailyPnL)
        let report = try store.publishFeatures(rows, of: of, epoch: epoch, saving: view)
        #expect(report == PublishReport(table: "alpha_features_usa_jobs", rows: 3, alphasGone: 0, rowsDeleted: 0))
        #expect(try store.job(JobID(8)).digest == "d")
        let table = "SELECT concat_ws(' ', job_id, alpha_id, fitness, convention) FROM alpha_features_usa_jobs ORDER BY 1"
        func texts() throws -> [String] { try database.sql(table).compactMap { $0[0] } }
        #expect(try texts() == ["8 U1 2 daily-pnl", "8 U2 daily-pnl", "8 nobody daily-pnl"])
        try store.publishFeatures([row("A1")], of: publication(9, .job), epoch: epoch)
        _ = try store.remove(alphaIDs: ["U1"], unsubmitted: true)
        #expect(try texts() == ["8 U2 daily-pnl", "8 nobody daily-pnl", "9 A1 ffill-shift"])
        try database.sql("DELETE FROM jobs WHERE job_id = 8")
        #expect(try texts() == ["9 A1 ffill-shift"])
        #expect(try database.value("SELECT count(*) FROM alpha_features_usa") == "0")
    }

    @Test("Features of a removed alpha go with it, and those of a removed region with its tables")
    func removed() throws {
        try store.publishFeatures([row("A1"), row("A2")], of: publication(5), epoch: epoch)
        _ = try store.remove(alphaIDs: ["A1"], unsubmitted: false)
        #expect(try database.sql("SELECT alpha_id FROM alpha_features_usa") == [["A2"]])
        try store.removeRegion(usa, force: true)
        #expect(try database.value("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'alpha_features%'") == "0")
    }

    @Test("A region of a database from before features gets their tables when the schema is brought up to date")
    func upgraded() throws {
        try database.sql("DROP TABLE alpha_features_usa, alpha_features_usa_jobs CASCADE")
        try store.migrate()
        #expect(try database.value("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'alpha_features_usa%'") == "2")
        try database.sql("ALTER TABLE alpha_features_usa DROP COLUMN hurst CASCADE")
        try store.publishFeatures([row("A1", [.hurst: 0.5])], of: publication(5), epoch: epoch)
        #expect(try database.value("SELECT hurst FROM alpha_features_usa") == "0.5")
    }
}
