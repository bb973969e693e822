import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct PublishRelationsTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try database.store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id) SELECT 'A' || a, region_id FROM regions, generate_series(1, 5) a;
            INSERT INTO alphas_unsubmitted (alpha_id, region_id) SELECT 'U' || a, region_id FROM regions, generate_series(1, 3) a;
            INSERT INTO jobs (job_id, kind, region, pool, state, priority, convention, window_spec, min_overlap, precision,
                block_edge, submitted_at, epoch)
            SELECT j, 'correlation', 'USA', 'p', 'done', 0, '', '', 60, '', 256, now(), 1 FROM generate_series(5, 9) j
            """)
    }

    private func publication(_ job: Int64, _ target: Publication.Target = .region) throws -> Publication {
        Publication(
            region: usa, target: target, jobID: JobID(job), convention: .ffillShift, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
    }

    private let rows = (1...5).map { CorrelationRow(alphaID: "A\($0)") }

    private func neighbour(_ a: String, _ b: String, _ rank: Int = 1) -> CorrelationNeighbour {
        CorrelationNeighbour(alphaID: a, kind: .absolute, rank: rank, neighbourID: b, correlation: 0.1 + 0.2, days: 250)
    }

    private func texts(_ sql: String) throws -> [String] { try database.sql(sql).compactMap { $0[0] } }
    private static let neighbourRows = """
        SELECT concat_ws(' ', alpha_id, kind, rank, neighbour_id, correlation, days, job_id) FROM correlation_neighbours_usa
        ORDER BY 1
        """
    private static let edgeRows = """
        SELECT concat_ws(' ', alpha_id_a, alpha_id_b, correlation, days, job_id) FROM correlation_edges_usa ORDER BY 1
        """

    @Test("Neighbours and edges come with the rows, bit for bit, and the next publication replaces them all")
    func replaced() throws {
        try store.publishCorrelation(
            rows, neighbours: PublishedNeighbours([neighbour("A1", "A2"), neighbour("A1", "A3", 2)]),
            edges: [CorrelationEdge(alphaIDA: "A1", alphaIDB: "A2", correlation: -0.75)], of: publication(5), epoch: epoch)
        #expect(
            try texts(Self.neighbourRows) == [
                "A1 absolute 1 A2 0.30000000000000004 250 5", "A1 absolute 2 A3 0.30000000000000004 250 5",
            ])
        #expect(try texts(Self.edgeRows) == ["A1 A2 -0.75 5"])
        let many = (0..<5).lazy.map { i in self.neighbour("A\(i + 1)", "A\((i + 1) % 5 + 1)") }
        try store.publishCorrelation(rows, neighbours: PublishedNeighbours(many), of: publication(6), epoch: epoch)
        #expect(try texts(Self.neighbourRows).count == 5)
        #expect(try texts(Self.edgeRows) == [])
        try store.publishCorrelation(rows, of: publication(7), epoch: epoch)
        #expect(try texts(Self.neighbourRows) == [])
    }

    @Test("Pairs of an alpha that is gone are left out, and removing one takes its pairs along")
    func gone() throws {
        try store.publishCorrelation(
            rows + [CorrelationRow(alphaID: "gone")],
            neighbours: PublishedNeighbours([
                neighbour("A1", "A2"), neighbour("A2", "A1"), neighbour("gone", "A1"), neighbour("A3", "gone"),
            ]),
            edges: [
                CorrelationEdge(alphaIDA: "A1", alphaIDB: "A2", correlation: 1, days: 9),
                CorrelationEdge(alphaIDA: "A2", alphaIDB: "A3", correlation: 1, days: 9),
                CorrelationEdge(alphaIDA: "A3", alphaIDB: "gone", correlation: 1, days: 9),
            ], of: publication(5), epoch: epoch)
        #expect(try texts("SELECT alpha_id || neighbour_id FROM correlation_neighbours_usa ORDER BY 1") == ["A1A2", "A2A1"])
        #expect(try texts(Self.edgeRows) == ["A1 A2 1 9 5", "A2 A3 1 9 5"])
        _ = try store.remove(alphaIDs: ["A1"], unsubmitted: false)
        #expect(try texts(Self.neighbourRows) == [])
        #expect(try texts(Self.edgeRows) == ["A2 A3 1 9 5"])
    }

    @Test("A job with other parameters has neighbours and edges of its own, and leaves the region's alone")
    func jobs() throws {
        try store.publishCorrelation(
            rows, neighbours: PublishedNeighbours([neighbour("A1", "A2")]), of: publication(5), epoch: epoch)
        for job in [8, 9, 8] as [Int64] {
            try store.publishCorrelation(
                rows, neighbours: PublishedNeighbours([neighbour("U1", "U2")]),
                edges: [CorrelationEdge(alphaIDA: "U1", alphaIDB: "U2", correlation: 1)],
                of: publication(job, .job), epoch: epoch)
        }
        #expect(try texts("SELECT job_id || alpha_id FROM correlation_neighbours_usa_jobs ORDER BY 1") == ["8U1", "9U1"])
        #expect(try texts("SELECT job_id || alpha_id_b FROM correlation_edges_usa_jobs ORDER BY 1") == ["8U2", "9U2"])
        #expect(try texts(Self.neighbourRows).count == 1)
    }

    @Test("An older coordinator publishes no pairs either")
    func epochs() throws {
        try store.publishCorrelation(
            rows, neighbours: PublishedNeighbours([neighbour("A1", "A2")]), of: publication(5), epoch: epoch)
        _ = try store.takeEpoch(holder: "successor")
        let error = try #require(
            gridError { try store.publishCorrelation(rows, neighbours: nil, of: publication(6), epoch: epoch) })
        #expect(error.kind == .conflict)
        #expect(try texts(Self.neighbourRows).count == 1)
    }

    @Test("Cross correlations replace the region's rows; alphas that are gone, and rows of an earlier job, go")
    func cross() throws {
        let table = """
            SELECT concat_ws(' ', alpha_id, max_correlation_with_submitted, best_correlated_submitted_alpha, job_id)
            FROM correlation_unsubmitted_usa ORDER BY 1
            """
        let first = [
            CrossCorrelationRow(alphaID: "U2", maxCorrelation: 0.1 + 0.2, bestAlphaID: "A1"), CrossCorrelationRow(alphaID: "U1"),
            CrossCorrelationRow(alphaID: "gone", maxCorrelation: 0.5, bestAlphaID: "A1"),
        ]
        let report = try store.publishCrossCorrelation(first, of: publication(5), epoch: epoch)
        #expect(report == PublishReport(table: "correlation_unsubmitted_usa", rows: 2, alphasGone: 1, rowsDeleted: 0))
        #expect(try texts(table) == ["U1 5", "U2 0.30000000000000004 A1 5"])
        let isRecent = "SELECT bool_and(last_updated > now() - interval '1 h') FROM correlation_unsubmitted_usa"
        #expect(try database.value(isRecent) == "t")
        let second = try store.publishCrossCorrelation(
            [CrossCorrelationRow(alphaID: "U2", maxCorrelation: -1, bestAlphaID: "A4")], of: publication(6), epoch: epoch)
        #expect(second.rowsDeleted == 1)
        #expect(try texts(table) == ["U2 -1 A4 6"])
        try store.publishCrossCorrelation(first, of: publication(8, .job), epoch: epoch)
        let ofJobs = "SELECT job_id || alpha_id FROM correlation_unsubmitted_usa_jobs ORDER BY 1"
        #expect(try texts(ofJobs) == ["8U1", "8U2", "8gone"])
        #expect(try texts(table) == ["U2 -1 A4 6"])
        try store.setRegionSettings(usa, RegionSettings(convention: .ffillDiff))
        let changed = try #require(gridError { try store.publishCrossCorrelation(first, of: publication(9), epoch: epoch) })
        #expect(changed.kind == .conflict && changed.message.contains("ffill-diff"))
        _ = try store.takeEpoch(holder: "successor")
        let old = try #require(gridError { try store.publishCrossCorrelation(first, of: publication(8, .job), epoch: epoch) })
        #expect(old.kind == .conflict && old.message.contains("another coordinator"))
    }
}
