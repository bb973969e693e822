import Foundation
import Synchronization
import Testing

extension EndToEnd {
    /// Several regions at once, and readers meanwhile.
    @Suite struct RegionsTests {
        private func twoRegions(workers: Int) async throws -> TestCluster {
            let cluster = try await TestCluster(workers: workers)
            let usa = try await TestData.synthetic(cluster.state, region: "USA", alphas: 120, days: 300)
            let chn = try await TestData.synthetic(cluster.state, region: "CHN", alphas: 90, days: 280, layout: "long")
            try await cluster.alphagrid("db", "import", usa, "--region", "USA")
            try await cluster.alphagrid("db", "import", chn, "--region", "CHN")
            return cluster
        }

        private static func request(_ region: String, priority: Int = 0) -> [String: Any] {
            ["kind": "correlation", "region": region, "block_edge": 8, "priority": priority]
        }

        @Test("Two regions queued together both come out, and a recompute of one changes only its rows", .timeLimit(.minutes(5)))
        func together() async throws {
            let cluster = try await twoRegions(workers: 2)
            let jobs = [
                try await cluster.submit(Self.request("USA")), try await cluster.submit(Self.request("CHN")),
            ]
            for job in jobs { try await cluster.finish(job) }
            let fingerprint = "SELECT md5(string_agg(c::text, '|' ORDER BY alpha_id)), count(*) FROM "
            let usa = try await cluster.sql(fingerprint + "correlation_usa c")
            let chn = try await cluster.sql(fingerprint + "correlation_chn c")
            #expect(usa.first?.last == "120" && chn.first?.last == "90")

            try await cluster.finish(try await cluster.submit(Self.request("USA", priority: 100)))
            #expect(try await cluster.sql(fingerprint + "correlation_usa c") != usa, "last_updated and job_id are new")
            #expect(try await cluster.sql(fingerprint + "correlation_chn c") == chn)
            let values = "SELECT count(*), count(DISTINCT job_id), sum(pair_count) FROM correlation_usa"
            #expect(try await cluster.sql(values).first?[1] == "1")
        }

        @Test("A region wanted on demand overtakes bulk work that was queued before it", .timeLimit(.minutes(5)))
        func onDemand() async throws {
            let cluster = try await twoRegions(workers: 0)
            let bulk = try await cluster.submit(Self.request("USA"))
            let urgent = try await cluster.submit(Self.request("CHN", priority: 100))
            // Only now is there anybody to work: both are waiting, the bulk job first.
            for job in [bulk, urgent] {
                try await waitUntil("job \(job) to be cut into tasks") {
                    try await cluster.job(job)["state"] as? String == "running"
                }
            }
            try cluster.startWorker()
            try await cluster.finish(urgent)
            try await cluster.finish(bulk)
            let order = try await cluster.sql("SELECT job_id FROM jobs ORDER BY finished_at")
            #expect(order == [["\(urgent)"], ["\(bulk)"]])
        }

        @Test("Whoever polls correlation_usa while it is published sees only complete versions", .timeLimit(.minutes(5)))
        func readers() async throws {
            let cluster = try await twoRegions(workers: 2)
            let database = cluster.database
            let published = Atomic(false)
            async let seen = {
                var versions: Set<[String]> = []
                while !published.load(ordering: .relaxed) {
                    versions.formUnion(
                        try await PrivateDatabase.rows(
                            database, "SELECT count(*), count(DISTINCT job_id), count(DISTINCT last_updated) FROM correlation_usa"
                        ))
                }
                return versions
            }()
            for _ in 0..<5 { try await cluster.finish(try await cluster.submit(Self.request("USA"))) }
            published.store(true, ordering: .relaxed)
            let versions = try await seen
            #expect(versions.contains(["120", "1", "1"]))
            #expect(versions.isSubset(of: [["0", "0", "0"], ["120", "1", "1"]]), "\(versions)")
        }

        @Test("An alpha that is removed leaves the published rows with the next publication", .timeLimit(.minutes(5)))
        func removal() async throws {
            let cluster = try await twoRegions(workers: 1)
            try await cluster.finish(try await cluster.submit(Self.request("CHN")))
            try await cluster.alphagrid("db", "remove", "SYN_CHN_0007")
            try await cluster.finish(try await cluster.submit(Self.request("CHN")))
            #expect(try await cluster.value("SELECT count(*) FROM correlation_chn") == "89")
            #expect(try await cluster.value("SELECT max(pair_count) <= 88 FROM correlation_chn") == "t")
        }
    }
}
