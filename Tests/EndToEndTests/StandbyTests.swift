import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    @Suite struct StandbyTests {
        @Test(
            "A standby takes over from a frozen coordinator, with its work; the old one wakes up, can write nothing, and leaves",
            .timeLimit(.minutes(5)))
        func frozen() async throws {
            let cluster = try await TestCluster(workers: 0)
            let file = try await TestData.synthetic(cluster.state, alphas: 400, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let request: [String: any Sendable] = [
                "kind": "correlation", "region": "USA", "window": "all", "block_edge": 8, "fresh": true,
            ]
            let standby = try Standby(of: cluster)
            let addresses = "\(cluster.bind),\(standby.bind)"
            let workers = try (0..<2).map { _ in
                try ChildProcess(
                    Place.program("alphagrid-worker"), ["--connect", addresses, "--slots", "1", "--memory", "256MiB"])
            }
            try await waitUntil("the workers") { try await cluster.status()["workers_connected"] as? Int == 2 }
            let undisturbed = try await cluster.finish(try await cluster.submit(request))

            // The job waits for a frozen worker until what the other one has done is written down.
            workers[0].signal(SIGSTOP)
            let job = try await cluster.submit(request)
            try await waitUntil("some partials on the disk") {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: cluster.state.file("jobs"))) ?? []
                return !names.isEmpty
            }
            let leader = try #require(cluster.coordinator)
            leader.signal(SIGSTOP)
            try await waitUntil("the standby", seconds: 40) {
                try await HTTP.get("http://\(standby.http)/readyz")?.status == 200
            }
            workers[0].signal(SIGCONT)
            try await waitUntil("the job to go on") { standby.process.errorsSoFar.contains("partials_kept=") }
            #expect(!standby.process.errorsSoFar.contains("partials_kept=0"))
            leader.signal(SIGCONT)
            let end = try await leader.end(within: 30)
            #expect(end.status == 1)
            #expect(end.errors.contains("another coordinator has taken over"))

            try await waitUntil("the job", seconds: 60) {
                try await cluster.value("SELECT state FROM jobs WHERE job_id = \(job)") == "done"
            }
            let digest = try await cluster.value("SELECT digest FROM jobs WHERE job_id = \(job)")
            #expect(digest == undisturbed["digest"] as? String)
            #expect(!workers.contains { $0.hasEnded }, "the workers did not stay")
        }

        @Test("A standby takes over at once from a coordinator that leaves in order", .timeLimit(.minutes(5)))
        func orderly() async throws {
            let cluster = try await TestCluster(workers: 0)
            let standby = try Standby(of: cluster)
            try await waitUntil("the standby to stand by") { standby.process.errorsSoFar.contains("standing by") }
            try await cluster.stopCoordinator()
            // Sooner than silence would tell.
            try await waitUntil("the standby to take over", seconds: 6) { standby.process.errorsSoFar.contains("taking over") }
            try await waitUntil("the standby") { try await HTTP.get("http://\(standby.http)/readyz")?.status == 200 }
            standby.process.signal(SIGTERM)
            #expect(try await standby.process.end(within: 30).status == 0)
        }

        /// A coordinator as on another host: addresses and a state folder of its own; only the kept work is shared.
        private struct Standby {
            let state: ScratchFolder
            let bind: String
            let http: String
            let process: ChildProcess

            init(of cluster: TestCluster) throws {
                state = try ScratchFolder()
                bind = "tcp://127.0.0.1:\(try freePort())"
                http = "127.0.0.1:\(try freePort())"
                process = try ChildProcess(
                    Place.program("alphagrid"),
                    ["coordinator", "--database", cluster.database, "--bind", bind, "--http", http, "--state", state.path]
                        + ["--standby", "--job-logs", cluster.state.file("jobs")])
            }
        }
    }
}
