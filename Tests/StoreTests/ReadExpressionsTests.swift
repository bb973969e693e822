import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct ReadExpressionsTests {
    private let database: TestDatabase
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        try database.store.ensureRegion(usa)
        try database.store.ensureRegion(chn)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, alpha_type, code)
                SELECT id, region_id, type, code FROM regions, (VALUES ('b', 'REGULAR', 'rank(close)'), ('B', 'REGULAR', NULL),
                    ('a', NULL, E' \\n\\t'), ('S', 'SUPER', NULL), ('T', 'SUPER', 'stats = 1; ''x''')) v (id, type, code)
                WHERE region_name = 'USA';
            INSERT INTO alphas (alpha_id, region_id, code) SELECT 'C', region_id, 'open' FROM regions WHERE region_name = 'CHN';
            INSERT INTO alphas_unsubmitted (alpha_id, region_id, code)
                SELECT 'U', region_id, 'low' FROM regions WHERE region_name = 'USA'
            """)
    }

    private func codes(_ region: Region, _ pool: String) throws -> [AlphaCode] {
        var found: [AlphaCode] = []
        try store.visitCodes(region, pool: pool) { found.append($0) }
        return found
    }

    @Test("Formulas come by pool in bytewise order, blank ones as none, and SUPER alphas are known as such")
    func pools() throws {
        #expect(
            try codes(usa, "submitted") == [
                AlphaCode(alphaID: "B", code: nil), AlphaCode(alphaID: "S", isSuper: true, code: nil),
                AlphaCode(alphaID: "T", isSuper: true, code: "stats = 1; 'x'"), AlphaCode(alphaID: "a", code: nil),
                AlphaCode(alphaID: "b", code: "rank(close)"),
            ])
        #expect(try codes(usa, "unsubmitted") == [AlphaCode(alphaID: "U", code: "low")])
        #expect(try codes(usa, "super").map(\.alphaID) == ["S", "T"])
        #expect(try codes(chn, "submitted").map(\.alphaID) == ["C"])
        try store.createPool(usa, pool: "own", alphaIDs: ["b", "S"])
        #expect(try codes(usa, "own").map(\.alphaID) == ["S", "b"])
        for (region, pool) in [(try Region("EUR"), "submitted"), (usa, "nope")] {
            #expect(gridError { _ = try codes(region, pool) }?.kind == .notFound)
        }
    }

    @Test("More formulas than one statement reads come all, once and in order")
    func many() throws {
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, code) SELECT 'M' || to_char(i, 'FM0000'), region_id, 'rank(' || i || ')'
                FROM regions, generate_series(1, 601) i WHERE region_name = 'CHN'
            """)
        let found = try codes(chn, "submitted")
        let numbered = (1...601).map { number in "M\(String(10_000 + number).dropFirst())" }
        #expect(found.map(\.alphaID) == ["C"] + numbered)
        #expect(found.last?.code == "rank(601)")
    }

    /// Publishes `absolute` neighbours: alpha, neighbour, r.
    private func publish(_ neighbours: [(String, String, Double)], job: Int64 = 5) throws {
        let epoch = try store.takeEpoch(holder: "test")
        let publication = Publication(
            region: usa, target: .region, jobID: JobID(job), convention: .ffillShift, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
        var ranks = ByAlphaID<Int>()
        let rows = neighbours.map { a, b, r in
            ranks[a, default: 0] += 1
            return CorrelationNeighbour(
                alphaID: a, kind: .absolute, rank: ranks[a, default: 1], neighbourID: b, correlation: r, days: 250)
        }
        let other = CorrelationNeighbour(alphaID: "a", kind: .most, rank: 1, neighbourID: "T", correlation: 1, days: 250)
        let all = (rows + [other]).sorted {
            $0.alphaID.utf8.elementsEqual($1.alphaID.utf8)
                ? $0.rank < $1.rank : $0.alphaID.utf8.lexicographicallyPrecedes($1.alphaID.utf8)
        }
        try store.publishCorrelation(
            ["B", "S", "T", "a", "b"].map { CorrelationRow(alphaID: $0) }, neighbours: PublishedNeighbours(all),
            of: publication, epoch: epoch)
    }

    @Test("Close pairs are those above the threshold by |r|, with the job that found them")
    func close() throws {
        #expect(try store.closePairs(usa, above: 0.5) == nil)
        try publish([
            ("B", "b", -0.995), ("B", "S", 0.99), ("S", "B", 0.99), ("S", "b", 0.1), ("a", "S", 0.9), ("a", "b", 0.2),
        ])
        let found = try #require(try store.closePairs(usa, above: 0.99))
        #expect(found.jobID == JobID(5) && found.alphasCutShort == [])
        #expect(found.pairs == [ClosePairs.Pair(alphaID: "B", neighbourID: "b", correlation: -0.995)])
        #expect(try store.closePairs(usa, above: 0.98)?.pairs.count == 3)
        // With three lists of two, an alpha that is close to both may be close to a third.
        try publish(
            [
                ("B", "b", -0.995), ("B", "S", 0.99), ("S", "B", 0.99), ("S", "b", 0.1), ("a", "S", 0.9), ("a", "b", 0.2),
                ("b", "B", -0.995), ("b", "T", 0.991),
            ], job: 6)
        let more = try #require(try store.closePairs(usa, above: 0.98))
        #expect(more.jobID == JobID(6) && more.alphasCutShort == ["B", "b"])
        #expect(try store.closePairs(usa, above: 0.99)?.alphasCutShort == ["b"])
        #expect(try #require(try store.closePairs(usa, above: 0.999)).pairs.isEmpty)
        #expect(gridError { _ = try store.closePairs(try Region("EUR"), above: 0.5) }?.kind == .notFound)
    }

    @Test("Neighbours of alphas whose ids Unicode takes for equal are counted for each")
    func equivalentIDs() throws {
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        for id in [composed, decomposed] {
            try database.sql(
                "INSERT INTO alphas (alpha_id, region_id) SELECT '\(id)', region_id FROM regions WHERE region_name = 'USA'")
        }
        try publish([
            ("B", "S", 0.9), ("B", "T", 0.9), (decomposed, "B", 0.9), (decomposed, "S", 0.1), (composed, "B", 0.9),
            (composed, "S", 0.1), ("a", "B", 0.1),
        ])
        #expect(try store.closePairs(usa, above: 0.5)?.alphasCutShort == ["B"])
    }

    @Test("Lists that hold every other alpha are never cut short")
    func whole() throws {
        try publish([("B", "b", 1), ("B", "a", 1), ("a", "b", 1), ("a", "B", 1), ("b", "a", 1), ("b", "B", 1)])
        let found = try #require(try store.closePairs(usa, above: 0.5))
        #expect(found.pairs.count == 6 && found.alphasCutShort == [])
    }
}
