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
            let workers = try await twoWorkers(cluster, standby)
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
            let resumed = try await cluster.sql(
                "SELECT resumed, partials_kept > 0, started_at < resumed_at, resumed_at < finished_at FROM jobs "
                    + "WHERE job_id = \(job)")
            #expect(resumed == [["1", "t", "t", "t"]])
            let takeovers = try await cluster.sql(
                "SELECT subject, coalesce(detail->>'keys_before', '-') FROM audit_log "
                    + "WHERE action = 'coordinator took over' ORDER BY audit_id")
            #expect(takeovers == [["epoch 1", "-"], ["epoch 2", "none"]])
            #expect(!workers.contains { $0.hasEnded }, "the workers did not stay")
        }

        @Test(
            "A coordinator that is killed and started again goes on at once, with its work, though another stands by without it",
            .timeLimit(.minutes(5)))
        func startedAgain() async throws {
            let cluster = try await TestCluster(workers: 0)
            let file = try await TestData.synthetic(cluster.state, alphas: 400, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let standby = try Standby(of: cluster, sharesFiles: false)
            let workers = try await twoWorkers(cluster, standby)
            try await waitUntil("the standby") { standby.process.errorsSoFar.contains("standing by") }
            workers[0].signal(SIGSTOP)
            let job = try await cluster.submit([
                "kind": "correlation", "region": "USA", "window": "all", "block_edge": 8, "fresh": true,
            ])
            try await waitUntil("some partials on the disk") {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: cluster.state.file("jobs"))) ?? []
                return !names.isEmpty
            }
            try await cluster.killCoordinator()
            try await cluster.startCoordinator("--standby")
            workers[0].signal(SIGCONT)
            try await waitUntil("the job", seconds: 60) {
                try await cluster.value("SELECT state FROM jobs WHERE job_id = \(job)") == "done"
            }
            let resumed = try await cluster.sql("SELECT resumed, partials_kept > 0 FROM jobs WHERE job_id = \(job)")
            #expect(resumed == [["1", "t"]])
            // Had it waited for silence, the other one, which has watched for longer, would have led.
            #expect(try await cluster.value("SELECT epoch FROM coordinator_lease") == "2")
            #expect(try await HTTP.get("http://\(standby.http)/readyz")?.status == 503)
            // Whoever led before the other one has no such right any more.
            try await cluster.killCoordinator()
            try await waitUntil("the standby to lead", seconds: 40) {
                try await HTTP.get("http://\(standby.http)/readyz")?.status == 200
            }
            let late = try ChildProcess(
                Place.program("alphagrid"),
                [
                    "coordinator", "--database", cluster.database, "--bind", cluster.bind, "--http", cluster.http, "--state",
                    cluster.state.path, "--standby",
                ])
            try await waitUntil("it to stand by") { late.errorsSoFar.contains("standing by") }
            #expect(try await HTTP.get("http://\(standby.http)/readyz")?.status == 200)
            #expect(try await cluster.value("SELECT epoch FROM coordinator_lease") == "3")
        }

        @Test(
            "A coordinator that is asked to stop while it publishes keeps its lease until the rows are there",
            .timeLimit(.minutes(3)))
        func stopsWhilePublishing() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 40, days: 200)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let request: [String: any Sendable] = ["kind": "correlation", "region": "USA", "block_edge": 8, "fresh": true]
            try await cluster.finish(try await cluster.submit(request))
            let standby = try Standby(of: cluster)
            try await waitUntil("the standby") { standby.process.errorsSoFar.contains("standing by") }

            // Somebody else holds the table for longer than a standby waits for a sign of life.
            let database = cluster.database
            async let blocked = PrivateDatabase.rows(
                database, "BEGIN; LOCK TABLE correlation_usa IN SHARE MODE; SELECT pg_sleep(16); COMMIT")
            try await Task.sleep(for: .milliseconds(500))
            let job = try await cluster.submit(request)
            try await waitUntil("the job to publish") { try await cluster.job(job)["state"] as? String == "publishing" }
            try await cluster.stopCoordinator()
            _ = try await blocked
            #expect(try await cluster.sql("SELECT state, resumed FROM jobs WHERE job_id = \(job)") == [["done", ""]])
            try await waitUntil("the standby to lead", seconds: 40) {
                try await HTTP.get("http://\(standby.http)/readyz")?.status == 200
            }
        }

        @Test("A job whose row is there though nobody is at it is taken up", .timeLimit(.minutes(2)))
        func forgottenRow() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 20, days: 100)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let done = try await cluster.submit(["kind": "correlation", "region": "USA", "block_edge": 8, "fresh": true])
            let digest = try await cluster.finish(done)["digest"] as? String
            // As a commit leaves it whose answer was lost.
            _ = try await cluster.sql(
                "UPDATE jobs SET state = 'queued', digest = NULL, finished_at = NULL WHERE job_id = \(done)")
            try await waitUntil("the job to be done again", seconds: 60) {
                try await cluster.value("SELECT state FROM jobs WHERE job_id = \(done)") == "done"
            }
            #expect(try await cluster.sql("SELECT digest, resumed FROM jobs WHERE job_id = \(done)") == [[digest ?? "?", "1"]])
            #expect(cluster.coordinator?.errorsSoFar.contains("job taken up, which nobody was at") == true)
        }

        @Test(
            "A standby that sees none of the leader's files goes on from the database, with the workers that are there",
            .timeLimit(.minutes(5)))
        func withoutFiles() async throws {
            let cluster = try await TestCluster(workers: 0)
            let file = try await TestData.synthetic(cluster.state, alphas: 400, days: 300)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let request: [String: any Sendable] = [
                "kind": "clusters", "region": "USA", "window": "all", "block_edge": 64,
                "params": ["methods": "average", "bootstrap": "500", "clusters": "6"],
            ]
            let standby = try Standby(of: cluster, sharesFiles: false)
            let workers = try await twoWorkers(cluster, standby)
            let undisturbed = try await cluster.finish(try await cluster.submit(request))

            // From when samples are drawn a job waits for a frozen worker, until what the other one has done is written down.
            func submitAndWaitForRows() async throws -> Int {
                let job = try await cluster.submit(request)
                try await waitUntil("samples") {
                    let stages = try await cluster.job(job)["stages"] as? [[String: Any]]
                    return stages?.contains { $0["name"] as? String == "resample average" } == true
                }
                workers[0].signal(SIGSTOP)
                try await waitUntil("partials of job \(job) in the database") {
                    try await cluster.value("SELECT count(*) FROM job_partials WHERE job_id = \(job)") != "0"
                }
                return job
            }
            let unwanted = try await submitAndWaitForRows()
            try await cluster.alphagrid("jobs", "cancel", "\(unwanted)")
            try await waitUntil("its partials to go") { try await cluster.value("SELECT count(*) FROM job_partials") == "0" }
            workers[0].signal(SIGCONT)

            let job = try await submitAndWaitForRows()
            let bytes = try await cluster.value("SELECT sum(octet_length(records)) <= 256 * 400 FROM job_partials")
            #expect(bytes == "t")
            try await cluster.killCoordinator()
            workers[0].signal(SIGCONT)
            try await waitUntil("the standby", seconds: 40) {
                try await HTTP.get("http://\(standby.http)/readyz")?.status == 200
            }
            try await waitUntil("the job", seconds: 60) {
                try await cluster.value("SELECT state FROM jobs WHERE job_id = \(job)") == "done"
            }
            let digest = try await cluster.value("SELECT digest FROM jobs WHERE job_id = \(job)")
            #expect(digest == undisturbed["digest"] as? String)
            // The digest does not say what the samples were for.
            func figures(_ job: Int) async throws -> [[String]] {
                try await cluster.sql(
                    """
                    SELECT (to_jsonb(m) - 'job_id' - 'last_updated')::text FROM alpha_cluster_methods_usa_jobs m
                    WHERE job_id = \(job) ORDER BY 1
                    """)
            }
            let (expected, found) = (try await figures(try #require(undisturbed["job_id"] as? Int)), try await figures(job))
            #expect(found == expected && !expected.isEmpty && expected.joined().contains { $0.contains("stability") })
            let resumed = try await cluster.sql("SELECT resumed, partials_kept > 0 FROM jobs WHERE job_id = \(job)")
            #expect(resumed == [["1", "t"]], "\(standby.process.errorsSoFar.suffix(2_000))")
            try await waitUntil("its partials to go") { try await cluster.value("SELECT count(*) FROM job_partials") == "0" }
            #expect(!workers.contains { $0.hasEnded }, "the workers did not stay")
        }

        @Test(
            "What the database holds of a job does not tie it to workers that are gone with their host",
            .timeLimit(.minutes(5)))
        func foreignWorkers() async throws {
            let text = try await succeed(Place.program("alphagrid-worker"), ["--describe"])
            let description = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let cores = (description["core_types"] as? [[String: Any]] ?? []).compactMap { $0["core_type"] as? String }
            // A CPU with one core type cannot play two.
            guard cores.count > 1 else { return }
            let cluster = try await TestCluster(workers: 0)
            let file = try await TestData.synthetic(cluster.state, alphas: 200, days: 200)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let standby = try Standby(of: cluster, sharesFiles: false)
            func worker(_ core: String, _ bind: String) throws -> ChildProcess {
                try ChildProcess(
                    Place.program("alphagrid-worker"),
                    ["--connect", bind, "--slots", "1", "--memory", "256MiB", "--blas-core", core])
            }
            let gone = try (0..<2).map { _ in try worker(cores[1], cluster.bind) }
            try await waitUntil("the workers") { try await cluster.status()["workers_connected"] as? Int == 2 }
            let job = try await cluster.submit([
                "kind": "clusters", "region": "USA", "window": "all", "block_edge": 64,
                "params": ["methods": "average", "bootstrap": "300", "clusters": "4"],
            ])
            try await waitUntil("samples") {
                let stages = try await cluster.job(job)["stages"] as? [[String: Any]]
                return stages?.contains { $0["name"] as? String == "resample average" } == true
            }
            gone[0].signal(SIGSTOP)
            try await waitUntil("partials in the database") {
                try await cluster.value("SELECT count(*) FROM job_partials WHERE job_id = \(job)") != "0"
            }
            try await cluster.killCoordinator()
            for worker in gone { worker.signal(SIGKILL) }
            let other = try worker(cores[0], standby.bind)
            try await waitUntil("the job", seconds: 90) {
                try await cluster.value("SELECT state FROM jobs WHERE job_id = \(job)") == "done"
            }
            let resumed = try await cluster.sql(
                "SELECT resumed, coalesce(partials_kept, 0), profile LIKE '%/\(cores[0])/%' FROM jobs WHERE job_id = \(job)")
            #expect(resumed == [["1", "0", "t"]], "\(standby.process.errorsSoFar.suffix(2_000))")
            #expect(!other.hasEnded)
        }

        @Test(
            "A standby says who leads, takes over at once from a coordinator that leaves in order, and clients follow",
            .timeLimit(.minutes(5)))
        func orderly() async throws {
            let cluster = try await TestCluster(workers: 0)
            let standby = try Standby(of: cluster)
            try await waitUntil("the standby to stand by") { standby.process.errorsSoFar.contains("standing by") }
            #expect(try await HTTP.get("http://\(standby.http)/livez")?.status == 200)
            #expect(try await HTTP.get("http://\(standby.http)/readyz")?.status == 503)
            try await waitUntil("its sign of life") {
                (try await cluster.status()["standbys"] as? [[String: Any]])?.first?["url"] as? String == "http://\(standby.http)"
            }
            let token = try await cluster.alphagrid("tokens", "add", "ops", "--role", "operator")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            func status(_ url: String) async throws -> ChildProcess.Outcome {
                try await run(
                    Place.program("alphagrid"), ["status", "--url", url],
                    environment: ["ALPHAGRID_TOKEN": token, "NO_COLOR": "1"])
            }
            let (first, second) = ("http://\(cluster.http)", "http://\(standby.http)")
            let lost = try await status(second)
            #expect(lost.status == 4 && lost.errors.contains("does, at \(first)"), "\(lost.errors)")
            let told = try await run(
                Place.program("alphagrid"), ["status"],
                environment: ["ALPHAGRID_STATE": standby.state.path, "NO_COLOR": "1"])
            #expect(told.status == 4 && told.errors.contains("does, at \(first)"), "\(told.errors)")
            let led = try await status("\(second),\(first)")
            #expect(led.status == 0 && led.output.contains("standing by: ") && led.output.contains("(\(second))"), "\(led)")

            let leader = try #require(cluster.coordinator)
            try await cluster.stopCoordinator()
            #expect(leader.errorsSoFar.contains("leaving"))
            // Sooner than silence would tell.
            try await waitUntil("the standby to take over", seconds: 6) { standby.process.errorsSoFar.contains("taking over") }
            try await waitUntil("the standby") { try await HTTP.get("\(second)/readyz")?.status == 200 }
            let taken = try await status("\(first),\(second)")
            #expect(taken.status == 0 && taken.output.contains("epoch 2") && taken.output.contains("no standby"), "\(taken)")
            standby.process.signal(SIGTERM)
            #expect(try await standby.process.end(within: 30).status == 0)
        }

        @Test(
            "A coordinator without the keys of the one that leads takes over only where --insecure is typed",
            .timeLimit(.minutes(5)))
        func keyless() async throws {
            let cluster = try await TestCluster(workers: 0, hasKeys: true)
            for flags in [["--standby"], []] {
                let outcome = try await Standby(of: cluster, flags).process.end(within: 30)
                #expect(
                    outcome.status == 1 && outcome.errors.contains("coordinates this database with keys"), "\(outcome.errors)")
            }
            #expect(try await HTTP.get("http://\(cluster.http)/readyz")?.status == 200)
            #expect(try await cluster.value("SELECT epoch FROM coordinator_lease") == "1")
            let insecure = try Standby(of: cluster, ["--insecure"])
            try await waitUntil("the insecure one") { try await HTTP.get("http://\(insecure.http)/readyz")?.status == 200 }
            #expect(insecure.process.errorsSoFar.contains("since --insecure was typed"))
            // The one before may have ended by now; until then it sends everybody on.
            let request = ["kind": "correlation", "region": "USA"]
            if let answer = try? await HTTP.post("http://\(cluster.http)/v1/jobs", request, token: cluster.token()) {
                #expect(answer.status == 503 && answer.text.contains("http://\(insecure.http)"), "\(answer.text)")
            }
            #expect(
                try await cluster.value(
                    "SELECT detail->>'insecure' FROM audit_log WHERE action = 'coordinator took over' "
                        + "ORDER BY audit_id DESC LIMIT 1"
                )
                    == "true")
        }

        @Test(
            "A revoked key stays revoked whoever leads, though the list of a standby is older, until it is added again there",
            .timeLimit(.minutes(5)))
        func revokedKeys() async throws {
            let cluster = try await TestCluster(workers: 0, hasKeys: true)
            func file(_ name: String) -> String { cluster.state.file("\(name).key") }
            for name in ["first", "second", "third"] { try await cluster.alphagrid("keys", "add", name, "--out", file(name)) }
            let standby = try Standby(of: cluster, copiesKeys: true)
            let copy = standby.state.file("keys")
            try await waitUntil("the standby to stand by") { standby.process.errorsSoFar.contains("standing by") }
            func worker(_ name: String) throws -> ChildProcess {
                try ChildProcess(
                    Place.program("alphagrid-worker"),
                    [
                        "--connect", "\(cluster.bind),\(standby.bind)", "--slots", "1", "--memory", "256MiB", "--key", file(name),
                    ])
            }
            let (first, second, third) = (try worker("first"), try worker("second"), try worker("third"))
            try await waitUntil("the workers") { try await cluster.status()["workers_connected"] as? Int == 3 }

            // What is revoked at the standby's host counts for the one that leads.
            try await cluster.alphagrid("keys", "revoke", "third", "--keys", copy)
            let thirdEnd = try await third.end(within: 30)
            #expect(thirdEnd.status == 1 && thirdEnd.errors.contains("the key 'third' was revoked"), "\(thirdEnd.errors)")
            let leader = try #require(cluster.coordinator)
            try await waitUntil("the leader's warning") {
                leader.errorsSoFar.contains("revoked elsewhere, and are kept out")
            }
            try await cluster.alphagrid("keys", "revoke", "first")
            #expect(try await first.end(within: 30).errors.contains("the key 'first' was revoked"))
            try await waitUntil("both to be known") { try await cluster.value("SELECT count(*) FROM key_revocations") == "2" }
            #expect(!second.hasEnded)

            // The standby's list still admits the first one.
            try await cluster.killCoordinator()
            try await waitUntil("the standby", seconds: 40) {
                try await HTTP.get("http://\(standby.http)/readyz")?.status == 200
            }
            let again = try worker("first")
            try await waitUntil("the refusal") { again.errorsSoFar.contains("refuses the key 'first'") }
            func connected() async throws -> Int? {
                let token = try String(contentsOfFile: standby.state.file("token"), encoding: .utf8)
                let answer = try await HTTP.get(
                    "http://\(standby.http)/v1/status", token: token.trimmingCharacters(in: .whitespacesAndNewlines))
                return try answer?.object()["workers_connected"] as? Int
            }
            try await waitUntil("the second worker", seconds: 30) { try await connected() == 1 }
            let warnings = standby.process.errorsSoFar.split(separator: "\n").filter { $0.contains("revoked elsewhere, and are") }
            #expect(warnings.count == 1 && warnings[0].contains("first (added 20"), "\(warnings)")
            try await waitUntil("the audit log") {
                let rows = try await cluster.sql(
                    "SELECT subject FROM audit_log WHERE action = 'revoked key kept out' ORDER BY audit_id")
                return rows == [["third"], ["first"]]
            }

            let text = try String(contentsOfFile: file("first"), encoding: .utf8)
            let key = try #require(text.split(separator: "\n").first { $0.hasPrefix("public ") }).dropFirst("public ".count)
            try await cluster.alphagrid("keys", "add", "first", "--public-key", String(key), "--keys", copy)
            try await waitUntil("the first worker", seconds: 30) { try await connected() == 2 }
            #expect(!again.hasEnded && !second.hasEnded && !standby.process.hasEnded)
            try await waitUntil("the audit log") {
                try await cluster.value("SELECT count(*) FROM audit_log WHERE action = 'revoked key added again'") == "1"
            }
            #expect(try await cluster.value("SELECT count(*) FROM key_revocations") == "2", "older copies stay barred")
        }

        @Test("A standby that could not serve ends at once, and says why", .timeLimit(.minutes(5)))
        func unusable() async throws {
            let cluster = try await TestCluster(workers: 0)
            let cases = [
                (["--http", cluster.http], "address is in use"), (["--bind", cluster.bind], "another program already does"),
                (["--job-logs", "/proc/jobs"], "cannot be kept in --job-logs /proc/jobs"),
            ]
            for (flags, reason) in cases {
                let outcome = try await Standby(of: cluster, ["--standby"] + flags).process.end(within: 30)
                #expect(outcome.status == 1 && outcome.errors.contains(reason), "\(flags): \(outcome.errors)")
            }
        }

        /// Of one slot each, that know both coordinators; returns when they are connected.
        private func twoWorkers(_ cluster: TestCluster, _ standby: Standby) async throws -> [ChildProcess] {
            let workers = try (0..<2).map { _ in
                try ChildProcess(
                    Place.program("alphagrid-worker"),
                    ["--connect", "\(cluster.bind),\(standby.bind)", "--slots", "1", "--memory", "256MiB"])
            }
            try await waitUntil("the workers") { try await cluster.status()["workers_connected"] as? Int == 2 }
            return workers
        }

        /// A coordinator as on another host: addresses and a state folder of its own; at most the kept work is shared.
        private struct Standby {
            let state: ScratchFolder
            let bind: String
            let http: String
            let process: ChildProcess

            /// - Parameters:
            ///   - flags: Those that come later win.
            ///   - copiesKeys: whether it begins with a copy of the key folder as it is now.
            init(
                of cluster: TestCluster, _ flags: [String] = ["--standby"], sharesFiles: Bool = true, copiesKeys: Bool = false
            ) throws {
                state = try ScratchFolder()
                if copiesKeys {
                    try FileManager.default.copyItem(atPath: cluster.state.file("keys"), toPath: state.file("keys"))
                }
                bind = "tcp://127.0.0.1:\(try freePort())"
                http = "127.0.0.1:\(try freePort())"
                process = try ChildProcess(
                    Place.program("alphagrid"),
                    ["coordinator", "--database", cluster.database, "--bind", bind, "--http", http, "--state", state.path]
                        + (sharesFiles ? ["--job-logs", cluster.state.file("jobs")] : []) + flags)
            }
        }
    }
}
