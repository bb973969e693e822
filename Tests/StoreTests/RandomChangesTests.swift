import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

/// SplitMix64, so that a failing case comes back.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct RandomChangesTests {
    @Test("After whatever sequence of changes, a kept panel brought up to date is the one read whole", arguments: 1...3)
    func sequence(seed: Int) throws {
        let run = try Run(seed: seed)
        for step in 0..<30 {
            let story = try run.change()
            for pool in ["submitted", "p"] { try run.compare(pool: pool, "seed \(seed), step \(step): \(story)") }
        }
        // The steps must have led through every way a panel can come about.
        #expect(Set(run.origins) == [.read, .refreshed, .kept])
    }

    private final class Run {
        private let database: TestDatabase
        private let files: TestFiles
        private var random: SeededGenerator
        private var cache: PanelCache
        private var pending: Connection?
        private var counter = 0
        private(set) var origins: [LoadedPanel.Origin] = []

        init(seed: Int) throws {
            database = try TestDatabase()
            files = try TestFiles()
            random = SeededGenerator(state: UInt64(seed))
            cache = PanelCache(directory: files.directory.path + "/panels")
            try database.store.ensureRegion(usa)
            try database.sql(
                """
                INSERT INTO alphas (alpha_id, region_id) SELECT 'A' || a, region_id FROM regions, generate_series(1, 14) a;
                INSERT INTO alphas_unsubmitted (alpha_id, region_id)
                    SELECT 'U' || a, region_id FROM regions, generate_series(1, 9) a;
                INSERT INTO pnl_usa (alpha_id, date, pnl) SELECT 'A' || a, date '2024-01-01' + d, random()
                    FROM generate_series(1, 13) a, generate_series(1, 12) d WHERE (a * d) % 5 <> 0;
                INSERT INTO pnl_unsubmitted_usa (alpha_id, date, pnl) SELECT 'U' || a, date '2024-01-01' + d, random()
                    FROM generate_series(1, 9) a, generate_series(1, 12) d WHERE (a + d) % 4 <> 0
                """)
            try database.store.createPool(usa, pool: "p", alphaIDs: ["A1", "A2", "A14"])
        }

        func compare(pool: String, _ story: String) throws {
            if Bool.random(using: &random) {
                cache.waitForWrites()
                cache = PanelCache(directory: files.directory.path + "/panels")
            }
            let store = database.store
            let loaded = Result { try store.loadPanel(region: usa, pool: pool, blockEdge: 4, cache: cache) }
            let whole = Result { try store.loadPanel(region: usa, pool: pool, blockEdge: 4) }
            guard case .success(let a) = loaded, case .success(let b) = whole else {
                #expect("\(loaded)" == "\(whole)", "\(story)")
                return
            }
            #expect(a.panel.contentHash == b.panel.contentHash, "\(story), \(a.origin)")
            #expect(a.alphasWithoutPnL == b.alphasWithoutPnL, "\(story), \(a.origin)")
            #expect(a.panel.inputOrder.map { a.panel.alphaIDs[$0] } == b.panel.inputOrder.map { b.panel.alphaIDs[$0] })
            origins.append(a.origin)
            let rows = try database.value(
                """
                SELECT count(*) FROM pnl_usa WHERE pnl <> 'NaN'
                    \(pool == "p" ? "AND alpha_id IN (SELECT alpha_id FROM pool_members)" : "")
                """)
            let cells = (0..<a.panel.alphaCount).reduce(0) { $0 + a.panel.series($1).count { !$0.isNaN } }
            #expect(String(cells) == rows, "\(story), \(a.origin)")
        }

        /// Makes one change, by SQL as any program would or by our own calls; says what it did.
        func change() throws -> String {
            counter += 1
            // What another transaction holds locked leaves only changes that do not wait for it.
            let kind = Int.random(in: 0..<(pending == nil ? 15 : 5), using: &random)
            let alpha = "(SELECT alpha_id FROM alphas WHERE alpha_id <> 'A1' ORDER BY hashtext(alpha_id || \(counter)) LIMIT 1)"
            let date = "date '2024-01-01' + \(Int.random(in: 1...16, using: &random))"
            switch kind {
            case 0: return try sql("SELECT 1")
            case 1: return try sql("UPDATE pnl_usa SET pnl = \(counter) WHERE alpha_id = \(alpha) AND date = \(date)")
            case 2: return try sql("DELETE FROM pnl_usa WHERE alpha_id = \(alpha) AND date >= \(date)")
            case 3:
                return try sql(
                    "INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES (\(alpha), \(date), 'NaN') ON CONFLICT DO NOTHING")
            case 4:
                guard let writer = pending else { return try begin() }
                pending = nil
                try writer.execute(Bool.random(using: &random) ? "COMMIT" : "ROLLBACK")
                return "end of the open transaction"
            case 5, 6:
                return try sql(
                    """
                    INSERT INTO pnl_usa (alpha_id, date, pnl)
                    SELECT DISTINCT alpha_id, (SELECT max(date) + 1 FROM pnl_usa), \(counter) FROM pnl_usa
                    """)
            case 7: return try sql("DELETE FROM pnl_usa WHERE date = \(date)")
            case 8: return try sql("DELETE FROM alphas WHERE alpha_id = \(alpha)")
            case 9:
                return try sql(
                    """
                    INSERT INTO alphas (alpha_id, region_id)
                        SELECT 'N\(counter)-' || a, region_id FROM regions, generate_series(1, 2) a;
                    INSERT INTO pnl_usa (alpha_id, date, pnl) SELECT 'N\(counter)-' || a, date '2024-01-01' + d, a + d
                        FROM generate_series(1, 2) a, generate_series(\(counter % 3), 12) d;
                    INSERT INTO pool_members SELECT pool_id, 'N\(counter)-1' FROM pools
                    """)
            case 10:
                return try sql(
                    """
                    UPDATE pnl_usa p SET alpha_id = 'A1' WHERE alpha_id = \(alpha)
                    AND NOT EXISTS (SELECT FROM pnl_usa q WHERE q.alpha_id = 'A1' AND q.date = p.date)
                    """)
            case 11:
                let text = "date,A1,A2,I\(counter)\n2024-01-0\(counter % 9 + 1),\(counter),,3\n2024-02-01,2,3,\n"
                _ = try? database.store.importPnL(path: files.file("i.csv", text), region: usa, unsubmitted: false)
                return "import of \(text)"
            case 12:
                guard let id = try database.value("SELECT min(alpha_id) FROM alphas_unsubmitted") else { return "nothing" }
                _ = try database.store.promote(alphaIDs: [id])
                return "promotion of \(id)"
            case 13:
                return try sql("DELETE FROM pool_members WHERE alpha_id = \(alpha)")
            default:
                return try sql(
                    counter % 4 == 0
                        ? "TRUNCATE pnl_usa; INSERT INTO pnl_usa (alpha_id, date, pnl) SELECT alpha_id, \(date), 1 FROM alphas"
                        : "UPDATE pnl_usa SET date = date + 40 WHERE alpha_id = \(alpha) AND date = \(date)")
            }
        }

        /// Begins a change and leaves it open while panels are loaded.
        private func begin() throws -> String {
            let writer = try Connection.open(DatabaseURL(database.url))
            try writer.execute("BEGIN")
            try writer.execute("UPDATE pnl_usa SET pnl = -\(counter) WHERE alpha_id = 'A1'")
            try writer.execute(
                "INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', date '2024-03-01' + \(counter), 1)")
            pending = writer
            return "an open transaction"
        }

        private func sql(_ text: String) throws -> String {
            try database.sql(text)
            return text
        }
    }
}
