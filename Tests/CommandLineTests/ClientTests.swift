import API
import APITestServer
import ClusterModel
import Foundation
import Synchronization
import Testing

@testable import alphagrid

/// A grid whose regions nobody asks for.
protocol RegionlessGrid: ServedGrid {}

extension RegionlessGrid {
    private var nothing: GridError { GridError(.notFound, "there is nothing to read") }
    func regions() async throws -> [RegionView] { throw nothing }
    func alpha(_ id: String, region: Region) async throws -> AlphaView { throw nothing }
    func pnl(of id: String, pool: String?, region: Region) async throws -> PnLView { throw nothing }
    func matrix(_ request: MatrixRequest, region: Region) async throws -> MatrixView { throw nothing }
    func usage(pool: String?, region: Region) async throws -> RegionUsageView { throw nothing }
    func tiles(of job: JobID) async throws -> TileMapView { throw nothing }
    func moment(tasksAfter serial: Int) async -> GridMoment {
        GridMoment(status: someStatus(), jobs: [], workers: [], tasks: [], taskSerial: 0)
    }
}

/// A grid with one job, one worker and a list of failures by region.
struct StaticGrid: RegionlessGrid {
    func status() async throws -> StatusView { someStatus() }
    func ready() async throws {}
    func submit(_ request: JobRequest) async throws -> JobView {
        switch request.region {
        case "XXX": throw GridError(.notFound, "region XXX has no PnL")
        case "BUSY": throw GridError(.conflict, "too many jobs")
        case "DOWN": throw GridError(.unreachable, "the database does not answer")
        case "BROKEN": throw GridError(.failed, "disk full")
        default: return someJob(7, .done)
        }
    }
    func jobs(_ request: JobsRequest) async throws -> [JobView] { [someJob(7, .done)] }
    func job(_ id: JobID) async throws -> JobView {
        guard id == JobID(7) else { throw GridError(.notFound, "there is no job \(id)") }
        return someJob(7, .failed)
    }
    func cancel(_ id: JobID, reason: String) async throws -> JobView {
        var view = someJob(7, .failed)
        view.error = reason
        return view
    }
    func workers() async throws -> [WorkerView] { [someWorker("w 1/ä")] }
    func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView {
        var view = someWorker(worker.rawValue, state: "draining")
        view.drainReason = order.reason
        return view
    }
    func pause(_ id: JobID, reason: String) async throws -> JobView {
        var view = someJob(id.rawValue, .running)
        (view.paused, view.reason) = (true, reason)
        return view
    }
    func explain(_ id: JobID, task: Int?) async throws -> ExplainView {
        let found = task.map { ExplainView.Task(task: $0, stage: "tiles", state: "queued", story: []) }
        return ExplainView(jobID: id, sentence: "job \(id) waits", task: found)
    }
    func remove(_ id: JobID) async throws -> JobView { someJob(id.rawValue, .done) }
    func check(_ request: CheckRequest, region: Region) async throws -> CheckView { someCheck(request, region) }
    func pair(_ request: PairRequest, region: Region) async throws -> PairView { somePair(request, region) }
    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage { someResults(request, region) }
    func schedules() async throws -> [ScheduleView] {
        let job = JobRequest(kind: "correlation", region: "USA")
        return [
            ScheduleView(
                scheduleID: 3, name: "nightly", cron: "@daily", onChange: false, timeZone: "UTC", minPauseSeconds: 0, job: job,
                paused: false, createdAt: "")
        ]
    }
    func webhooks() async throws -> [WebhookView] {
        [WebhookView(webhookID: 1, url: "https://h", events: [.jobDone], region: nil, threshold: nil, createdAt: "")]
    }
}

/// A grid whose job is done, once it has given the answers it was made with.
private final class ComingAndGoing: RegionlessGrid {
    private let answers: Mutex<[Result<JobView, GridError>]>
    init(_ answers: [Result<JobView, GridError>]) { self.answers = Mutex(answers) }

