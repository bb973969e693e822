import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// What operators do with a cluster that runs.
    @Suite struct OperationsTests {
        private func object(_ text: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        @Test(
            "A plan is kept to, a paused job waits over a restart of the coordinator and says so, and one retried does the rest",
            .timeLimit(.minutes(5)))
        func pauses() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 100, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let asked = ["run", "correlation", "--region", "USA", "--param", "block_edge=8", "--fresh"]
            let plan = try object(
                try await cluster.alphagrid(
                    asked[0], asked[1], asked[2], asked[3], asked[4], asked[5], asked[6], "--plan", "--json"))
            #expect(plan["tiles"] as? Int == 13 * 14 / 2 && plan["alphas"] as? Int == 100 && plan["days"] as? Int == 300)
            #expect(try await cluster.value("SELECT count(*) FROM jobs") == "0")

            // Nobody works while the only worker stands still.
            cluster.workers[0].signal(SIGSTOP)
            let job = try await cluster.submit(["kind": "correlation", "region": "USA", "block_edge": 8, "fresh": true])
            try await waitUntil("job \(job) to run") { try await cluster.job(job)["state"] as? String == "running" }
            try await cluster.alphagrid("jobs", "pause", "\(job)", "--reason", "the market opens")
            try await cluster.alphagrid("jobs", "priority", "\(job)", "7")
            let sentence = try await cluster.alphagrid("jobs", "explain", "\(job)")
            #expect(sentence.contains("the market opens (by file:token)"), "\(sentence)")
            try await cluster.killCoordinator()
            cluster.workers[0].signal(SIGCONT)
            try await cluster.startCoordinator()
            try await cluster.waitForWorkers(1)
            try await waitUntil("job \(job) to be taken up again") { try await cluster.job(job)["state"] as? String == "running" }
            let view = try await cluster.job(job)
            #expect(view["paused"] as? Bool == true && view["priority"] as? Int == 7)
            #expect(try await cluster.alphagrid("status").contains("waits to be resumed"))
            try await cluster.alphagrid("jobs", "cancel", "\(job)", "--reason", "no need")
            let again = try object(try await cluster.alphagrid("jobs", "retry", "\(job)", "--wait", "--json"))
            #expect(again["state"] as? String == "done" && again["priority"] as? Int == 7)
            let stages = try #require(again["stages"] as? [[String: Any]])
            let planned = try #require(plan["stages"] as? [[String: Any]])
            #expect(stages.map { $0["tasks_total"] as? Int } == planned.map { $0["tasks"] as? Int })
            try await cluster.alphagrid("jobs", "remove", "\(job)")
            #expect(try await cluster.attempt("jobs", "show", "\(job)").status == 3)
        }

        @Test("A schedule begins a job when the PnL has changed, and whoever asked for it is told by a signed message")
        func schedules() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 40, days: 200)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            // A receiver on this machine is refused unless its range is allowed.
            let refused = try await cluster.attempt("webhooks", "add", "http://127.0.0.1:9/", "--event", "job.done")
            #expect(refused.status == 1 && refused.errors.contains("--webhook-allow"), "\(refused.errors)")
            try await cluster.alphagrid(
                "schedule", "add", "correlation", "--region", "USA", "--on-change", "--min-pause", "0s", "--name", "fresh")
            try await cluster.alphagrid(
                "schedule", "add", "correlation", "--region", "USA", "--cron", "0 0 1 1 *", "--time-zone", "Asia/Tokyo")
            let listed = try await cluster.alphagrid("schedule")
            #expect(listed.contains("-12-31T15:00:00Z"), "\(listed)")
            #expect(try await cluster.value("SELECT count(*) FROM jobs") == "0")
            _ = try await cluster.sql("UPDATE pnl_usa SET pnl = pnl + 1 WHERE date = (SELECT max(date) FROM pnl_usa) RETURNING 1")
            try await waitUntil("the schedule's job") { try await cluster.value("SELECT count(*) FROM jobs") == "1" }
            try await cluster.finish(1)
            try await cluster.alphagrid("schedule", "pause", "1")
            #expect(try await cluster.alphagrid("schedule").contains("paused"))
        }
    }
}
