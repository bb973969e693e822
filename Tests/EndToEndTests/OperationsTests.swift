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

        @Test("Workers with nothing in hand that are told to drain have drained, every one, and none is taken for lost")
        func drains() async throws {
            let cluster = try await TestCluster(workers: 4)
            let file = try await TestData.synthetic(cluster.state, alphas: 10, days: 100)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let ordered = try await cluster.attempt("workers", "drain", "all")
            #expect(ordered.status == 0 && ordered.errors.contains("jobs wait until one is undrained"), "\(ordered.errors)")
            try await waitUntil("the workers to leave") {
                let workers = try await cluster.json("/v1/workers")["workers"] as? [[String: Any]]
                return workers?.allSatisfy { $0["state"] as? String == "drained" } == true
            }
            let workers = try await cluster.json("/v1/workers")["workers"] as? [[String: Any]]
            let name = try #require(workers?.first?["worker"] as? String)
            let again = try await cluster.attempt("workers", "drain", name)
            #expect(again.status == 1 && again.errors.contains("'alphagrid workers undrain \(name)'"), "\(again.errors)")
            let metrics = try #require(try await HTTP.get("http://\(cluster.http)/metrics", token: try cluster.token()))
            #expect(metrics.text.contains("alphagrid_workers_lost_total 0"), "\(metrics.text)")
            let job = try await cluster.submit(["kind": "correlation", "region": "USA"])
            let reason = "none is connected, as 4 were drained and have left; 'alphagrid workers undrain all' takes them back"
            try await waitUntil("the reason") { try await cluster.alphagrid("jobs", "explain", "\(job)").contains(reason) }
            // What the list and the status show is renewed from time to time.
            try await waitUntil("the reason in the status") { try await cluster.alphagrid("status").contains(reason) }
            try await cluster.alphagrid("jobs", "pause", "\(job)", "--reason", "the market opens")
            #expect(try await cluster.alphagrid("jobs", "list", "--states", "paused").contains("running, paused"))
            let twice = try await cluster.attempt("jobs", "pause", "\(job)")
            #expect(twice.status == 1 && twice.errors.contains("paused already: the market opens"), "\(twice.errors)")
            let cancelled = try await cluster.alphagrid("jobs", "cancel", "\(job)")
            try await waitUntil("the job to end") {
                try await cluster.value("SELECT state FROM jobs WHERE job_id = \(job)") == "cancelled"
            }
            let shown = try await cluster.alphagrid("jobs", "show", "\(job)")
            #expect(!cancelled.contains("paused") && !shown.contains("paused") && !shown.contains("market"), "\(shown)")
        }

        @Test("Whoever sees that a job has ended finds every task of it counted", .timeLimit(.minutes(5)))
        func counted() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 60, days: 100)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            // The figures that displays get a few times a second would be those of the run before, often enough.
            for _ in 0..<6 {
                let job = try await cluster.submit(["kind": "correlation", "region": "USA", "block_edge": 8, "fresh": true])
                while !["done", "failed", "cancelled"].contains(try await cluster.job(job)["state"] as? String) {}
                let counted = try await cluster.status()["tasks_done_total"] as? Int
                let jobs = try #require(try await cluster.json("/v1/jobs")["jobs"] as? [[String: Any]])
                let stages = jobs.flatMap { $0["stages"] as? [[String: Any]] ?? [] }
                #expect(counted == stages.reduce(0) { $0 + ($1["tasks_done"] as? Int ?? 0) }, "after job \(job)")
            }
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
            try await cluster.alphagrid("jobs", "priority", "last", "7")
            let sentence = try await cluster.alphagrid("jobs", "explain", "all")
            #expect(sentence.contains("; reason: the market opens (by file:token)"), "\(sentence)")
            #expect(sentence.ranges(of: "paused").count <= 1, "\(sentence)")
            try await cluster.alphagrid("jobs", "priority", "last", "-7")
            try await cluster.alphagrid("jobs", "priority", "last", "7")
            try await cluster.killCoordinator()
            cluster.workers[0].signal(SIGCONT)
            try await cluster.startCoordinator()
            try await cluster.waitForWorkers(1)
            // It does not even begin before it is resumed.
            let view = try await cluster.job(job)
            #expect(view["paused"] as? Bool == true && view["priority"] as? Int == 7)
            #expect(view["state"] as? String == "queued", "\(view)")
            #expect(try await cluster.alphagrid("status").contains("waits to be resumed"))
            try await cluster.alphagrid("jobs", "cancel", "\(job)", "--reason", "no need")
            let again = try object(try await cluster.alphagrid("jobs", "retry", "\(job)", "--wait", "--json"))
            #expect(again["state"] as? String == "done" && again["priority"] as? Int == 7)
            let stages = try #require(again["stages"] as? [[String: Any]])
            let planned = try #require(plan["stages"] as? [[String: Any]])
            #expect(stages.map { $0["tasks_total"] as? Int } == planned.map { $0["tasks"] as? Int })
            let done = try #require(again["job_id"] as? Int)
            let removed = try await cluster.alphagrid("jobs", "remove", "\(done)")
            #expect(removed.contains("the region still shows its rows: 'alphagrid results correlation"), "\(removed)")
            let rows = try await cluster.alphagrid("results", "correlation", "--region", "USA", "--job", "\(done)")
            #expect(rows.contains("JOB_ID"), "\(rows)")
            try await cluster.alphagrid("jobs", "remove", "\(job)")
            #expect(try await cluster.attempt("jobs", "show", "\(job)").status == 3)
        }

        @Test("What a plan says of the work is what the workers then count, whatever the convention", .timeLimit(.minutes(5)))
        func work() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 100, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            func counted() async throws -> Double {
                let metrics = try #require(try await HTTP.get("http://\(cluster.http)/metrics", token: try cluster.token()))
                return metrics.text.split(separator: "\n").filter { $0.hasPrefix("alphagrid_task_flops_total") }
                    .reduce(0) { $0 + (Double($1.split(separator: " ").last ?? "") ?? 0) }
            }
            var told: [String: Double] = [:]
            for (convention, window) in [("ffill-shift", "all"), ("common-dates", "all"), ("alphadatabank", "200d")] {
                let before = try await counted()
                func run(_ last: String) async throws -> String {
                    try await cluster.alphagrid(
                        "run", "correlation", "--region", "USA", "--convention", convention, "--window", window, "--param",
                        "block_edge=8", "--fresh", "--json", last)
                }
                let plan = try object(try await run("--plan"))
                _ = try await run("--wait")
                let flops = try #require(plan["flops"] as? Double)
                let ratio = try await (counted() - before) / flops
                // Days are padded, a sample's pairs are not the pool's, and missing days need not be independent.
                #expect((0.8...1.25).contains(ratio), "\(convention): \(ratio) of \(flops)")
                told[convention] = flops
                let basis = try #require(plan["basis"] as? String)
                let saysWhy = basis.contains("\(convention) computes pairs with missing days one by one")
                #expect(saysWhy == (convention != "ffill-shift"), "\(basis)")
            }
            #expect(try #require(told["common-dates"]) > 2 * #require(told["ffill-shift"]))
        }

        /// What a receiver has got, told apart by path.
        private func messages(_ file: String, _ path: String) -> [[String: Any]] {
            let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
            let all = text.split(separator: "\n").compactMap { try? object(String($0)) }
            return all.filter { $0["path"] as? String == path }
        }

        @Test(
            "Schedules begin a job when the PnL has changed; who asked for it is told of its end and of new alike pairs, signed",
            .enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"), .timeLimit(.minutes(5)))
        func schedules() async throws {
            let cluster = try await TestCluster(workers: 1, arguments: ["--webhook-allow", "127.0.0.1"])
            let file = try await TestData.synthetic(cluster.state, alphas: 40, days: 200)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            // Of this machine only the address that was allowed.
            let refused = try await cluster.attempt("webhooks", "add", "http://127.0.0.2:9/", "--event", "job.done")
            #expect(refused.status == 2 && refused.errors.contains("--webhook-allow"), "\(refused.errors)")

            let (port, got) = (try freePort(), cluster.state.file("messages"))
            let secret = try cluster.state.write("", to: "secret")
            let receiver = try ChildProcess(
                try #require(Place.python),
                [Place.oracle("webhook_receiver.py"), "--port", "\(port)", "--secret", secret, "--out", got])
            let made = try await cluster.alphagrid(
                "webhooks", "add", "http://127.0.0.1:\(port)/grid", "--event", "job.done", "--event", "alert.correlation")
            try made.write(toFile: secret, atomically: true, encoding: .utf8)
            let listing = try await cluster.alphagrid("webhooks", "--json")
            #expect(made.hasPrefix("agw_") && !listing.contains("agw_"))
            try await waitUntil("the receiver") {
                let outcome = try await cluster.attempt("webhooks", "test", "1")
                try #require(!receiver.hasEnded, "\(receiver.errorsSoFar)")
                return outcome.status == 0
            }
            // A redirect would lead where nobody has looked.
            try await cluster.alphagrid(
                "webhooks", "add", "http://127.0.0.1:\(port)/moved", "--event", "job.failed", "--secret-file", secret)
            let moved = try await cluster.attempt("webhooks", "test", "2")
            #expect(moved.status == 1 && moved.errors.contains("302"), "\(moved.errors)")
            #expect(messages(got, "/moved").count == 1 && messages(got, "/elsewhere").isEmpty)

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
            #expect(try await cluster.alphagrid("alerts", "--json").contains("\"alerts\" : ["))
            // Two alphas become one: whatever else changes on the way, that pair is told of.
            _ = try await cluster.sql(
                """
                WITH two AS (SELECT min(alpha_id) AS a, max(alpha_id) AS b FROM pnl_usa)
                , gone AS (DELETE FROM pnl_usa USING two WHERE alpha_id = b RETURNING 1)
                SELECT count(*) FROM gone
                """)
            _ = try await cluster.sql(
                """
                INSERT INTO pnl_usa (alpha_id, date, pnl)
                SELECT (SELECT alpha_id FROM alphas EXCEPT SELECT alpha_id FROM pnl_usa LIMIT 1), date, pnl FROM pnl_usa
                WHERE alpha_id = (SELECT min(alpha_id) FROM pnl_usa) RETURNING 1
                """)
            try await waitUntil("the alert") { messages(got, "/grid").contains { $0["event"] as? String == "alert.correlation" } }
            let all = messages(got, "/grid")
            #expect(all.allSatisfy { $0["genuine"] as? Bool == true }, "\(all)")
            #expect(all.contains { ($0["body"] as? [String: Any])?["event"] as? String == "job.done" })
            let alert = try #require(all.last { $0["event"] as? String == "alert.correlation" }?["body"] as? [String: Any])
            let pair = try #require((alert["pairs"] as? [[String: Any]])?.first)
            #expect(try #require(pair["correlation"] as? Double) > 0.999 && alert["region"] as? String == "USA")
            let alerts = try await cluster.alphagrid("alerts")
            #expect(alerts.contains(try #require(pair["alpha_a"] as? String)), "\(alerts)")

            // Ends that cannot be told, more than are looked at at once, do not stand before one that can.
            _ = try await cluster.sql(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.job_id BETWEEN 1001 AND 1025)
                    EXECUTE FUNCTION refuse();
                INSERT INTO jobs OVERRIDING SYSTEM VALUE
                SELECT (jsonb_populate_record(job, jsonb_build_object(
                    'job_id', 1000 + number, 'untold', true, 'result_table', NULL))).*
                FROM jobs job, generate_series(1, 26) number WHERE job_id = 1 RETURNING job_id
                """)
            try await waitUntil("the end of job 1026", seconds: 60) {
                messages(got, "/grid").contains {
                    (($0["body"] as? [String: Any])?["job"] as? [String: Any])?["job_id"] as? Int == 1_026
                }
            }
            #expect(try await cluster.value("SELECT count(*) FROM jobs WHERE untold") == "25")

            try await cluster.alphagrid("schedule", "pause", "fresh")
            #expect(try await cluster.alphagrid("schedule").contains("paused"))
            #expect(try await cluster.alphagrid("schedule", "remove", "fresh").contains("schedule 1 fresh removed"))
            #expect(try await cluster.alphagrid("webhooks", "remove", "http://127.0.0.1:\(port)/moved").contains("webhook 2"))
            #expect(try await cluster.attempt("schedule", "show", "fresh").status == 3)
        }
    }
}
