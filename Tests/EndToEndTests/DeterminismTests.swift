import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// The same bits for any number of workers and any failure.
    @Suite struct DeterminismTests {
        /// Small blocks, so that there are many tasks.
        private static let request: [String: any Sendable] = [
            "kind": "correlation", "region": "USA", "window": "all", "block_edge": 8, "fresh": true,
        ]

        private func digest(_ view: [String: Any]) throws -> String {
            let digest = try #require(view["digest"] as? String)
            #expect(digest.count == 64)
            return digest
        }

        @Test(
            "The digest is the same with 1, 2 and 5 workers, and alphagrid correlate alone says the same", .timeLimit(.minutes(5))
        )
        func workerCount() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 160, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            var digests: [String] = []
            for count in [1, 2, 5] {
                while cluster.workers.count < count { try cluster.startWorker() }
                try await cluster.waitForWorkers(count)
                digests.append(try digest(await cluster.finish(try await cluster.submit(Self.request))))
            }
            let alone = try await cluster.alphagrid(
                "correlate", file, "--window", "all", "--block-edge", "8", "--format", "json", "--quiet")
            let answer = try JSONSerialization.jsonObject(with: Data(alone.utf8)) as? [String: Any]
            digests.append(try digest(try #require(answer)))
            #expect(Set(digests).count == 1, "\(digests)")
        }

        @Test(
            "A worker killed with tasks in hand costs time, never a bit: its tasks go to the other one", .timeLimit(.minutes(5)))
        func killedWorker() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 160, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let undisturbed = try digest(await cluster.finish(try await cluster.submit(Self.request)))

            // A worker that is frozen before the job begins takes leases and answers none of them.
            let victim = try cluster.startWorker()
            try await cluster.waitForWorkers(2)
            victim.signal(SIGSTOP)
            let job = try await cluster.submit(Self.request)
            try await waitUntil("half of the tasks") {
                let stages = try await cluster.job(job)["stages"] as? [[String: Any]] ?? []
                let done = stages.reduce(0) { $0 + ($1["tasks_done"] as? Int ?? 0) }
                let total = stages.reduce(0) { $0 + ($1["tasks_total"] as? Int ?? 0) }
                return done * 2 >= total && total > 0
            }
            victim.signal(SIGKILL)
            #expect(try digest(await cluster.finish(job)) == undisturbed)
            try await cluster.waitForWorkers(1)
        }
    }
}
