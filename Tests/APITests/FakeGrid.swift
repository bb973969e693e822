import ClusterModel

/// A grid that remembers what it was asked and answers from a list.
actor FakeGrid: ServedGrid {
    enum Call: Equatable {
        case submit(JobRequest)
        case jobs(JobsRequest)
        case job(JobID)
        case cancel(JobID, String)
        case drain(WorkerID, DrainOrder)
        case undrain(WorkerID)
        case explain(JobID, Int?)
        case plan(JobRequest)
        case pause(JobID, String)
        case resume(JobID)
        case retry(JobID)
        case priority(JobID, Int)
        case remove(JobID)
        case addSchedule(ScheduleRequest)
        case schedule(Int64, String)
        case addWebhook(WebhookRequest)
        case webhook(Int64, String)
        case alerts(Int, Region?)
        case check(CheckRequest, Region)
        case pair(PairRequest, Region)
        case results(ResultRequest, Region)
        case alpha(String, Region)
        case pnl(String, pool: String?, Region)
        case matrix(MatrixRequest, Region)
        case usage(pool: String?, Region)
        case tiles(JobID)
    }

    private(set) var calls: [Call] = []
    /// How often somebody looked at everything.
    var moments = 0
    func set(_ jobs: [JobView]) { stored = jobs }
    /// Rows of every page of results.
    private var pageRows = 1
    func set(pageRows: Int) { self.pageRows = pageRows }
    /// How often something large was taken apart or written.
    let codings = Counter()
    /// Thrown by every method while it is set.
    private var failure: (any Error)?
    var stored: [JobView]
    let worker: WorkerView
    private let leader: LeaderView?

    init(
        failure: (any Error)? = nil, jobs: [JobView] = FakeGrid.jobs([3, 2, 1]), gigaflops: Double = 91.5,
        leader: LeaderView? = nil
    ) {
        self.failure = failure
        self.leader = leader
        stored = jobs
        worker = WorkerView(
            worker: "host-17", host: "host", processID: 17, version: "0.1.0", profile: "openblas-0.3.21/Zen/e1",
            state: "connected", slots: 2, running: 1, queued: 3, tasksDone: 40, tasksFailed: 0,
            memoryBytes: 4 << 30, cachedBytes: 1 << 20, gigaflopsPerSecond: gigaflops, heartbeatAgeSeconds: 0.25)
    }

    static func jobs(_ ids: [Int64]) -> [JobView] {
        ids.map { id in
            var job = JobView(
                jobID: JobID(id), kind: "correlation", region: "USA", pool: "submitted", state: .running, priority: 0,
                convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256,
                submittedAt: "2025-01-02T03:04:05Z")
            job.stages = [StageView(name: "tiles", tasksDone: 3, tasksTotal: 10)]
            return job
        }
    }

    func check() throws {
        if let failure { throw failure }
    }

    func note(_ call: Call) { calls.append(call) }

    nonisolated func coding<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        codings.add()
        return try body()
    }

    func status() async throws -> StatusView {
        try check()
        return StatusView(
            version: "0.1.0", epoch: 7, uptimeSeconds: 12.5, databaseReachable: true, workersConnected: 1,
            slotsTotal: 2, slotsBusy: 1, jobsQueued: 0, jobsRunning: 1, tasksDoneTotal: 40, lastError: nil)
    }

    func ready() async throws { try check() }

    nonisolated func leaderElsewhere() -> LeaderView? { leader }

    func submit(_ request: JobRequest) async throws -> JobView {
        calls.append(.submit(request))
        try check()
        return FakeGrid.jobs([4])[0]
    }

    func jobs(_ request: JobsRequest) async throws -> [JobView] {
        calls.append(.jobs(request))
        try check()
        return Array(stored.filter { request.before == nil || $0.jobID < request.before! }.prefix(request.limit))
    }

    func job(_ id: JobID) async throws -> JobView {
        calls.append(.job(id))
        try check()
        guard let job = stored.first(where: { $0.jobID == id }) else {
            throw GridError(.notFound, "there is no job \(id)")
        }
        return job
    }

    func cancel(_ id: JobID, reason: String) async throws -> JobView {
        calls.append(.cancel(id, reason))
        var job = try await job(id)
        job.state = .cancelled
        return job
    }

    func workers() async throws -> [WorkerView] {
        try check()
        return [worker]
    }

    func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView {
        calls.append(.drain(worker, order))
        var view = try present(worker)
        view.state = "draining"
        return view
    }

    func undrain(_ worker: WorkerID) async throws -> WorkerView {
        calls.append(.undrain(worker))
        return try present(worker)
    }

    private func present(_ worker: WorkerID) throws -> WorkerView {
        try check()
        guard worker.rawValue == self.worker.worker else {
            throw GridError(.notFound, "there is no worker \(worker)")
        }
        return self.worker
    }

    func explain(_ id: JobID, task: Int?) async throws -> ExplainView {
        calls.append(.explain(id, task))
        try check()
        return ExplainView(jobID: id, sentence: "job \(id) waits for a worker: none is connected")
    }

    func plan(_ request: JobRequest) async throws -> PlanView {
        calls.append(.plan(request))
        try check()
        return PlanView(
            alphas: 600, days: 1_000, windowDays: 900, tiles: 6, tasks: 6,
            stages: [PlanView.Stage(name: "correlate 1/2", tasks: 3)],
            flops: 7e8, panelBytes: 4_800_000, bytesToWorkers: 9_600_000, coordinatorMemoryBytes: 80 << 20,
            workerMemoryBytes: 9_600_000, basis: "all stages")
    }

    func pause(_ id: JobID, reason: String) async throws -> JobView {
        calls.append(.pause(id, reason))
        var job = try await job(id)
        (job.paused, job.reason) = (true, reason)
        return job
    }

    func resume(_ id: JobID) async throws -> JobView {
        calls.append(.resume(id))
        return try await job(id)
    }

    func retry(_ id: JobID) async throws -> JobView {
        calls.append(.retry(id))
        try check()
        return FakeGrid.jobs([4])[0]
    }

    func setPriority(_ id: JobID, _ priority: Int) async throws -> JobView {
        calls.append(.priority(id, priority))
        var job = try await job(id)
        job.priority = priority
        return job
    }

    func remove(_ id: JobID) async throws -> JobView {
        calls.append(.remove(id))
        return try await job(id)
    }

    func check(_ request: CheckRequest, region: Region) async throws -> CheckView {
        calls.append(.check(request, region))
        try check()
        var view = CheckView(
            pool: "submitted", convention: "ffill-shift", window: "4y", minOverlap: 60, absolute: false, threshold: 0.7)
        view.region = region.name
        view.candidates = request.candidates.map { CandidateView(alphaID: $0.alphaID) }
        view.candidateCorrelations = [[1, nil], [nil, 1]]
        return view
    }

    func pair(_ request: PairRequest, region: Region) async throws -> PairView {
        calls.append(.pair(request, region))
        try check()
        return PairView(
            pool: "submitted", window: "4y", minOverlap: 60,
            alphas: [PairView.Series(alphaID: request.a, firstDay: nil, lastDay: nil, days: 0, gaps: 0)], correlations: [])
    }

    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage {
        calls.append(.results(request, region))
        try check()
        return ResultPage(
            region: region.name, result: request.result, table: "alpha_clusters_usa",
            columns: ["alpha_id", "label", "coordinates"],
            rows: Array(repeating: [.text("A"), .null, .array([.number(0.5), .whole(2)])], count: pageRows), nextOffset: 1)
    }
}