    func job(_ id: JobID) async throws -> JobView {
        try answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.get() ?? someJob(7, .done)
    }
    func status() async throws -> StatusView { someStatus() }
    func ready() async throws {}
    func submit(_ request: JobRequest) async throws -> JobView { someJob(7, .queued) }
    func jobs(_ request: JobsRequest) async throws -> [JobView] { [] }
    func cancel(_ id: JobID, reason: String) async throws -> JobView { someJob(7, .cancelled) }
    func workers() async throws -> [WorkerView] { [] }
    func check(_ request: CheckRequest, region: Region) async throws -> CheckView { someCheck(request, region) }
    func pair(_ request: PairRequest, region: Region) async throws -> PairView { somePair(request, region) }
    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage { someResults(request, region) }
}

/// A database that knows no tokens and takes every row.
private struct NoRecords: AccessRecords {
    func validTokens() async throws -> [StoredToken] { [] }
    func beginAudit(_ entry: AuditEntry) async throws -> Int64 { 1 }
    func finishAudit(_ row: Int64, status: Int, subject: String?) async throws {}
    func recordRefusals(_ entries: [AuditEntry]) async throws {}
    func auditRows(limit: Int, _ filter: AuditFilter) async throws -> [AuditView] { [] }
}

@Suite struct ClientTests {
    static let token = "0123456789abcdef0123456789abcdef"

    /// Runs a coordinator's HTTP interface while `body` talks to it.
    private func serving(_ body: (Int) async throws -> Void) async throws {
        try await Self.serving(StaticGrid(), body)
    }

    /// The same of any grid, for callers that have several.
    static func serving(_ grid: any ServedGrid, _ body: (Int) async throws -> Void) async throws {
        let access = AccessSettings(token: try AccessToken(Self.token, source: "the test"), records: NoRecords())
        try await APITestServer.serving(
            { onRunning in
                try APIServer(
                    control: grid, access: access, host: "127.0.0.1", port: 0, logger: silent, onRunning: onRunning)
            }, body)
    }

    private func client(_ port: Int, token: String = ClientTests.token) throws -> GridClient {
        try GridClient(
            base: try #require(URL(string: "http://127.0.0.1:\(port)")), token: try AccessToken(token, source: "the test"))
    }

    @Test("What the coordinator says arrives as it was said", .timeLimit(.minutes(1)))
    func answers() async throws {
        try await serving { port in
            let client = try client(port)
            #expect(try await client.status() == someStatus())
            let list = JobList(jobs: [someJob(7, .done)], nextBefore: nil)
            #expect(try await client.jobList(JobsRequest(limit: 1, before: JobID(9))) == list)
            #expect(try await client.job(JobID(7)) == someJob(7, .failed))
            #expect(try await client.cancel(JobID(7), reason: "süß \"x\"").error == "süß \"x\"")
            #expect(try await client.workers() == [someWorker("w 1/ä")])
            let drained = try await client.drain(WorkerID("w1/ä?%"), order: DrainOrder(reason: "why"))
            #expect(
                drained.worker == "w1/ä?%" && drained.state == "draining" && drained.drainReason?.hasPrefix("why (by ") == true)
            let paused = try await client.pause(JobID(7), reason: "")
            #expect(paused.paused && paused.reason?.hasPrefix("by ") == true)
            #expect(try await client.explain(JobID(7), task: 3).task?.task == 3)
            #expect(try await client.remove(JobID(7)).jobID == JobID(7))
            #expect(try await client.submit(JobRequest(kind: "correlation", region: "USA")) == someJob(7, .done))
            try await client.ready()
            var check = CheckRequest(candidates: [.init(alphaID: "ä 1", dates: ["2024-01-02"], pnl: [nil], sharpe: 1)])
            check.pool = "mine"
            #expect(try await client.check(check, region: Region("USA")) == someCheck(check, try Region("USA")))
            var pair = PairRequest("a&b=1", "ü+ %")
            pair.window = "400d"
            pair.minOverlap = 7
            #expect(try await client.pair(pair, region: Region("USA")) == somePair(pair, try Region("USA")))
        }
    }

