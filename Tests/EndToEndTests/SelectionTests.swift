import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// Which alphas to keep and to submit, through the whole chain, against pandas and PyPortfolioOpt.
    @Suite(.enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"))
    struct SelectionTests {
        private func expectSame(
            _ figures: PeerFigures, below threshold: Double, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            for name in ["rows_differ", "conflicts_differ", "unique_differ", "reasons_wrong", "order_differs", "parity_others"] {
                figures.expect(name, atMost: 0, sourceLocation: sourceLocation)
            }
            figures.expect("chosen", atLeast: 2, sourceLocation: sourceLocation)
            figures.expect("chosen_worst", atMost: threshold.nextDown, sourceLocation: sourceLocation)
            for name in ["certificate_difference", "nearest_difference", "sharpe_difference"] {
                figures.expect(name, atMost: 1e-9, sourceLocation: sourceLocation)
            }
            figures.expect("order_length", atLeast: 2, sourceLocation: sourceLocation)
            figures.expect("parity_alphas", atLeast: 2, sourceLocation: sourceLocation)
            figures.expect("parity_difference", atMost: 1e-6, sourceLocation: sourceLocation)
            let greedy = figures.values["weight_of_greedy"] ?? .nan
            figures.expect("weight", atLeast: greedy - 1e-9, sourceLocation: sourceLocation)
        }

        /// Two selections from one file: by number, and by Sharpe without a limit.
        private func compare(_ file: String) async throws -> (few: PeerFigures, best: PeerFigures) {
            let cluster = try await TestCluster(workers: 2)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--window", "all", "--min-overlap", "60")
            let given = [cluster.database, "USA", file]
            try await cluster.alphagrid(
                "run", "selection", "--region", "USA", "--threshold", "0.5", "--param", "count=20", "--param", "weight=equal",
                "--wait")
            let few = try await PeerFigures("selection_peers.py", given + ["--count", "20"], into: cluster.state)
            try await cluster.alphagrid(
                "run", "selection", "--region", "USA", "--threshold", "0.4", "--wait", "--param", "block_edge=32")
            return (few, try await PeerFigures("selection_peers.py", given, into: cluster.state))
        }

        @Test(
            "One alpha of each known group is kept and no two conflict, as pandas sees it; weights are PyPortfolioOpt's",
            .enabled(if: Place.hasPortfolioPeer, "needs SciPy, scikit-learn and PyPortfolioOpt"), .timeLimit(.minutes(5)))
        func knownGroups() async throws {
            let folder = try ScratchFolder()
            let (few, best) = try await compare(try await TestData.groups(folder).pnl)
            expectSame(few, below: 0.5)
            expectSame(best, below: 0.4)
            // None of the three that have no pair with anybody.
            #expect(few.values["chosen"] == 6 && few.values["parity_alphas"] == 6)
        }

        @Test(
            "On real data no two of those kept conflict, as pandas sees it; weights are PyPortfolioOpt's",
            .enabled(if: Place.hasPortfolioPeer, "needs SciPy, scikit-learn and PyPortfolioOpt"),
            .enabled(if: Place.realPnL != nil, "../shared/data is not there"), .timeLimit(.minutes(5)))
        func real() async throws {
            let (few, best) = try await compare(try #require(Place.realPnL))
            expectSame(few, below: 0.5)
            expectSame(best, below: 0.4)
            #expect(few.values["chosen"] == 20)
        }

        @Test(
            "Candidates that are not submitted have to stand beside those that are, over the dates of both",
            .enabled(if: Place.hasPortfolioPeer, "needs SciPy, scikit-learn and PyPortfolioOpt"), .timeLimit(.minutes(5)))
        func unsubmitted() async throws {
            let cluster = try await TestCluster(workers: 2)
            let file = try await TestData.groups(cluster.state, alphas: 200).pnl
            let records = CSVTable.records(try String(contentsOfFile: file, encoding: .utf8))
            // The first 60 are submitted and end early, the others begin late.
            func write(_ name: String, _ columns: ClosedRange<Int>, days: Range<Int>) throws -> String {
                let lines = [records[0]] + records[1...][(days.lowerBound + 1)..<(days.upperBound + 1)]
                return try cluster.state.write(
                    lines.map { ([$0[0]] + $0[columns]).joined(separator: ",") }.joined(separator: "\n") + "\n", to: name)
            }
            let submitted = try write("submitted.csv", 1...60, days: 0..<370)
            let candidates = try write("candidates.csv", 61...200, days: 30..<400)
            try await cluster.alphagrid("db", "import", submitted, "--region", "USA")
            try await cluster.alphagrid("db", "import", candidates, "--region", "USA", "--unsubmitted")
            let job = try await cluster.submit([
                "kind": "selection", "region": "USA", "pool": "unsubmitted", "threshold": 0.5, "window": "all", "min_overlap": 60,
                "block_edge": 16,
            ])
            let view = try await cluster.finish(job)
            #expect(view["result_table"] as? String == "alpha_selection_usa_jobs")
            let figures = try await PeerFigures(
                "selection_peers.py", [cluster.database, "USA", candidates, "--job", "\(job)", "--submitted", submitted],
                into: cluster.state)
            expectSame(figures, below: 0.5)
            figures.expect("blocked_by_submitted", atLeast: 20)
            figures.expect("blockers_wrong", atMost: 0)
        }

        @Test("Ids of one text in different bytes are different alphas, each with a Sharpe of its own", .timeLimit(.minutes(5)))
        func sameText() async throws {
            let cluster = try await TestCluster(workers: 1)
            let (one, other) = ("caf\u{E9}", "cafe\u{301}")
            func write(_ ids: [String], _ factors: [Int], to name: String) throws -> String {
                var text = "date,\(ids.joined(separator: ","))\n"
                for day in 10...28 {
                    text += "2024-01-\(day)," + factors.map { "\(day * $0 % 41)" }.joined(separator: ",") + "\n"
                }
                return try cluster.state.write(text, to: name)
            }
            let submitted = try write([one, other, "A"], [26, 17, 5], to: "submitted.csv")
            let candidates = try write(["U1", "U2"], [26, 17], to: "candidates.csv")
            try await cluster.alphagrid("db", "import", submitted, "--region", "USA")
            try await cluster.alphagrid("db", "import", candidates, "--region", "USA", "--unsubmitted")
            let metadata = try cluster.state.write("alpha_id,sharpe\n\(one),1.5\n\(other),9.5\n", to: "metadata.csv")
            try await cluster.alphagrid("db", "import-alphas", metadata, "--region", "USA")
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--window", "all", "--min-overlap", "5")

            try await cluster.alphagrid("run", "selection", "--region", "USA", "--wait")
            let sharpes = "SELECT string_agg(sharpe::text, ' ' ORDER BY sharpe) FROM alpha_selection_usa WHERE alpha_id <> 'A'"
            #expect(try await cluster.value(sharpes) == "1.5 9.5")
            try await cluster.alphagrid("run", "selection", "--region", "USA", "--pool", "unsubmitted", "--wait")
            let blocked = "SELECT count(*) FROM alpha_selection_usa_jobs WHERE reason = 'submitted'"
            #expect(try await cluster.value(blocked) == "2")
            let check = try await cluster.attempt("check", candidates, "--region", "USA", "--json")
            #expect(check.output.contains("1.5") && check.output.contains("9.5"), "\(check.errors)")
        }

        @Test("The digest is the same with 1, 2 and 5 workers and when one is killed with tasks in hand", .timeLimit(.minutes(5)))
        func digests() async throws {
            let cluster = try await TestCluster(workers: 1)
            try await cluster.alphagrid(
                "db", "import", try await TestData.groups(cluster.state, alphas: 200).pnl, "--region", "USA")
            let request: [String: Any] = [
                "kind": "selection", "region": "USA", "window": "all", "block_edge": 8, "threshold": 0.3, "absolute": true,
            ]
            var digests: Set<String> = []
            for count in [1, 2, 5] {
                while cluster.workers.count < count { try cluster.startWorker() }
                try await cluster.waitForWorkers(count)
                digests.insert(try #require(try await cluster.finish(try await cluster.submit(request))["digest"] as? String))
            }
            // A worker that is frozen before the job begins takes leases and answers none of them.
            let victim = try #require(cluster.workers.last)
            victim.signal(SIGSTOP)
            let job = try await cluster.submit(request)
            try await waitUntil("tasks that are done") {
                let stages = try await cluster.job(job)["stages"] as? [[String: Any]] ?? []
                return stages.contains { ($0["tasks_done"] as? Int ?? 0) > 0 }
            }
            victim.signal(SIGKILL)
            digests.insert(try #require(try await cluster.finish(job)["digest"] as? String))
            #expect(digests.count == 1 && digests.first?.count == 64, "\(digests)")
        }

        @Test("What a selection cannot be made by is refused by name", .timeLimit(.minutes(5)))
        func refused() async throws {
            let cluster = try await TestCluster(workers: 0)
            try await cluster.alphagrid(
                "db", "import", try await TestData.groups(cluster.state, alphas: 20).pnl, "--region", "USA")
            let cases: [([String], Int32, String)] = [
                (["USA", "--param", "count=0"], 2, "count"), (["USA", "--param", "weight=beauty"], 2, "sharpe"),
                (["USA", "--param", "methods=umap"], 2, "methods"), (["USA", "--threshold", "2"], 2, "threshold"),
                (["USA", "--top", "5"], 2, "top"), (["EUR"], 3, "EUR"), (["USA", "--pool", "unsubmitted"], 3, "unsubmitted"),
            ]
            for (arguments, code, named) in cases {
                let line = ["run", "selection", "--region"] + arguments
                let outcome = try await run(Place.program("alphagrid"), line, environment: cluster.environment)
                #expect(outcome.status == code && outcome.errors.contains(named), "\(line): \(outcome.status) \(outcome.errors)")
            }
            #expect(try await cluster.value("SELECT count(*) FROM jobs") == "0")
            // What the alphas bring is known only when the job looks.
            let weightless = try await cluster.attempt(
                "run", "selection", "--region", "USA", "--param", "weight=fitness", "--wait")
            #expect(
                weightless.status == 1
                    && weightless.errors.contains(
                        "no alpha of pool 'submitted' of region USA has fitness, so none could be chosen"),
                "\(weightless.errors)")
        }
    }
}
