import ClusterModel
import Foundation
import Store
import Testing

@testable import alphagrid

@Suite struct CorrelationReportTests {
    static func report(rows: [CorrelationRow]) throws -> CorrelationReport {
        CorrelationReport(
            rows: rows, parameters: try CorrelationParameters(window: .days(400)), dayCount: 10, windowStart: "2020-01-02",
            windowEnd: "2021-06-30", profile: "openblas-0.3.21/Zen/e1", panelHash: "aa", digest: "bb",
            warnings: ["alpha \"C\" is constant"], seconds: [("read", 0.25), ("compute", 1.5)])
    }

    static let rows = [
        CorrelationRow(alphaID: "A", min: -0.25, max: 1, avg: 0.1 + 0.2, median: 1e-05, pairCount: 2),
        CorrelationRow(alphaID: "B,\"x\"", min: -1, max: 0.5, avg: -0.25, median: -0.0625, pairCount: 2),
        CorrelationRow(alphaID: "C", pairCount: 0),
    ]

    private func text(_ write: (CorrelationReport.Sink) throws -> Void) rethrows -> String {
        var text = ""
        try write { text += $0 }
        return text
    }

    @Test("CSV has the agreed columns, numbers that read back exactly, quoted ids and empty fields where undefined")
    func csv() throws {
        let text = try text { try Self.report(rows: Self.rows).writeCSV($0) }
        #expect(
            text == """
                alpha_id,min_correlation,max_correlation,avg_correlation,median_correlation,pair_count
                A,-0.25,1.0,0.30000000000000004,1e-05,2
                "B,""x""\",-1.0,0.5,-0.25,-0.0625,2
                C,,,,,0

                """)
    }

    @Test("JSON can be read by another parser and says null where undefined")
    func json() throws {
        let text = try text { try Self.report(rows: Self.rows).writeJSON($0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["convention"] as? String == "ffill-shift")
        #expect(object["window"] as? String == "400d")
        #expect(object["window_start"] as? String == "2020-01-02")
        #expect(object["min_overlap"] as? Int == 60)
        #expect(object["digest"] as? String == "bb")
        #expect(object["pairs_defined"] as? Int == 2)
        #expect(object["pairs_undefined"] as? Int == 1)
        #expect(object["warnings"] as? [String] == ["alpha \"C\" is constant"])
        #expect(object["seconds"] as? [String: Double] == ["read": 0.25, "compute": 1.5])
        let rows = try #require(object["rows"] as? [[String: Any]])
        #expect(rows.map { $0["alpha_id"] as? String } == ["A", "B,\"x\"", "C"])
        #expect(rows[0]["max_correlation"] as? Double == 1)
        #expect(text.contains(#""avg_correlation": 0.30000000000000004,"#))
        #expect(rows[2]["min_correlation"] is NSNull)
        #expect(rows[2]["pair_count"] as? Int == 0)
    }

    @Test("JSON of no rows and of ids with control characters is still JSON")
    func jsonEdges() throws {
        for rows in [[], [CorrelationRow(alphaID: "a\u{1}\t\\\u{1F600}\n")]] {
            let text = try text { try Self.report(rows: rows).writeJSON($0) }
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let read = try #require(object["rows"] as? [[String: Any]])
            #expect(read.map { $0["alpha_id"] as? String } == rows.map(\.alphaID))
        }
    }

    @Test("More rows than a chunk come out once each and in order")
    func chunks() throws {
        let rows = (0..<10_000).map { CorrelationRow(alphaID: "A\($0)", pairCount: $0) }
        let text = try text { try Self.report(rows: rows).writeCSV($0) }
        let ids = text.split(separator: "\n").dropFirst().map { $0.prefix { $0 != "," } }
        #expect(ids == rows.map { Substring($0.alphaID) })
    }

    @Test("A table shows all rows, but on a terminal the first 20 and how many more there are")
    func table() throws {
        let rows = (0..<25).map { CorrelationRow(alphaID: "A\($0)", min: -0.5, max: 2.0 / 3, avg: 0, median: nil, pairCount: 24) }
        let report = try Self.report(rows: rows)
        let all = try text { try report.writeTable(terminal: plain, $0) }.split(separator: "\n")
        #expect(all.count == 26)
        #expect(all[0].split(separator: " ") == ["alpha_id", "min", "max", "avg", "median", "pairs"])
        #expect(all[25].split(separator: " ") == ["A24", "-0.500000", "0.666667", "0.000000", "-", "24"])
        let terminal = Terminal(isTerminal: true, hasColor: false, columns: 80, rows: 24)
        let some = try text { try report.writeTable(terminal: terminal, $0) }.split(separator: "\n")
        #expect(some.count == 22)
        #expect(some[21] == "... 5 more rows (--format csv for all)")
    }

    @Test("The summary names everything the numbers depend on")
    func summary() throws {
        let summary = try Self.report(rows: Self.rows).summary
        for part in [
            "3 alphas", "10 days", "ffill-shift", "window 400d (2020-01-02 to 2021-06-30)", "min-overlap 60", "2 pairs",
            "1 undefined", "float64", "openblas-0.3.21/Zen/e1", "read 0.25 s", "compute 1.50 s",
        ] {
            #expect(summary.contains(part), "\(summary)")
        }
    }
}