    @Test("Refusals arrive with the kind and the sentence they were given", .timeLimit(.minutes(1)))
    func refusals() async throws {
        try await serving { port in
            let client = try client(port)
            let cases: [(String, GridError)] = [
                ("XXX", GridError(.notFound, "region XXX has no PnL")), ("BUSY", GridError(.conflict, "too many jobs")),
                ("DOWN", GridError(.unreachable, "the database does not answer")),
                ("BROKEN", GridError(.failed, "disk full")),
            ]
            for (region, expected) in cases {
                await #expect(throws: expected) { try await client.submit(JobRequest(kind: "correlation", region: region)) }
            }
            let wrong = try self.client(port, token: "another token of sixteen".replacing(" ", with: "-"))
            let error = await #expect(throws: GridError.self) { try await wrong.status() }
            #expect(error?.kind == .failed && error?.message.contains("token") == true)
        }
    }

    @Test("Nobody there: the sentence names the address and the next step")
    func nobody() async throws {
        let error = await #expect(throws: GridError.self) { try await client(9).status() }
        #expect(error?.kind == .unreachable)
        #expect(error?.message.contains("http://127.0.0.1:9") == true && error?.message.contains("alphagrid up") == true)
    }

    @Test("Whoever waits for a job is told once that the coordinator is away, and that it is back")
    func waiting() async throws {
        let away = GridError(.unreachable, "cannot reach it: nothing listens there; start one with 'alphagrid up'")
        var lines: [String] = []
        let patient = JobWaiter(client: ComingAndGoing([.failure(away), .failure(away)]), noticeSeconds: 0) { lines.append($0) }
        #expect(try await patient.wait(for: someJob(7, .running)).state == .done)
        try #require(lines.count == 2)
        #expect(lines[0] == "cannot reach it: nothing listens there; trying again for 1m00s")
        #expect(lines[1] == "the coordinator answers again: job 7 is done")

        lines = []
        var idle = someJob(7, .running)
        (idle.stages, idle.waits) = ([], "for a worker: none is connected")
        let told = JobWaiter(client: ComingAndGoing([.success(idle), .success(idle)]), noticeSeconds: 0) { lines.append($0) }
        #expect(try await told.wait(for: idle).state == .done && lines == ["job 7 waits for a worker: none is connected"])

        lines = []
        let short = JobWaiter(client: ComingAndGoing([.failure(away)])) { lines.append($0) }
        #expect(try await short.wait(for: someJob(7, .running)).state == .done)
        #expect(lines.isEmpty)

        let impatient = JobWaiter(
            client: ComingAndGoing([.failure(away), .failure(away)]), noticeSeconds: 0, unreachableSecondsMax: 0
        ) { lines.append($0) }
        await #expect(throws: away) { try await impatient.wait(for: someJob(7, .running)) }
    }

