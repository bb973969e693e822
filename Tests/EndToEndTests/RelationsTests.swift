import Foundation
import Testing

extension EndToEnd {
    /// Single pairs: nearest neighbours, pairs beyond a threshold, the matrix, and unsubmitted alphas against submitted ones.
    @Suite(.enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"))
    struct RelationsTests {
        @Test("Published neighbours and pairs are those of pandas, and go with the alphas they name")
        func published() async throws {
            let cluster = try await TestCluster(workers: 2)
            let file = try await TestData.synthetic(cluster.state, alphas: 90, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--window", "all")
            try await cluster.alphagrid(
                "run", "correlation", "--region", "USA", "--top", "7", "--threshold", "0.3", "--absolute", "--wait",
                "--param", "block_edge=16")
            let expected = try await TestData.pandasPairs(file, into: cluster.state)
            let rows = try await cluster.sql(
                """
                SELECT alpha_id, kind, neighbour_id, correlation, days FROM correlation_neighbours_usa
                ORDER BY alpha_id, kind, rank
                """)
            for id in expected.ids {
                for (kind, _) in PairTable.keys {
                    let list = try rows.filter { $0[0] == id && $0[1] == kind }.map {
                        ($0[2], try #require(Double($0[3])), try #require(Int($0[4])))
                    }
                    try expected.expectNearest(id, kind: kind, list, count: 7)
                }
            }
            func pairs() async throws -> [(a: String, b: String, r: Double, days: Int)] {
                try await cluster.sql("SELECT alpha_id_a, alpha_id_b, correlation, days FROM correlation_edges_usa").map {
                    ($0[0], $0[1], try #require(Double($0[2])), try #require(Int($0[3])))
                }
            }
            let found = try await pairs()
            try expected.expectPairs(found, from: 0.3, absolute: true)
            let gone = try #require(found.first).a
            try await cluster.alphagrid("db", "remove", gone)
            #expect(try await pairs().count == found.filter { $0.a != gone && $0.b != gone }.count)
            #expect(
                try await cluster.value(
                    "SELECT count(*) FROM correlation_neighbours_usa WHERE '\(gone)' IN (alpha_id, neighbour_id)") == "0")
            // A job that keeps no pairs leaves none of the one before.
            try await cluster.alphagrid("run", "correlation", "--region", "USA", "--wait")
            #expect(try await pairs().isEmpty)
        }

        @Test("correlate lists neighbours and pairs and writes the matrix, in the order of the file, as pandas has them")
        func file() async throws {
            let folder = try ScratchFolder()
            let file = try await TestData.synthetic(folder, alphas: 70, days: 260)
            let expected = try await TestData.pandasPairs(file, into: folder)
            let (matrix, pairs) = (folder.file("r.npy"), folder.file("pairs.csv"))
            let csv = try CSVTable(
                try await succeed(
                    Place.program("alphagrid"),
                    [
                        "correlate", file, "--window", "all", "--top", "3", "--threshold", "0.5", "--pairs", pairs, "--matrix",
                        matrix, "--format", "csv", "--quiet", "--block-edge", "16",
                    ]))
            for id in expected.ids {
                for kind in ["most", "least"] {
                    let list = try (1...3).compactMap { place -> (String, Double, Int)? in
                        let neighbour = try csv.field(id, "\(kind)_\(place)_alpha_id")
                        guard !neighbour.isEmpty else { return nil }
                        return (
                            neighbour, try #require(Double(csv.field(id, "\(kind)_\(place)_correlation"))),
                            try #require(Int(csv.field(id, "\(kind)_\(place)_days")))
                        )
                    }
                    try expected.expectNearest(id, kind: kind, list, count: 3)
                }
            }
            let listed = try CSVTable.records(String(contentsOfFile: pairs, encoding: .utf8)).dropFirst().map {
                ($0[0], $0[1], try #require(Double($0[2])), try #require(Int($0[3])))
            }
            try expected.expectPairs(Array(listed), from: 0.5, absolute: false)

            let header = try #require(
                try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").first)
            let ids = header.split(separator: ",").dropFirst().map(String.init)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: matrix))
            var values = Array(repeating: 0.0, count: ids.count * ids.count)
            let body = bytes.suffix(values.count * 8)
            _ = values.withUnsafeMutableBytes { body.copyBytes(to: $0) }
            #expect(bytes.count == values.count * 8 + 128 && values.count == 4_900)
            for (i, a) in ids.enumerated() {
                for (j, b) in ids.enumerated() {
                    let value: Double = values[i * ids.count + j]
                    if i == j {
                        #expect(value == 1)
                    } else if let r = expected[a, b]?.r {
                        #expect(abs(value - r) <= 1e-10)
                    } else {
                        #expect(value.isNaN)
                    }
                }
            }
        }

        @Test("Every unsubmitted alpha gets its largest correlation with a submitted one, over the dates of both")
        func cross() async throws {
            let cluster = try await TestCluster(workers: 2)
            let file = try await TestData.synthetic(cluster.state, alphas: 100, days: 320)
            let records = CSVTable.records(try String(contentsOfFile: file, encoding: .utf8))
            // The first 70 are submitted and begin 20 days late, the others are not and end 30 days early.
            func write(_ name: String, _ keeps: (_ row: Int, _ column: Int) -> Bool, columns: ClosedRange<Int>) throws -> String {
                let lines = records.enumerated().map { row, record in
                    ([record[0]] + columns.map { row == 0 || keeps(row, $0) ? record[$0] : "" }).joined(separator: ",")
                }
                return try cluster.state.write(lines.joined(separator: "\n") + "\n", to: name)
            }
            func keeps(_ row: Int, _ column: Int) -> Bool { column <= 70 ? row > 20 : row <= 290 }
            let submitted = try write("submitted.csv", keeps, columns: 1...70)
            let unsubmitted = try write("unsubmitted.csv", keeps, columns: 71...100)
            let expected = try await TestData.pandasPairs(try write("all.csv", keeps, columns: 1...100), into: cluster.state)
            try await cluster.alphagrid("db", "import", submitted, "--region", "USA")
            let nothing = try await cluster.attempt("run", "cross-correlation", "--region", "USA")
            #expect(nothing.status == 3 && nothing.errors.contains("--unsubmitted"), "\(nothing.errors)")
            let pairs = try await cluster.attempt("run", "cross-correlation", "--region", "USA", "--threshold", "0.5")
            #expect(pairs.status == 2 && pairs.errors.contains("cross-correlation"), "\(pairs.errors)")
            try await cluster.alphagrid("db", "import", unsubmitted, "--region", "USA", "--unsubmitted")
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--window", "all")
            try await cluster.alphagrid(
                "run", "cross-correlation", "--region", "USA", "--param", "block_edge=16", "--wait")
            let rows = try await cluster.sql(
                """
                SELECT alpha_id, max_correlation_with_submitted, best_correlated_submitted_alpha
                FROM correlation_unsubmitted_usa
                """)
            #expect(rows.count == 30 && Set(rows.map { $0[0] }) == Set(records[0][71...100]))
            let others = Array(records[0][1...70])
            for row in rows {
                let best = expected.sorted(row[0], among: others) { -$0 }.first
                guard let best else {
                    #expect(row[1] == "" && row[2] == "", "\(row)")
                    continue
                }
                #expect(abs(try #require(Double(row[1])) - best) <= 1e-10, "\(row)")
                #expect(abs((expected[row[0], row[2]]?.r ?? .nan) - best) <= 1e-10, "\(row)")
            }
        }

        @Test("A region with new alphas, days and revisions is read and computed where it changed, and has the right rows")
        func refreshed() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 80, days: 300)
            let records = CSVTable.records(try String(contentsOfFile: file, encoding: .utf8))
            try await cluster.alphagrid(
                "db", "configure", "--region", "USA", "--create", "--window", "all", "--min-overlap", "60")
            /// Imports some columns and days, runs the region's job and compares all rows with those of the whole file.
            func step(columns: Int, days: Int, expecting words: [String], change: Bool = false) async throws {
                var lines = records.prefix(days + 1).map { $0.prefix(columns + 1).map { $0 } }
                if change { lines[100][3] = "123456.5" }
                let text = lines.map { $0.joined(separator: ",") + "\n" }.joined()
                let known = try cluster.state.write(text, to: "known.csv")
                try await cluster.alphagrid("db", "import", known, "--region", "USA")
                let before = try #require(cluster.coordinator).errorsSoFar.count
                try await cluster.alphagrid("run", "correlation", "--region", "USA", "--param", "block_edge=16", "--wait")
                let expected = try await TestData.pandas(known, convention: "ffill-shift", minOverlap: 60, into: cluster.state)
                try expectSameSummaries(try await cluster.summaries("USA"), expected, tolerance: 1e-10, "\(words)")
                let log = try #require(cluster.coordinator).errorsSoFar.dropFirst(before)
                for word in words { #expect(log.contains(word), "\(word): \(log)") }
            }
            try await step(columns: 60, days: 250, expecting: ["read whole"])
            // Written behind the job's back; the next job begins when it is there.
            try await waitUntil("the kept panel") {
                let kept = (try? FileManager.default.contentsOfDirectory(atPath: cluster.state.file("panels"))) ?? []
                return [".entry", ".state"].allSatisfy { end in kept.contains { $0.hasSuffix(end) } }
            }
            try await step(columns: 60, days: 250, expecting: ["nothing read", "so 0 are correlated anew"])
            try await step(columns: 67, days: 250, expecting: ["refreshed with", "so 7 are correlated anew"])
            try await step(columns: 80, days: 250, expecting: ["refreshed with", "so 13 are correlated anew"])
            try await step(columns: 80, days: 250, expecting: ["refreshed with"], change: true)
            try await step(columns: 80, days: 300, expecting: ["refreshed with"], change: true)
        }
    }
}