/// A grid of which only the jobs are asked for.
struct ManyJobs: RegionlessGrid {
    private let stored: [JobView]
    private let grid = StaticGrid()

    init(_ jobs: [JobView]) { stored = jobs }

    func jobs(_ request: JobsRequest) async throws -> [JobView] {
        let fits = stored.filter { request.states.isEmpty || request.states.contains($0.state) }
        return Array(fits.sorted { $0.jobID > $1.jobID }.prefix(request.limit))
    }
    func job(_ id: JobID) async throws -> JobView {
        guard let job = stored.first(where: { $0.jobID == id }) else { throw GridError(.notFound, "job \(id) does not exist") }
        return job
    }
    func status() async throws -> StatusView { try await grid.status() }
    func ready() async throws { try await grid.ready() }
    func submit(_ request: JobRequest) async throws -> JobView { try await grid.submit(request) }
    func cancel(_ id: JobID, reason: String) async throws -> JobView { try await grid.cancel(id, reason: reason) }
    func workers() async throws -> [WorkerView] { try await grid.workers() }
    func check(_ request: CheckRequest, region: Region) async throws -> CheckView {
        try await grid.check(request, region: region)
    }
    func pair(_ request: PairRequest, region: Region) async throws -> PairView { try await grid.pair(request, region: region) }
    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage {
        try await grid.results(request, region: region)
    }
}

@Suite struct StatusReportTests {
    private func report(_ jobs: [JobView], _ workers: [WorkerView], databaseReachable: Bool = true) -> StatusReport {
        StatusReport(
            url: "http://127.0.0.1:1", status: someStatus(databaseReachable: databaseReachable), jobs: jobs, workers: workers)
    }

    @Test("The page shows jobs with their progress, workers, and a database that is down")
    func page() {
        let lines = report([someJob(5, .running, done: 31, total: 100)], [someWorker("w1")], databaseReachable: false)
            .lines(terminal: plain)
        let text = lines.joined(separator: "\n")
        #expect(text.contains("up 2m05s") && text.contains("database DOWN") && text.contains("slots 1/2 busy"))
        #expect(text.contains("[========>                   ]  31%") && text.contains("31/100"))
        #expect(text.contains("91.5") && text.contains("1.5 KiB") && text.contains("4.0 GiB"))
        var measured = someWorker("w")
        measured.peakFloat32GigaflopsPerSecond = 262.4
        measured.peakFloat64GigaflopsPerSecond = 129.6
        #expect(StatusReport.workerTable([measured]).lines().joined(separator: "\n").contains(" 262/130 "))
        #expect(!text.contains("\u{1B}"))
    }

    @Test("Of jobs that have ended only the last few are on the page")
    func ended() {
        let jobs = [someJob(20, .running, done: 1, total: 2)] + (1..<20).reversed().map { someJob(Int64($0), .done) }
        let table = report(jobs, []).lines(terminal: plain).filter { $0.contains("correlation") }
        #expect(table.count == 1 + StatusReport.finishedShown)
        #expect(table[1].contains("19"))
    }

