import Foundation
import LocalPostgres
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// Starts, stops, restarts.
    @Suite struct LifecycleTests {
        private static let request: [String: any Sendable] = [
            "kind": "correlation", "region": "USA", "block_edge": 8, "fresh": true,
        ]

        private func cluster(workers: Int) async throws -> TestCluster {
            let cluster = try await TestCluster(workers: workers)
            let file = try await TestData.synthetic(cluster.state, alphas: 100, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            return cluster
        }

        @Test("Workers come back by themselves after the coordinator was stopped and started again", .timeLimit(.minutes(5)))
        func restart() async throws {
            let cluster = try await cluster(workers: 2)
            try await cluster.finish(try await cluster.submit(Self.request))
            let epoch = try #require(try await cluster.status()["epoch"] as? Int)
            try await cluster.stopCoordinator()
            try await cluster.startCoordinator()
            try await cluster.waitForWorkers(2)
            let later = try #require(try await cluster.status()["epoch"] as? Int)
            #expect(later > epoch)
            try await cluster.finish(try await cluster.submit(Self.request))
            #expect(try await cluster.value("SELECT count(DISTINCT job_id) FROM correlation_usa") == "1")
        }

        @Test(
            "A coordinator killed in the middle of a job leaves no half-published rows, and the next one works",
            .timeLimit(.minutes(5)))
        func crash() async throws {
            let cluster = try await cluster(workers: 1)
            try await cluster.finish(try await cluster.submit(Self.request))
            let before = try await cluster.sql("SELECT count(*), min(job_id), max(job_id) FROM correlation_usa")
            cluster.workers[0].signal(SIGSTOP)
            let interrupted = try await cluster.submit(Self.request)
            try await waitUntil("tasks of job \(interrupted)") {
                try await cluster.job(interrupted)["state"] as? String == "running"
            }
            try await cluster.killCoordinator()
            cluster.workers[0].signal(SIGCONT)
            #expect(try await cluster.sql("SELECT count(*), min(job_id), max(job_id) FROM correlation_usa") == before)

            try await cluster.startCoordinator()
            try await cluster.waitForWorkers(1)
            let next = try await cluster.submit(Self.request)
            try await cluster.finish(next)
            // Whether the interrupted job is taken up again or given up, it is not left hanging.
            try await waitUntil("the end of job \(interrupted)") {
                ["done", "failed", "cancelled"].contains(try await cluster.job(interrupted)["state"] as? String)
            }
            #expect(try await cluster.value("SELECT count(DISTINCT job_id) FROM correlation_usa") == "1")
        }

        @Test("SIGTERM drains a worker: it returns what it has in hand, says goodbye and ends with 0", .timeLimit(.minutes(5)))
        func drain() async throws {
            let cluster = try await cluster(workers: 2)
            let job = try await cluster.submit(Self.request)
            let leaving = cluster.workers[0]
            leaving.signal(SIGTERM)
            let outcome = try await leaving.end(within: 30)
            #expect(outcome.status == 0, "\(outcome.errors.suffix(1_000))")
            try await cluster.finish(job)
            try await cluster.waitForWorkers(1)
        }

        @Test("An operator drains a worker by name, and cancels a job that nobody works on", .timeLimit(.minutes(5)))
        func operatorCommands() async throws {
            let cluster = try await cluster(workers: 1)
            let listed = try await cluster.alphagrid("workers", "list", "--json")
            let answer = try JSONSerialization.jsonObject(with: Data(listed.utf8)) as? [String: Any]
            let workers = try #require(answer?["workers"] as? [[String: Any]])
            let name = try #require(workers.first?["worker"] as? String)
            try await cluster.alphagrid("workers", "drain", name)
            let outcome = try await cluster.workers[0].end(within: 30)
            #expect(outcome.status == 0)

            let job = try await cluster.submit(Self.request)
            try await cluster.alphagrid("jobs", "cancel", "\(job)")
            try await waitUntil("job \(job) to be cancelled") { try await cluster.job(job)["state"] as? String == "cancelled" }
            #expect(try await cluster.value("SELECT state FROM jobs WHERE job_id = \(job)") == "cancelled")
            #expect(try await cluster.value("SELECT count(*) FROM correlation_usa") == "0")
        }

        @Test(
            "A job is cancelled in the database before that is answered, whatever its thread is still waiting for",
            .timeLimit(.minutes(5)))
        func cancelledWhileBusy() async throws {
            let cluster = try await cluster(workers: 0)
            let installation = try #require(try PostgresInstallation.all().first)
            let locker = try ChildProcess(
                installation.binDirectory + "/psql",
                ["-X", "-d", cluster.database, "-c", "BEGIN; LOCK TABLE panel_caches; SELECT pg_sleep(60)"])
            let locks = "SELECT count(*) FROM pg_locks WHERE relation = 'panel_caches'::regclass AND "
            try await waitUntil("the lock") { try await cluster.value(locks + "granted") == "1" }
            let job = try await cluster.submit(Self.request)
            try await waitUntil("the job's thread to wait") { try await cluster.value(locks + "NOT granted") == "1" }
            try await cluster.alphagrid("jobs", "cancel", "\(job)", "--reason", "no need")
            #expect(try await cluster.value("SELECT state || ': ' || reason FROM jobs") == "cancelled: no need")
            let sentence = try await cluster.alphagrid("jobs", "explain", "\(job)")
            #expect(sentence == "job \(job) was cancelled: no need; its thread in the coordinator is not yet through\n")
            locker.signal(SIGTERM)
            _ = try await locker.end(within: 30)
            // Only the next one to come sees that the client is gone.
            _ = try await cluster.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'panel_caches'::regclass AND granted")
            try await cluster.alphagrid("jobs", "remove", "\(job)")
        }

        @Test("Only /livez and /readyz answer without the token")
        func token() async throws {
            let cluster = try await TestCluster(workers: 0)
            for (path, expected) in [
                ("/livez", 200), ("/readyz", 200), ("/v1/status", 401), ("/v1/jobs", 401), ("/nowhere", 401),
            ] {
                let answer = try #require(try await HTTP.get("http://\(cluster.http)\(path)"))
                #expect(answer.status == expected, "\(path)")
            }
            let wrong = try await HTTP.get("http://\(cluster.http)/v1/status", token: String(repeating: "x", count: 43))
            #expect(wrong?.status == 401)
            let mode = try FileManager.default.attributesOfItem(atPath: cluster.state.file("token"))[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }
}