    @Test("Shells are offered what the coordinator has, and nothing where none answers", .timeLimit(.minutes(1)))
    func completions() async throws {
        func offered(_ words: [String], _ environment: [String: String]) async throws -> [String] {
            let shell = ["SAP_SHELL": "bash", "SAP_SHELL_VERSION": "5.2"]
            let run = try await Blocking.run {
                try Run(["---completion"] + words, environment: environment.merging(shell) { $1 })
            }
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            return run.output.split(separator: "\n").map(String.init)
        }
        let show = ["jobs", "show", "--", "positional@0", "3", "0", "alphagrid", "jobs", "show", ""]
        let drain = ["workers", "drain", "--", "positional@0", "3", "0", "alphagrid", "workers", "drain", ""]
        try await serving { port in
            let environment = ["ALPHAGRID_URL": "http://127.0.0.1:\(port)", "ALPHAGRID_TOKEN": Self.token]
            let workers = try await offered(drain, environment)
            // On a busy machine an answer may take longer than a shell waits, but not always.
            var jobs: [String] = []
            for _ in 0..<20 where jobs.count < 3 { jobs = try await offered(show, environment) }
            #expect(jobs == ["last", "all", "7"])
            #expect(workers == ["all"], "a name with a blank in it is two words to a shell")
            // Only those that it can be done to.
            func among(_ line: [String], _ place: String = "positional@0") async throws -> [String] {
                let words = line.prefix { !$0.hasPrefix("-") && $0 != "" }.prefix(2)
                return try await offered(
                    Array(words) + ["--", place, "\(line.count)", "0", "alphagrid"] + line, environment)
            }
            #expect(try await among(["jobs", "cancel", ""]) == ["last", "all"])
            for (line, expected) in [
                (["jobs", "remove", ""], ["last", "all", "7"]), (["schedule", "remove", ""], ["3", "nightly"]),
                (["webhooks", "remove", ""], ["1"]),
            ] {
                var found: [String] = []
                for _ in 0..<20 where found.count < expected.count { found = try await among(line) }
                #expect(found == expected, "\(line)")
            }
        }
        let run = ["run", "--", "--param", "4", "0", "alphagrid", "run", "selection", "--param", ""]
        let names = try await offered(run, [:])
        #expect(names.starts(with: ["count=", "weight=", "block_edge="]))
        #expect(names.contains("threshold=") && !names.contains("top="))
        func behind(_ text: String, _ kind: String) async throws -> [String] {
            let line = ["alphagrid", "run", kind, "--param", text]
            return try await offered(["run", "--", "--param", "4", "\(text.count)"] + line, [:])
        }
        #expect(try await behind("weight=", "selection").starts(with: ["weight=sharpe", "weight=fitness"]))
        #expect(try await behind("choose_by=", "clusters") == ["choose_by=silhouette", "choose_by=gap"])
        #expect(try await behind("consensus=t", "clusters") == ["consensus=true", "consensus=false"])
        #expect(try await behind("precision=", "features") == ["precision=float64", "precision=float32"])
        let methods = try await behind("methods=umap,w", "clusters")
        #expect(methods.contains("methods=umap,ward") && !methods.contains("methods=umap,umap"))
        #expect(try await behind("perplexity=", "clusters") == [])
        let nowhere = ["ALPHAGRID_URL": "http://127.0.0.1:1", "ALPHAGRID_TOKEN": Self.token]
        let (silent, unknown) = (try await offered(show, nowhere), try await offered(show, [:]))
        #expect(silent == ["last", "all"] && unknown == silent)
    }

    @Test("The built program finds the coordinator, whatever proxy the environment names", .timeLimit(.minutes(1)))
    func program() async throws {
        try await serving { port in
            let environment = [
                "ALPHAGRID_URL": "http://127.0.0.1:\(port)", "ALPHAGRID_TOKEN": Self.token,
                "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9",
            ]
            let page = try await Blocking.run { try Run(["status"], environment: environment) }
            #expect(page.status == 0, "\(page.errors)")
            #expect(page.output.contains("epoch 7") && page.output.contains("w 1/ä"))
            let show = try await Blocking.run { try Run(["jobs", "show", "7", "--json"], environment: environment) }
            let object = try JSONSerialization.jsonObject(with: Data(show.output.utf8)) as? [String: Any]
            #expect(object?["job_id"] as? Int == 7 && object?["state"] as? String == "failed")
            let missing = try await Blocking.run { try Run(["jobs", "show", "8"], environment: environment) }
            let hint = "'alphagrid jobs' lists those there are"
            #expect(missing.status == 3 && missing.output.isEmpty && missing.errors == "error: there is no job 8; \(hint)\n")
            let failed = try await Blocking.run {
                try Run(["run", "correlation", "--region", "BROKEN", "--wait"], environment: environment)
            }
            #expect(failed.status == 1 && failed.errors == "error: disk full\n")
            let waited = try await Blocking.run {
                try Run(["run", "correlation", "--region", "USA", "--wait"], environment: environment)
            }
            #expect(waited.status == 0 && waited.output.contains("done") && waited.errors == "job 7 submitted\n")
        }
    }
}