    @Test("What is going on stands before what waits for it, however many jobs were submitted since")
    func order() {
        let jobs =
            (3...40).reversed().map { someJob($0, .queued) } + [someJob(2, .running, done: 1, total: 2), someJob(1, .done)]
        let table = report(jobs, []).lines(terminal: plain).filter { $0.contains("correlation") }
        #expect(table.count == 40 && table[0].contains("running") && table[1].hasPrefix(" 40") && table[39].contains("done"))
    }

    @Test("Jobs that have not ended are there behind any number of newer ones, and those that have ended since are")
    func fetched() async throws {
        let grid = ManyJobs([someJob(1, .running), someJob(2, .done)] + (3...80).map { someJob($0, .done) })
        let jobs = try await StatusReport.jobs(of: grid)
        #expect(jobs.map(\.jobID.rawValue) == (31...80).reversed() + [1])
        let later = ManyJobs([someJob(1, .done)] + (3...90).map { someJob($0, .done) })
        let ended = try await StatusReport.jobs(of: later, since: [someJob(2, .running), someJob(1, .running)])
        #expect(ended.map(\.jobID.rawValue) == (41...90).reversed() + [1] && ended.last?.state == .done)
    }

    @Test("The log says what changed, in steps of ten percent, and nothing when nothing did")
    func changes() {
        let workers = [someWorker("w1"), someWorker("w2")]
        let first = report([someJob(5, .running, done: 31, total: 100), someJob(4, .done)], workers)
        #expect(
            first.changes(since: nil) == [
                "job 5 correlation USA running tiles 30%", "worker w1 connected, 2 slots", "worker w2 connected, 2 slots",
            ])
        #expect(first.changes(since: first).isEmpty)
        let same = report([someJob(5, .running, done: 39, total: 100), someJob(4, .done)], workers)
        #expect(same.changes(since: first).isEmpty)
        var failed = someJob(5, .failed)
        failed.error = "task 3\nfailed"
        let next = report([failed, someJob(4, .done)], [someWorker("w1", state: "draining")], databaseReachable: false)
        #expect(
            next.changes(since: same) == [
                "job 5 correlation USA failed: task 3?failed", "worker w1 draining, 2 slots", "worker w2 gone",
                "database does not answer",
            ])
    }

    @Test("What the coordinator computes without tasks is named wherever a job is shown, and never a share of nothing")
    func inCoordinator() {
        var view = someJob(5, .running, done: 10, total: 10)
        view.stages.append(StageView(name: "linkage (ward)", tasksDone: 0, tasksTotal: 1, inCoordinator: true))
        let doing = "linkage (ward) in the coordinator"
        #expect(JobReport.progress(view) == doing)
        #expect(JobReport.progressLine(view) == "job 5 correlation USA running \(doing)")
        #expect(JobReport.page(view).contains { $0.hasPrefix("stages") && $0.hasSuffix("tiles 10/10, \(doing)") })
        let report = report([view], [])
        #expect(report.changes(since: nil) == ["job 5 correlation USA running \(doing)"])
        let row = report.lines(terminal: plain).first { $0.contains("linkage") } ?? ""
        #expect(row.contains("in the coordinator") && !row.contains("%") && !row.contains("0/1"), "\(row)")
        view.stages[1].tasksDone = 1
        #expect(JobReport.page(view).contains { $0.hasSuffix("tiles 10/10, linkage (ward) done") })
    }

    @Test("A plan says of which stages the number is of once, and which have no tasks")
    func plan() {
        var plan = PlanView(
            alphas: 10, days: 9, windowDays: 8, tiles: 3, tasks: 4,
            stages: [
                .init(name: "distances", tasks: 3), .init(name: "spanning tree", tasks: 1, repeats: true),
                .init(name: "linkage (ward)", tasks: 0, inCoordinator: true),
            ], flops: 1, panelBytes: 1, bytesToWorkers: 1, coordinatorMemoryBytes: 1, workerMemoryBytes: 1, basis: "all stages")
        plan.predictedSeconds = nil
        let stages = ["stages", "  distances 3", "  spanning tree 1 each time", "  linkage (ward) in the coordinator"]
        #expect(PlanReport.page(plan).suffix(4) == stages)
        (plan.predictedSeconds, plan.predictedLowSeconds, plan.predictedHighSeconds) = (0.02, 0.01, 0.03)
        #expect(PlanReport.page(plan).contains { $0.hasPrefix("time") && $0.contains("at least ") })
        plan.stages = [plan.stages[0]]
        #expect(PlanReport.page(plan).contains { $0.hasPrefix("time") && $0.hasSuffix("less than 0.1 s") })
    }

    @Test("A region without anything in it says so by its name, not where its dates would be")
    func emptyRegion() throws {
        let text = """
            {"region": "USA", "alphas": 0, "alphasUnsubmitted": 0, "pnlRows": 0, "pnlRowsUnsubmitted": 0,
             "pnlRowsEstimated": false, "correlationRows": 0, "convention": "ffill-shift", "window": "4y", "minOverlap": 60}
            """
        var region = try JSONDecoder().decode(RegionStatus.self, from: Data(text.utf8))
        func row() -> ArraySlice<String>? { DatabaseStatusCommand.table([region]).rows.first?.prefix(6) }
        #expect(row() == ["USA (empty)", "0", "0", "0", "", ""])
        (region.alphas, region.lastDate) = (1, "2024-01-03")
        #expect(row() == ["USA", "1", "0", "0", "", "2024-01-03"])
    }

    @Test("A schedule without a pause says so")
    func noPause() {
        var view = ScheduleView(
            scheduleID: 1, name: "n", cron: nil, onChange: true, timeZone: "UTC", minPauseSeconds: 0,
            job: JobRequest(kind: "features", region: "USA"), paused: false, createdAt: "")
        #expect(ScheduleReport.when(view) == "on change, without a pause between jobs")
        view.minPauseSeconds = 300
        #expect(ScheduleReport.when(view) == "on change, at most every 5m00s")
    }

    @Test("An order that is taken back from a worker that has left does not say that it is drained")
    func undrained() {
        let line = WorkersCommand.Undrain.line
        #expect(line(someWorker("w1")) == "worker w1 connected")
        #expect(line(someWorker("w1", state: "drained")) == "worker w1 has left; its order to drain is taken back")
    }

    @Test("The line of a running job has bar, rate and time left")
    func progressLine() {
        var view = someJob(5, .running, done: 64, total: 128)
        view.tilesPerSecond = 34.23
        view.etaSeconds = 72
        #expect(
            JobReport.progressLine(view)
                == "job 5 correlation USA running tiles [==============>             ]  50% 64/128 34.2 tiles/s eta 1m12s")
    }

    @Test("The page of a job leaves out what is not known yet and lists its warnings")
    func jobPage() {
        var view = someJob(5, .done)
        view.warnings = ["alpha C is constant"]
        view.resultTable = "correlation_usa"
        let lines = JobReport.page(view)
        #expect(lines.contains("table        correlation_usa"))
        #expect(lines.contains("warning  alpha C is constant"))
        #expect(!lines.contains { $0.hasPrefix("started") || $0.hasPrefix("error") })
    }
}

@Suite struct WebhookReportTests {
    @Test("A webhook without a threshold of its own shows the default where it is told of pairs, and nothing where it is not")
    func thresholds() {
        func shown(_ events: [WebhookEvent], _ threshold: Double?) -> String {
            let view = WebhookView(
                webhookID: 1, url: "https://h", events: events, region: nil, threshold: threshold, createdAt: "")
            #expect(WebhookReport.table([view]).lines()[1].contains("0.") == WebhookReport.page(view).joined().contains("0."))
            return WebhookReport.page(view).first { $0.contains("threshold") } ?? ""
        }
        #expect(shown([.alertCorrelation], nil).hasSuffix("0.8 (default)"))
        #expect(shown([.alertCorrelation], 0.9).hasSuffix("0.9") && shown([.jobDone], nil).isEmpty)
    }
}
