import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// Core types of OpenBLAS: chosen by measuring, and changed when a job needs another one. The measurements are made up,
    /// in the file that workers keep them in.
    @Suite struct CoreTypeTests {
        /// A cache folder of its own, and nothing inherited.
        private let cache: ScratchFolder
        private var environment: [String: String?] {
            ["XDG_CACHE_HOME": cache.path, "OPENBLAS_CORETYPE": nil, "OPENBLAS_L2_SIZE": nil]
        }
        private var file: String { cache.file("alphagrid/core-types.json") }

        init() throws { cache = try ScratchFolder() }

        private func describe(_ arguments: String..., inherited: [String: String?] = [:]) async throws -> [String: Any] {
            let text = try await succeed(
                Place.program("alphagrid-worker"), ["--describe"] + arguments,
                environment: environment.merging(inherited) { _, new in new })
            return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        private func names(_ description: [String: Any]) -> [String] {
            (description["core_types"] as? [[String: Any]] ?? []).compactMap { $0["core_type"] as? String }
        }

        /// Lets the program make the file, then changes what it says of the speeds.
        ///
        /// - Returns: OpenBLAS's own choice and another core type; nil on a CPU that can run only one.
        private func makeUp(_ ownSpeed: Double, _ otherSpeed: Double) async throws -> (own: String, other: String)? {
            let measured = names(try await describe())
            let data = try #require(FileManager.default.contents(atPath: file))
            var entries = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
            var survey = try #require(entries[0]["survey"] as? [String: Any])
            let own = try #require(survey["own"] as? String)
            guard let other = measured.first(where: { $0 != own }) else { return nil }
            survey["speeds"] = (survey["speeds"] as? [[String: Any]] ?? []).map { speed in
                var speed = speed
                let name = speed["core_type"] as? String
                let made = name == own ? ownSpeed : name == other ? otherSpeed : 1
                speed["float32_gigaflops_per_second"] = 2 * made
                speed["float64_gigaflops_per_second"] = made
                return speed
            }
            entries[0]["survey"] = survey
            try JSONSerialization.data(withJSONObject: entries).write(to: URL(fileURLWithPath: file))
            return (own, other)
        }

        @Test("A worker runs the fastest core type it has measured, whatever it inherited, and the one it is told to")
        func fastest() async throws {
            guard let (own, other) = try await makeUp(10, 20) else { return }
            for inherited in [nil, own, other, "Nonsense"] {
                let description = try await describe(inherited: ["OPENBLAS_CORETYPE": inherited])
                #expect(description["core_type"] as? String == other, "inherited \(inherited ?? "nothing")")
                #expect(description["peak_float32_gigaflops_per_second"] as? Double == 40)
                #expect(description["peak_float64_gigaflops_per_second"] as? Double == 20)
                #expect(names(description).first == other && names(description).contains(own))
            }
            let told = try await describe("--blas-core", own, inherited: ["OPENBLAS_CORETYPE": other])
            #expect(told["core_type"] as? String == own)
            #expect(names(told) == [own], "it does not offer to change")
        }

        @Test("Without a place to keep measurements a worker measures, and works", arguments: ["/dev/null", "/proc/1/nowhere"])
        func nowhere(folder: String) async throws {
            let description = try await describe(inherited: ["XDG_CACHE_HOME": folder])
            #expect((description["peak_float64_gigaflops_per_second"] as? Double ?? 0) > 0)
        }

        @Test(
            "A worker of another core type than the job's starts again with it, and computes the same bits as the others",
            .timeLimit(.minutes(5)))
        func changes() async throws {
            // Two slots with the other core type give more than one with the fastest.
            guard let (own, other) = try await makeUp(100, 90) else { return }
            let cluster = try await TestCluster(workers: 0)
            let data = try await TestData.synthetic(cluster.state, alphas: 300, days: 300)
            try await cluster.alphagrid("db", "import", data, "--region", "USA")
            let told = try cluster.startWorker(arguments: ["--name", "told", "--blas-core", other], environment: environment)
            let free = try cluster.startWorker(arguments: ["--name", "free"], environment: environment)
            try await cluster.waitForWorkers(2)
            #expect(try await view("told", cluster)?.core == other)
            #expect(try await view("free", cluster)?.core == own)
            #expect(try await view("free", cluster)?.peak == 100)

            let descriptors = try openDescriptors(free)

            // Held back, so that there is something left to do for the other one.
            told.signal(SIGSTOP)
            let request: [String: any Sendable] = ["kind": "correlation", "region": "USA", "window": "all", "block_edge": 8]
            let job = try await cluster.submit(request)
            try await waitUntil("the other worker to take part") {
                let view = try await view("free", cluster)
                return view?.core == other && (view?.done ?? 0) > 0
            }
            told.signal(SIGCONT)
            let both = try await cluster.finish(job)
            #expect((both["profile"] as? String)?.contains("/\(other)/") == true)
            #expect(try await view("free", cluster)?.peak == 90)
            #expect(free.errorsSoFar.contains("starting again with core type \(other)"))
            #expect(!free.hasEnded, "the same process goes on")
            #expect(try openDescriptors(free) <= descriptors, "it keeps sockets of the program it was before")

            // One process alone, which measures likewise.
            _ = try await makeUp(90, 100)
            let text = try await succeed(
                Place.program("alphagrid"),
                ["correlate", data, "--window", "all", "--block-edge", "8", "--format", "json", "--quiet"],
                environment: environment)
            let alone = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(alone["profile"] as? String == both["profile"] as? String)
            #expect(try #require(alone["digest"] as? String) == both["digest"] as? String)
        }

        private func openDescriptors(_ process: ChildProcess) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count
        }

        private func view(_ name: String, _ cluster: TestCluster) async throws -> (core: String, peak: Double?, done: Int)? {
            let workers = try await cluster.json("/v1/workers")["workers"] as? [[String: Any]]
            guard let worker = workers?.first(where: { $0["worker"] as? String == name }) else { return nil }
            // openblas-VERSION/CORE/eN
            let parts = (worker["profile"] as? String ?? "").split(separator: "/")
            return (
                parts.count == 3 ? String(parts[1]) : "", worker["peak_float64_gigaflops_per_second"] as? Double,
                worker["tasks_done"] as? Int ?? 0
            )
        }
    }
}
