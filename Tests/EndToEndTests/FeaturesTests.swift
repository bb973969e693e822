import ClusterModel
import Foundation
import Testing

extension EndToEnd {
    /// Features of single alphas, through the whole chain, against pandas.
    @Suite(.enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"))
    struct FeaturesTests {
        private static let columns = ["alpha_id"] + AlphaFeature.allCases.map(\.name)

        private func published(_ cluster: TestCluster, job: Int? = nil) async throws -> CSVTable {
            let table = job == nil ? "alpha_features_usa" : "alpha_features_usa_jobs WHERE job_id = \(job ?? 0)"
            return CSVTable(
                header: Self.columns,
                records: try await cluster.sql("SELECT \(Self.columns.joined(separator: ", ")) FROM \(table)"))
        }

        @Test(
            "All columns of made-up data equal pandas, for two conventions and two windows, and turnover gives fitness",
            .timeLimit(.minutes(5)))
        func synthetic() async throws {
            let cluster = try await TestCluster(workers: 2)
            let file = try await TestData.synthetic(cluster.state, alphas: 150, days: 700)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let wanted = [("ffill-shift", "all"), ("ffill-shift", "1y"), ("daily-pnl", "all"), ("daily-pnl", "300d")]
            for (convention, window) in wanted {
                let job = try await cluster.submit([
                    "kind": "features", "region": "USA", "convention": convention, "window": window, "block_edge": 16,
                ])
                let view = try await cluster.finish(job)
                #expect(view["result_table"] as? String == "alpha_features_usa_jobs")
                let expected = try await TestData.pandasFeatures(
                    file, convention: convention, window: window, into: cluster.state)
                try expectSameFeatures(
                    try await published(cluster, job: job), expected, Self.columns, "\(convention), window \(window)")
            }
            try await fitness(cluster, file)
        }

        private func fitness(_ cluster: TestCluster, _ file: String) async throws {
            let expected = try await TestData.pandasFeatures(file, convention: "ffill-shift", window: "4y", into: cluster.state)
            let ids = expected.rows.keys.sorted()
            let known = ["alpha_id,turnover", "\(ids[0]),0.017", "\(ids[1]),0.6631"].joined(separator: "\n") + "\n"
            let metadata = try cluster.state.write(known, to: "turnover.csv")
            try await cluster.alphagrid("db", "import-alphas", metadata, "--region", "USA")
            try await cluster.alphagrid("run", "features", "--region", "USA", "--wait")
            try expectSameFeatures(try await published(cluster), expected, Self.columns, "the region's own")
            let rows = try await cluster.sql("SELECT alpha_id, fitness FROM alpha_features_usa ORDER BY alpha_id COLLATE \"C\"")
            #expect(rows.count == ids.count && rows[2...].allSatisfy { $0[1].isEmpty })
            for (row, turnover) in zip(rows, [0.125, 0.6631]) {
                let sharpe = try #require(Double(expected.field(row[0], "sharpe")))
                let annual = try #require(Double(expected.field(row[0], "annual_return")))
                let fitness = try #require(Double(row[1]))
                #expect(abs(fitness - sharpe * (abs(annual) / turnover).squareRoot()) <= 1e-9 * max(1, abs(fitness)))
            }
        }

        @Test(
            "All columns of all 505 rows of real data equal pandas",
            .enabled(if: Place.realPnL != nil, "../shared/data is not there"), .timeLimit(.minutes(5)))
        func real() async throws {
            let file = try #require(Place.realPnL)
            let cluster = try await TestCluster(workers: 2)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--window", "all")
            try await cluster.alphagrid("run", "features", "--region", "USA", "--wait")
            let expected = try await TestData.pandasFeatures(file, convention: "ffill-shift", window: "all", into: cluster.state)
            #expect(expected.rows.count == 505)
            try expectSameFeatures(try await published(cluster), expected, Self.columns, "real data")
        }

        @Test("The digest is the same for one worker and for three, and for small blocks and large ones", .timeLimit(.minutes(5)))
        func digests() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 130, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            var digests: Set<String> = []
            for (edge, workers) in [(256, 1), (4, 1), (4, 3), (7, 3)] {
                while cluster.workers.count < workers { try cluster.startWorker() }
                try await cluster.waitForWorkers(workers)
                let job = try await cluster.submit(["kind": "features", "region": "USA", "block_edge": edge])
                digests.insert(try #require(try await cluster.finish(job)["digest"] as? String))
            }
            #expect(digests.count == 1 && digests.first?.count == 64)
        }

        @Test("A convention that is a rule for pairs is said to make no difference; a threshold has no meaning")
        func parameters() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 20, days: 120)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let refused = try await cluster.attempt("run", "features", "--region", "USA", "--threshold", "0.5")
            #expect(refused.status == 2 && refused.errors.contains("features"), "\(refused.errors)")
            let plain = try await cluster.submit(["kind": "features", "region": "USA"])
            let pairwise = try await cluster.submit(["kind": "features", "region": "USA", "convention": "common-dates"])
            let digest = try await cluster.finish(plain)["digest"] as? String
            let view = try await cluster.finish(pairwise)
            #expect(view["digest"] as? String == digest && digest != nil)
            let warnings = try #require(view["warnings"] as? [String])
            #expect(warnings.contains { $0.contains("ffill-shift") && $0.contains("common-dates") }, "\(warnings)")
            try await noRows(cluster, job: pairwise)
        }

