import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

// The same bits for any number of workers and any failure.
extension EndToEnd.ClustersTests {
    /// Every method, in small blocks, so that there are many tasks and stages.
    private static let request: [String: any Sendable] = [
        "kind": "clusters", "region": "USA", "window": "all", "block_edge": 16,
        "params": [
            "methods": "umap,tsne,hdbscan,dbscan,average,ward,kmeans,pca,mst", "perplexity": "10", "clusters": "6",
            "bootstrap": "3", "consensus": "true",
        ],
    ]

    private func digest(_ view: [String: Any]) throws -> String {
        let digest = try #require(view["digest"] as? String)
        #expect(digest.count == 64)
        return digest
    }

    @Test(
        "The digest of all methods is the same with 1, 2 and 5 workers, and another with another seed",
        .timeLimit(.minutes(5)))
    func workerCount() async throws {
        let cluster = try await TestCluster(workers: 1)
        try await cluster.alphagrid(
            "db", "import", try await TestData.groups(cluster.state, alphas: 150).pnl, "--region", "USA")
        var digests: Set<String> = []
        for count in [1, 2, 5] {
            while cluster.workers.count < count { try cluster.startWorker() }
            try await cluster.waitForWorkers(count)
            digests.insert(try digest(await cluster.finish(try await cluster.submit(Self.request))))
        }
        #expect(digests.count == 1, "\(digests)")
        var other = Self.request
        other["params"] = (other["params"] as? [String: String])?.merging(["seed": "7"]) { $1 }
        #expect(!digests.contains(try digest(await cluster.finish(try await cluster.submit(other)))))
    }

    @Test("Workers killed with tasks in hand, in the first stage and in a later one, change no bit", .timeLimit(.minutes(5)))
    func killedWorker() async throws {
        let cluster = try await TestCluster(workers: 1)
        try await cluster.alphagrid(
            "db", "import", try await TestData.groups(cluster.state, alphas: 150).pnl, "--region", "USA")
        let undisturbed = try digest(await cluster.finish(try await cluster.submit(Self.request)))
        // A worker that is frozen before the job begins takes leases and answers none of them.
        let (first, second) = (try cluster.startWorker(), try cluster.startWorker())
        try await cluster.waitForWorkers(3)
        first.signal(SIGSTOP)
        let job = try await cluster.submit(Self.request)
        func stages() async throws -> [[String: Any]] { try await cluster.job(job)["stages"] as? [[String: Any]] ?? [] }
        try await waitUntil("tasks that are done") {
            try await stages().contains { ($0["tasks_done"] as? Int ?? 0) > 0 }
        }
        first.signal(SIGKILL)
        try await waitUntil("a second stage") { try await stages().count > 1 }
        second.signal(SIGKILL)
        #expect(try digest(await cluster.finish(job)) == undisturbed)
        try await cluster.waitForWorkers(1)
    }
}
