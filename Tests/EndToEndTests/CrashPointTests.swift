import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// A coordinator that is killed at any step of its work leaves nothing that the next one cannot go on from.
    @Suite struct CrashPointTests {
        /// What a sweep needs: data in a database, and a worker that stays throughout.
        private struct Stage {
            var folder: ScratchFolder
            var database: String
            var bind: String
            var worker: ChildProcess

            init(alphas: Int, days: Int) async throws {
                folder = try ScratchFolder()
                database = try PrivateDatabase.make()
                bind = "tcp://127.0.0.1:\(try freePort())"
                let environment: [String: String?] = ["ALPHAGRID_STATE": folder.path, "ALPHAGRID_DATABASE": database]
                let file = try await TestData.synthetic(folder, alphas: alphas, days: days)
                for arguments in [["db", "init"], ["db", "import", file, "--region", "USA"]] {
                    try await succeed(Place.program("alphagrid"), arguments, environment: environment)
                }
                worker = try ChildProcess(
                    Place.program("alphagrid-worker"), ["--connect", bind, "--slots", "2", "--memory", "256MiB"])
            }

            func coordinator(_ kind: String, after: Int, _ more: [String] = []) throws -> ChildProcess {
                try ChildProcess(
                    Place.program("alphagrid-crash"),
                    ["--database", database, "--bind", bind, "--state", folder.path, "--region", "USA", "--kind", kind]
                        + ["--after", "\(after)"] + more)
            }

            /// Runs a job to its end.
            func job(_ kind: String, after: Int) async throws -> (id: Int, digest: String, log: String) {
                let outcome = try await coordinator(kind, after: after).end(within: 60)
                try #require(outcome.status == 0, "\(outcome.errors.suffix(2_000))")
                let view = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
                #expect(view?["state"] as? String == "done", "\(view?["error"] as Any)")
                return (
                    try #require(view?["job_id"] as? Int ?? view?["jobID"] as? Int), try #require(view?["digest"] as? String),
                    outcome.errors
                )
            }

            /// Ends a coordinator at a step, and lets the next one finish.
            func crash(
                _ kind: String, at step: String, time: Int, after: Int
            ) async throws -> (id: Int, digest: String, log: String) {
                let victim = try coordinator(kind, after: after, ["--at", step, "--time", "\(time)"])
                let outcome = try await victim.end(within: 60)
                #expect(outcome.status == 128 + SIGKILL, "step \(step), time \(time), was not reached: \(outcome.status)")
                return try await job(kind, after: after)
            }
        }

        @Test("Killed at every labelled step, it ends with the same result", .timeLimit(.minutes(10)))
        func everyStep() async throws {
            let stage = try await Stage(alphas: 120, days: 120)
            let steps = try await succeed(
                Place.program("alphagrid-crash"), ["--database", "", "--bind", "", "--state", "", "--region", "", "--list"]
            ).split(separator: "\n").map(String.init)
            #expect(steps.count >= 18)
            let undisturbed = try await stage.job("correlation", after: 0)
            let rows = try await rows(stage)
            #expect(rows.count == 120)
            _ = try await PrivateDatabase.rows(
                stage.database,
                "INSERT INTO webhooks (url, events, secret) VALUES ('https://hooks.example.com', '{job.done}', 'x')")
            var last = undisturbed.id
            for (step, time) in steps.flatMap({ step in Self.times(step).map { (step, $0) } }) {
                let resumed = try await stage.crash("correlation", at: step, time: time, after: last)
                #expect(resumed.id == last + 1, "step \(step), time \(time): the job was lost or doubled")
                #expect(resumed.digest == undisturbed.digest, "step \(step), time \(time)")
                #expect(try await self.rows(stage) == rows, "step \(step), time \(time)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: stage.folder.file("jobs")) == [])
                let told = try await PrivateDatabase.rows(
                    stage.database, "SELECT event, body::jsonb #>> '{job,job_id}' FROM webhook_deliveries ORDER BY 1, 2")
                #expect(told == [["job.done", "\(resumed.id)"]], "step \(step), time \(time): its end was told")
                _ = try await PrivateDatabase.rows(stage.database, "DELETE FROM webhook_deliveries")
                last = resumed.id
                print("killed at \(step), time \(time): resumed with the same result")
            }
            #expect(!stage.worker.hasEnded, "the worker did not stay")
        }

        @Test("What was merged is not computed again, also of a job of many rounds", .timeLimit(.minutes(5)))
        func workIsKept() async throws {
            let stage = try await Stage(alphas: 120, days: 120)
            let undisturbed = try await stage.job("clusters", after: 0)
            let resumed = try await stage.crash("clusters", at: "partialMerged", time: 30, after: undisturbed.id)
            #expect(resumed.digest == undisturbed.digest)
            let kept = try #require(resumed.log.split(separator: "partials_kept=").last?.prefix { $0.isNumber })
            #expect(Int(kept).map { $0 >= 29 } == true, "\(kept) partials were kept")
        }

        /// Steps that come often are tried early and late.
        private static func times(_ step: String) -> [Int] {
            let often = ["leaseSent", "resultReceived", "partialLogged", "partialMerged", "resultAcknowledged"]
            return often.contains(step) ? [1, 20] : [1]
        }

        /// What readers see, but for numbers of jobs and times.
        private func rows(_ stage: Stage) async throws -> [[String]] {
            try await PrivateDatabase.rows(
                stage.database,
                """
                SELECT alpha_id, min_correlation, max_correlation, avg_correlation, median_correlation, pair_count,
                    most_correlated_alpha_id FROM correlation_usa_jobs
                WHERE job_id = (SELECT max(job_id) FROM jobs WHERE state = 'done') ORDER BY alpha_id
                """)
        }
    }
}