        /// Where nothing is shown, it is said what there is.
        private func noRows(_ cluster: TestCluster, job: Int) async throws {
            let cases: [(arguments: [String], said: String)] = [
                (["features", "--filter", "sharpe>1e6"], "has 20 rows of features"),
                (["features", "--job", "\(job)", "--type", "SUPER"], "job \(job) has 20 rows of features"),
                (["edges"], "no edges (it has features): see 'alphagrid run correlation --region USA --threshold R'"),
                (["clusters", "--method", "foo"], "see 'alphagrid run clusters"),
                (["selection", "--job", "\(job)"], "of kind features"),
            ]
            for (arguments, said) in cases {
                let none = try await run(
                    Place.program("alphagrid"), ["results"] + arguments + ["--region", "USA", "--format", "csv"],
                    environment: cluster.environment)
                #expect(none.status == 0 && none.errors.contains(said), "\(arguments): \(none.errors)")
            }
            let nobody = try await cluster.attempt("results", "features", "--region", "USA", "--alpha", "NOPE")
            #expect(nobody.status == 3 && nobody.errors.contains("no alpha 'NOPE'"), "\(nobody.errors)")
            _ = try await cluster.sql("DELETE FROM alpha_features_usa RETURNING 1")
            let other = try await cluster.attempt("results", "features", "--region", "USA")
            #expect(other.errors.contains("nothing is published") && other.errors.contains("--job \(job)"), "\(other.errors)")
        }

        @Test("features computes the same from a file alone, in the file's order, as CSV and as JSON")
        func file() async throws {
            let folder = try ScratchFolder()
            let file = try await TestData.synthetic(folder, alphas: 60, days: 400)
            let expected = try await TestData.pandasFeatures(file, convention: "ffill-shift", window: "all", into: folder)
            let csv = try await succeed(
                Place.program("alphagrid"), ["features", file, "--window", "all", "--format", "csv", "--quiet"])
            let found = try CSVTable(csv)
            #expect(found.header == Self.columns)
            try expectSameFeatures(found, expected, Self.columns, "features")
            let ids = try #require(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").first)
            #expect(CSVTable.records(csv).dropFirst().map { $0[0] } == ids.split(separator: ",").dropFirst().map(String.init))
            let text = try await succeed(
                Place.program("alphagrid"), ["features", file, "--window", "all", "--json", "--quiet", "--workers", "1"])
            let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let rows = try #require(json["rows"] as? [[String: Any]])
            #expect(rows.count == 60)
            for row in rows {
                let id = try #require(row["alpha_id"] as? String)
                let sharpe = try #require(row["sharpe"] as? Double)
                // The JSON parser rounds in its own way.
                let expected = try #require(Double(found.field(id, "sharpe")))
                #expect(abs(sharpe - expected) <= 1e-14 * max(1, abs(expected)))
                #expect(try row["start_date"] as? String == found.field(id, "start_date"))
            }
        }
    }
}

/// Compares features: the same alphas, the same dates, the same undefined fields, figures within a tolerance.
private func expectSameFeatures(
    _ found: CSVTable, _ expected: CSVTable, _ columns: [String], _ what: Comment,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(Set(found.rows.keys) == Set(expected.rows.keys) && !expected.rows.isEmpty, what, sourceLocation: sourceLocation)
    #expect(Set(expected.header) == Set(columns), what, sourceLocation: sourceLocation)
    var wrong: [String] = []
    for id in expected.rows.keys.sorted() where found.rows[id] != nil {
        for column in columns.dropFirst() {
            let (a, b) = try (found.field(id, column), expected.field(id, column))
            guard let x = Double(a), let y = Double(b) else {
                if a != b { wrong.append("\(id) \(column): '\(a)', expected '\(b)'") }
                continue
            }
            // The smallest features are returns of a day, some 1e-4 of the book.
            if !(abs(x - y) <= 1e-8 * max(abs(y), 1e-4)) { wrong.append("\(id) \(column): \(a), expected \(b)") }
        }
    }
    #expect(wrong.isEmpty, "\(what):\n\(wrong.prefix(10).joined(separator: "\n"))", sourceLocation: sourceLocation)
}
