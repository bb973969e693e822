import Foundation
import Testing

extension EndToEnd {
    /// What comes out of the whole chain - file, PostgreSQL, ZeroMQ, OpenBLAS, workers, PostgreSQL - against
    /// programs that share nothing with it.
    @Suite(.enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"))
    struct ValuesTests {
        private static let conventions = ["ffill-shift", "ffill-diff", "daily-pnl"]

        /// All conventions pandas knows, in both precisions, at several overlaps, against every row.
        private func compareWithPandas(_ cluster: TestCluster, _ file: String, overlaps: [Int]) async throws {
            for convention in Self.conventions {
                for overlap in overlaps {
                    let expected = try await TestData.pandas(
                        file, convention: convention, minOverlap: overlap, into: cluster.state)
                    for (precision, tolerance) in [("float64", 1e-10), ("float32", 1e-5)] {
                        let job = try await cluster.submit([
                            "kind": "correlation", "region": "USA", "convention": convention, "window": "all",
                            "min_overlap": overlap, "precision": precision,
                        ])
                        let view = try await cluster.finish(job)
                        #expect(view["result_table"] as? String == "correlation_usa_jobs")
                        try expectSameSummaries(
                            try await cluster.summaries("USA", job: job), expected, tolerance: tolerance,
                            "\(convention), min-overlap \(overlap), \(precision)")
                    }
                }
            }
        }

        @Test(
            "All rows of made-up data equal pandas, for three conventions, two overlaps and both precisions",
            .timeLimit(.minutes(5)))
        func syntheticAgainstPandas() async throws {
            let cluster = try await TestCluster(workers: 2)
            let file = try await TestData.synthetic(cluster.state, alphas: 150, days: 400)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await compareWithPandas(cluster, file, overlaps: [20, 252])
        }

        @Test(
            "All 505 rows of real data equal pandas, and at min-overlap 252 exactly 2,510 pairs are undefined",
            .enabled(if: Place.realPnL != nil, "../shared/data is not there"), .timeLimit(.minutes(10)))
        func realAgainstPandas() async throws {
            let file = try #require(Place.realPnL)
            let cluster = try await TestCluster(workers: 2)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await compareWithPandas(cluster, file, overlaps: [20, 252])
            let counted = try await cluster.value(
                """
                SELECT 505 * 504 / 2 - sum(pair_count) / 2 FROM correlation_usa_jobs WHERE job_id =
                (SELECT min(job_id) FROM jobs WHERE convention = 'ffill-shift' AND min_overlap = 252)
                """)
            #expect(counted == "2510")
        }

        @Test(
            "Rows of the gap-dependent conventions and of windows equal an exact pair-by-pair program",
            .timeLimit(.minutes(5)),
            arguments: [
                ("common-dates", "all"), ("alphadatabank", "all"), ("common-dates", "1y"), ("alphadatabank", "150d"),
                ("ffill-shift", "1y"), ("ffill-diff", "150d"),
            ])
        func exactRows(convention: String, window: String) async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 90, days: 330, layout: "long")
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let expected = try await TestData.exactRows(
                file, convention: convention, minOverlap: 60, window: window, rows: 12, into: cluster.state)
            let job = try await cluster.submit([
                "kind": "correlation", "region": "USA", "convention": convention, "window": window, "min_overlap": 60,
            ])
            try await cluster.finish(job)
            try expectSameSummaries(
                try await cluster.summaries("USA", job: job), expected, tolerance: 1e-10, sample: true,
                "\(convention), window \(window)")
        }

        @Test(
            "Sampled rows of real data equal the exact program for the gap-dependent conventions",
            .enabled(if: Place.realPnL != nil, "../shared/data is not there"), .timeLimit(.minutes(10)),
            arguments: ["common-dates", "alphadatabank"])
        func realExactRows(convention: String) async throws {
            let file = try #require(Place.realPnL)
            let cluster = try await TestCluster(workers: 2)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await cluster.alphagrid(
                "db", "configure", "--region", "USA", "--convention", convention, "--window", "all", "--min-overlap", "20")
            let expected = try await TestData.exactRows(
                file, convention: convention, minOverlap: 20, window: "all", rows: 4, into: cluster.state)
            try await cluster.alphagrid("run", "correlation", "--region", "USA", "--wait")
            try expectSameSummaries(
                try await cluster.summaries("USA"), expected, tolerance: 1e-10, sample: true, "\(convention)")
            let row = try await cluster.sql("SELECT DISTINCT convention, min_overlap FROM correlation_usa")
            #expect(row == [[convention, "20"]])
        }

        @Test("The most alike alpha and its common days are those of the exact program, and go into correlation_usa")
        func neighbours() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 80, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let said = try await cluster.attempt("run", "correlation", "--region", "USA", "--wait")
            #expect(said.status == 0, "\(said.errors)")
            let expected = try await TestData.exactRows(
                file, convention: "ffill-shift", minOverlap: 60, window: "4y", rows: 10, into: cluster.state)
            let rows = try await cluster.sql(
                """
                SELECT alpha_id, most_correlated_alpha_id, most_correlated_days, convention, min_overlap, window_end
                FROM correlation_usa
                """)
            #expect(rows.count == 80)
            let last = try await cluster.value("SELECT max(date) FROM pnl_usa")
            for row in rows where expected.rows[row[0]] != nil {
                #expect(try row[1] == expected.field(row[0], "most_correlated_alpha_id"))
                #expect(try row[2] == expected.field(row[0], "most_correlated_days"))
                #expect(row[3...] == ["ffill-shift", "60", last])
            }
        }
    }
}
