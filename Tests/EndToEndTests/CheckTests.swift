import Foundation
import Testing

extension EndToEnd {
    /// Questions about single alphas, against pandas and against a region that changes.
    @Suite struct CheckTests {
        private static func candidates(_ answer: [String: Any]) throws -> [[String: Any]] {
            try #require(answer["candidates"] as? [[String: Any]])
        }

        /// Asks over HTTP about one candidate; gives status and answer.
        private func ask(
            _ cluster: TestCluster, _ body: [String: Any], region: String = "USA"
        ) async throws -> (status: Int, answer: [String: Any]) {
            let url = "http://\(cluster.http)/v1/regions/\(region)/check"
            let answer = try await HTTP.post(url, body, token: try cluster.token())
            return (answer.status, try answer.object())
        }

        @Test(
            "Checks and explanations agree with pandas, with and without a server: made-up and real data",
            .enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"), .timeLimit(.minutes(10)))
        func againstPandas() async throws {
            let cluster = try await TestCluster(workers: 0)
            let python = try #require(Place.python)
            var arguments = [Place.oracle("check_pandas.py"), "--bin", Place.binaries, "--region", "USA"]
            if let real = Place.realPnL { arguments += ["--real", real] }
            let said = try await succeed(python, arguments, environment: cluster.environment)
            #expect(said.contains("agrees with pandas"))
        }

        @Test("A region is asked as it is now: new alphas, revised values, stored Sharpe ratios", .timeLimit(.minutes(5)))
        func changes() async throws {
            let cluster = try await TestCluster(workers: 0)
            let days = (0..<90).map { String(format: "2024-%02d-%02d", 1 + $0 / 28, 1 + $0 % 28) }
            let own = days.indices.map { Double($0) + 3 * sin(Double($0)) }
            func csv(_ columns: [(id: String, values: [Double])]) -> String {
                let rows = days.indices.map { day in ([days[day]] + columns.map { "\($0.values[day])" }).joined(separator: ",") }
                return (["date," + columns.map(\.id).joined(separator: ",")] + rows).joined(separator: "\n") + "\n"
            }
            let other = days.indices.map { Double($0) + 3 * cos(2 * Double($0)) }
            let body: [String: Any] = ["candidates": [["alpha_id": "NEW", "dates": days, "pnl": own, "sharpe": 1.65]]]

            #expect(try await ask(cluster, body).status == 404)
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--create", "--window", "all")
            let empty = try await ask(cluster, body)
            #expect(empty.status == 200 && empty.answer["pool_size"] as? Int == 0)
            #expect("\(try Self.candidates(empty.answer)[0]["reason"] ?? "")".contains("the pool is empty"))

            let first = try cluster.state.write(csv([("A", other), ("NEW", own)]), to: "first.csv")
            try await cluster.alphagrid("db", "import", first, "--region", "USA")
            let alone = try Self.candidates(try await ask(cluster, body).answer)[0]
            #expect(alone["pool_size"] as? Int == 1 && alone["verdict"] as? String == "pass")

            // The same alpha under another name.
            let twin = try cluster.state.write(csv([("TWIN", own)]), to: "twin.csv")
            try await cluster.alphagrid("db", "import", twin, "--region", "USA")
            let similar = try Self.candidates(try await ask(cluster, body).answer)[0]
            #expect(similar["pool_size"] as? Int == 2 && similar["max_correlation"] as? Double == 1)
            let match = try #require((similar["most"] as? [[String: Any]])?.first)
            #expect(match["alpha_id"] as? String == "TWIN" && match["sharpe_source"] as? String == "computed")
            #expect(match["days"] as? Int == 89)

            for (sharpe, verdict) in [("1.5", "pass"), ("1.51", "fail")] {
                let metadata = try cluster.state.write("alpha_id,sharpe\nTWIN,\(sharpe)\n", to: "metadata.csv")
                try await cluster.alphagrid("db", "import-alphas", metadata, "--region", "USA")
                let view = try Self.candidates(try await ask(cluster, body).answer)[0]
                #expect(view["verdict"] as? String == verdict, "\(sharpe)")
                let reason = try #require(view["reason"] as? String)
                #expect((verdict == "pass") == reason.hasSuffix("is at least 10 % above that of this alpha"), "\(reason)")
                let best = try #require((view["most"] as? [[String: Any]])?.first)
                #expect(best["sharpe_source"] as? String == "stored" && best["sharpe"] as? Double == Double(sharpe))
            }

            // A revised value, by a program that knows nothing of this one.
            _ = try await cluster.sql("UPDATE pnl_usa SET pnl = -pnl WHERE alpha_id = 'TWIN'")
            let opposite = try Self.candidates(try await ask(cluster, body).answer)[0]
            #expect(opposite["min_correlation"] as? Double == -1 && opposite["verdict"] as? String == "pass")

            let pair = try await cluster.json("/v1/regions/USA/pairs?a=TWIN&b=NEW&window=all")
            let conventions = try #require(pair["correlations"] as? [[String: Any]])
            #expect(conventions.first?["correlation"] as? Double == -1 && conventions.count == 5)
            let url = "http://\(cluster.http)/v1/regions/USA/pairs?a=TWIN&b=GONE"
            #expect(try await HTTP.get(url, token: try cluster.token())?.status == 404)
            #expect(try await ask(cluster, ["candidates": []]).status == 400)
            #expect(try await ask(cluster, body.merging(["pool": "nobody"]) { $1 }).status == 404)
        }
    }
}
