import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct PublishListsTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try database.store.ensureRegion(usa)
        try database.sql(
            "INSERT INTO alphas (alpha_id, region_id) SELECT 'A' || a, region_id FROM regions, generate_series(1, 5) a")
    }

    /// Every alpha's neighbour is the next one.
    private func publish(_ job: Int64, digest: String?, r: Double = 0.5, alphas: ClosedRange<Int> = 1...5) throws {
        let publication = Publication(
            region: usa, target: .region, jobID: JobID(job), convention: .ffillShift, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
        let neighbours = alphas.flatMap { alpha in
            CorrelationNeighbour.Kind.allCases.map { kind in
                CorrelationNeighbour(
                    alphaID: "A\(alpha)", kind: kind, rank: 1, neighbourID: "A\(alpha % 5 + 1)", correlation: r, days: nil)
            }
        }
        try store.publishCorrelation(
            alphas.map { CorrelationRow(alphaID: "A\($0)") }, neighbours: PublishedNeighbours(neighbours, digest: digest),
            of: publication, epoch: epoch)
    }

    private func lists() throws -> [String?] {
        try database.sql(
            """
            SELECT concat_ws(' ', alpha_id, kind, rank, neighbour_id, correlation, days, job_id) FROM correlation_neighbours_usa
            ORDER BY 1
            """
        ).map { $0[0] }
    }

    private func expected(_ job: Int, r: Double = 0.5) -> [String] {
        (1...5).flatMap { alpha in
            ["absolute", "least", "most"].map { "A\(alpha) \($0) 1 A\(alpha % 5 + 1) \(r) \(job)" }
        }
    }

    private func places() throws -> [[String?]] {
        try database.sql("SELECT alpha_id, ctid FROM correlation_nearest_usa ORDER BY 1")
    }

    @Test("The lists of alphas whose ids Unicode takes for equal are two lists")
    func equivalentIDs() throws {
        let ids = ["\u{E9}", "e\u{301}"]
        for id in ids { try database.sql("INSERT INTO alphas (alpha_id, region_id) SELECT '\(id)', region_id FROM regions") }
        let neighbours = zip(ids, ids.reversed()).map { id, other in
            CorrelationNeighbour(alphaID: id, kind: .most, rank: 1, neighbourID: other, correlation: 0.5, days: nil)
        }
        try store.publishCorrelation(
            ids.map { CorrelationRow(alphaID: $0) }, neighbours: PublishedNeighbours(neighbours),
            of: Publication(
                region: usa, target: .region, jobID: JobID(5), convention: .ffillShift, window: .years(4), minOverlap: 60,
                windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29")), epoch: epoch)
        let found = try database.sql(
            "SELECT alpha_id, neighbour_id FROM correlation_neighbours_usa ORDER BY octet_length(alpha_id)")
        #expect(found.map { $0.map { Array(($0 ?? "").utf8) } } == [ids, ids.reversed()].map { $0.map { Array($0.utf8) } })
    }

    @Test("Lists that are the same as before are not written again, and are of the new job all the same")
    func same() throws {
        try publish(5, digest: "d")
        #expect(try lists() == expected(5))
        let places = try places()
        try publish(6, digest: "d")
        #expect(try lists() == expected(6))
        #expect(try self.places() == places)
    }

    @Test("Lists that differ, that nobody vouches for, or that a publication without a digest wrote are all written")
    func different() throws {
        try publish(5, digest: "d")
        try publish(6, digest: "e", r: 0.25)
        #expect(try lists() == expected(6, r: 0.25))
        try publish(7, digest: nil, r: 0.75)
        #expect(try lists() == expected(7, r: 0.75))
        try publish(8, digest: "e", r: 0.25)
        #expect(try lists() == expected(8, r: 0.25))
    }

    @Test(
        "Whatever another program does to the lists, the next publication puts them right",
        arguments: [
            "UPDATE correlation_nearest_usa SET most_ids = '{A9}' WHERE alpha_id = 'A2'",
            "UPDATE correlation_nearest_usa SET most_correlations = '{0.5}'",
            "DELETE FROM correlation_nearest_usa WHERE alpha_id = 'A3'",
            "DELETE FROM correlation_nearest_usa", "TRUNCATE correlation_nearest_usa",
            """
            INSERT INTO correlation_nearest_usa
            VALUES ('X', '{A1}', '{1}', '{1}', '{A1}', '{1}', '{1}', '{A1}', '{1}', '{1}')
            """,
            """
            DELETE FROM correlation_nearest_usa WHERE alpha_id = 'A3';
            INSERT INTO correlation_nearest_usa
            VALUES ('A3', '{A1}', '{1}', '{1}', '{A1}', '{1}', '{1}', '{A1}', '{1}', '{1}')
            """, "UPDATE published_lists SET written_by = '3'", "DELETE FROM published_lists",
            // Another transaction, whose rows bear the same number.
            "UPDATE published_lists SET written_by = (written_by::text::bigint + (1::bigint << 32))::text::xid8",
        ])
    func othersWrite(statement: String) throws {
        try publish(5, digest: "d")
        try database.sql(statement)
        try publish(6, digest: "d")
        #expect(try lists() == expected(6))
        try publish(7, digest: "d")
        #expect(try lists() == expected(7))
    }

    @Test("Lists are written again when one of their alphas was gone, or removed and brought back")
    func gone() throws {
        try publish(5, digest: "d")
        _ = try store.remove(alphaIDs: ["A2"], unsubmitted: false)
        try publish(6, digest: "d")
        #expect(try lists().count == 9, "those of A2 are not there, and nobody names it")
        try database.sql("INSERT INTO alphas (alpha_id, region_id) SELECT 'A2', region_id FROM regions")
        try publish(7, digest: "d")
        #expect(try lists() == expected(7))
    }

    @Test("Nothing is taken for written that was rolled back")
    func undone() throws {
        try publish(5, digest: "d")
        try store.setRegionSettings(usa, RegionSettings(convention: .ffillDiff))
        #expect(gridError { try publish(6, digest: "e", r: 0.25) }?.kind == .conflict)
        try store.setRegionSettings(usa, RegionSettings())
        try publish(7, digest: "e", r: 0.25)
        #expect(try lists() == expected(7, r: 0.25))
    }

    @Test("Neighbours of earlier versions, a row for each alpha and kind, are moved and stay as they were")
    func moved() throws {
        try database.sql(
            """
            INSERT INTO correlation_usa (alpha_id, job_id) VALUES ('A1', 3), ('A2', 3);
            INSERT INTO jobs (job_id, kind, region, pool, state, priority, convention, window_spec, min_overlap, precision,
                block_edge, submitted_at, epoch)
                VALUES (5, 'correlation', 'USA', 'p', 'done', 0, '', '', 60, '', 256, now(), 1);
            DROP VIEW correlation_neighbours_usa, correlation_neighbours_usa_jobs;
            DROP TABLE correlation_nearest_usa, correlation_nearest_usa_jobs, published_lists;
            CREATE TABLE correlation_neighbour_lists_usa (
                alpha_id varchar(50) NOT NULL, kind varchar(10) NOT NULL, neighbour_ids text[] NOT NULL,
                correlations double precision[] NOT NULL, days integer[] NOT NULL, job_id bigint,
                PRIMARY KEY (alpha_id, kind));
            INSERT INTO correlation_neighbour_lists_usa VALUES ('A1', 'most', '{A2,A3}', '{0.5,0.25}', '{250,NULL}', 3),
                ('A1', 'least', '{A4}', '{-0.5}', '{9}', 3), ('A2', 'absolute', '{A1}', '{0.5}', '{250}', 3);
            CREATE TABLE correlation_neighbour_lists_usa_jobs AS SELECT * FROM correlation_neighbour_lists_usa;
            UPDATE correlation_neighbour_lists_usa_jobs SET job_id = 5;
            CREATE VIEW correlation_neighbours_usa AS SELECT alpha_id FROM correlation_neighbour_lists_usa;
            ALTER TABLE jobs DROP COLUMN untold;
            ALTER TABLE drain_orders DROP COLUMN incarnation;
            DROP TABLE commit_marks, job_partials, key_revocations;
            DELETE FROM schema_migrations WHERE version >= 13
            """)
        #expect(try store.migrate().first == Migration.all[12].name)
        #expect(
            try lists() == [
                "A1 least 1 A4 -0.5 9 3", "A1 most 1 A2 0.5 250 3", "A1 most 2 A3 0.25 3", "A2 absolute 1 A1 0.5 250 3",
            ])
        #expect(try database.value("SELECT count(*) FROM correlation_neighbours_usa_jobs WHERE job_id = 5") == "4")
        #expect(try database.value("SELECT to_regclass('correlation_neighbour_lists_usa')") == nil)
        try publish(6, digest: "d")
        #expect(try lists() == expected(6))
    }
}
