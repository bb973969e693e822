import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// `alphagrid up`: a whole cluster of one command.
    @Suite struct UpTests {
        /// Processes whose command line names a folder.
        private func processes(of folder: ScratchFolder) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap { pid in
                guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"), !data.isEmpty else { return nil }
                let line = String(decoding: data.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
                return line.contains(folder.path) ? "\(pid) \(line)" : nil
            }
        }

        /// What watches over the others ends a moment after them.
        private func expectNoProcess(of folder: ScratchFolder, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            for _ in 0..<50 where try !processes(of: folder).isEmpty { try await Task.sleep(for: .milliseconds(100)) }
            #expect(try processes(of: folder) == [], sourceLocation: sourceLocation)
        }

        private func start(_ folder: ScratchFolder, workers: Int) async throws -> ChildProcess {
            let up = try ChildProcess(
                Place.program("alphagrid"), ["up", "--workers", "\(workers)", "--state", folder.path],
                environment: ["NO_COLOR": "1"])
            let environment = ["ALPHAGRID_STATE": folder.path]
            try await waitUntil("\(workers) workers of alphagrid up", seconds: 90) {
                try #require(!up.hasEnded, "it ended: \(up.errorsSoFar.suffix(2_000))")
                let status = try await run(Place.program("alphagrid"), ["status", "--json"], environment: environment)
                guard status.status == 0 else { return false }
                let answer = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
                let view = answer?["status"] as? [String: Any] ?? answer
                return view?["workers_connected"] as? Int == workers
            }
            return up
        }

        @Test(
            "It starts, takes an import and a job, stops on SIGTERM leaving no process, and finds its data again",
            .timeLimit(.minutes(5)))
        func upAndDown() async throws {
            let folder = try ScratchFolder()
            let environment = ["ALPHAGRID_STATE": folder.path]
            let file = try await TestData.synthetic(folder, alphas: 60, days: 200)
            let alphagrid = Place.program("alphagrid")

            let first = try await start(folder, workers: 2)
            try await succeed(alphagrid, ["db", "import", file, "--region", "USA"], environment: environment)
            try await succeed(alphagrid, ["run", "correlation", "--region", "USA", "--wait"], environment: environment)
            first.signal(SIGTERM)
            let ended = try await first.end(within: 60)
            #expect(ended.status == 0, "\(ended.errors.suffix(2_000))")
            try await expectNoProcess(of: folder)

            let second = try await start(folder, workers: 1)
            let jobs = try await succeed(alphagrid, ["jobs", "list", "--json"], environment: environment)
            #expect(jobs.contains("correlation_usa"))
            try await succeed(alphagrid, ["run", "correlation", "--region", "USA", "--wait"], environment: environment)
            // Ctrl-C in a terminal.
            second.signal(SIGINT)
            #expect(try await second.end(within: 60).status == 0)
            try await expectNoProcess(of: folder)
        }

        @Test("Beside a coordinator that runs on the state folder it makes nothing there, and says so", .timeLimit(.minutes(5)))
        func besideCoordinator() async throws {
            let cluster = try await TestCluster(workers: 0, hasKeys: true)
            func files() throws -> [String] {
                try FileManager.default.subpathsOfDirectory(atPath: cluster.state.path)
                    .filter { !$0.hasSuffix("up.lock") && !$0.hasPrefix("panels") }.sorted()
            }
            let (before, list) = (try files(), try String(contentsOfFile: cluster.state.file("keys/workers"), encoding: .utf8))
            let outcome = try await cluster.attempt("up", "--workers", "1")
            #expect(outcome.status == 1 && outcome.errors.contains("a coordinator already runs on"), "\(outcome.errors)")
            #expect(try files() == before)
            #expect(try String(contentsOfFile: cluster.state.file("keys/workers"), encoding: .utf8) == list)
        }

        @Test("A second one of the same state folder says so and leaves the first alone", .timeLimit(.minutes(5)))
        func twice() async throws {
            let folder = try ScratchFolder()
            let first = try await start(folder, workers: 1)
            let second = try await run(Place.program("alphagrid"), ["up", "--workers", "1", "--state", folder.path])
            #expect(second.status == 1)
            #expect(second.errors.contains(folder.path), "\(second.errors)")
            #expect(!first.hasEnded)
            let status = try await run(Place.program("alphagrid"), ["status"], environment: ["ALPHAGRID_STATE": folder.path])
            #expect(status.status == 0)
            first.signal(SIGTERM)
            #expect(try await first.end(within: 60).status == 0)
        }

        @Test(
            "A killed worker and a killed database are started again, and a job runs as before", .timeLimit(.minutes(5)))
        func killed() async throws {
            let folder = try ScratchFolder()
            let environment = ["ALPHAGRID_STATE": folder.path]
            let file = try await TestData.synthetic(folder, alphas: 60, days: 200)
            let alphagrid = Place.program("alphagrid")
            let up = try await start(folder, workers: 1)
            try await succeed(alphagrid, ["db", "import", file, "--region", "USA"], environment: environment)

            let listed = try await succeed(alphagrid, ["workers", "list", "--json"], environment: environment)
            let answer = try JSONSerialization.jsonObject(with: Data(listed.utf8)) as? [String: Any]
            let worker = try #require((answer?["workers"] as? [[String: Any]])?.first?["process_id"] as? Int)
            kill(pid_t(worker), SIGKILL)
            try await waitUntil("the end of the worker to be told") { up.errorsSoFar.contains("worker-1 ended: ") }
            let line = try #require(up.errorsSoFar.split(separator: "\n").first { $0.hasPrefix("worker-1 ended: ") })
            #expect(
                line == "worker-1 ended: signal 9 (Killed), log in \(folder.path)/logs/worker-1.log; starting it again in 0.5 s")

            kill(try postmaster(folder), SIGKILL)
            try await waitUntil("the database to run again") { up.errorsSoFar.contains("PostgreSQL runs again") }
            #expect(up.errorsSoFar.contains("PostgreSQL ended, log in \(folder.path)/postgres/server.log; starting it again"))
            let outcome = try await waitFor("a job to be taken") {
                let outcome = try await run(
                    alphagrid, ["run", "correlation", "--region", "USA", "--wait"], environment: environment)
                return outcome.status == 4 ? nil : outcome
            }
            #expect(outcome.status == 0, "\(outcome.errors)")
            up.signal(SIGTERM)
            #expect(try await up.end(within: 60).status == 0)
            try await expectNoProcess(of: folder)
        }

        @Test("A database that cannot be started again ends the cluster with a sentence", .timeLimit(.minutes(5)))
        func databaseGone() async throws {
            let folder = try ScratchFolder()
            let up = try await start(folder, workers: 1)
            let server = try postmaster(folder)
            try "nonsense\n".write(toFile: folder.file("postgres/data/postgresql.conf"), atomically: false, encoding: .utf8)
            kill(server, SIGKILL)
            let ended = try await up.end(within: 120)
            #expect(ended.status == 1)
            let sentence = "error: PostgreSQL did not start in \(folder.path)/postgres: "
            #expect(ended.errors.split(separator: "\n").last?.hasPrefix(sentence) == true, "\(ended.errors)")
            try await expectNoProcess(of: folder)
        }

        private func postmaster(_ folder: ScratchFolder) throws -> pid_t {
            let text = try String(contentsOfFile: folder.file("postgres/data/postmaster.pid"), encoding: .utf8)
            return try #require(text.split(separator: "\n").first.flatMap { pid_t($0) })
        }
    }
}
