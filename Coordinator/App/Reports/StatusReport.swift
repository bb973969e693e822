import ClusterModel

/// The state of a grid as a page, and as lines that say what changed.
struct StatusReport {
    var url: String
    var status: StatusView
    /// Newest first.
    var jobs: [JobView]
    var workers: [WorkerView]

    static let finishedShown = 5
    static let newestFetched = 50

    func lines(terminal: Terminal) -> [String] {
        var lines = [
            terminal.bold("AlphaGrid \(status.version)")
                + "  \(url)  up \(Quantity.duration(seconds: status.uptimeSeconds))  epoch \(status.epoch)"
                + "  database \(status.databaseReachable ? "ok" : "DOWN")",
            "workers \(status.workersConnected)  slots \(status.slotsBusy)/\(status.slotsTotal) busy"
                + "  jobs \(status.jobsRunning) running, \(status.jobsQueued) queued  tasks done \(status.tasksDoneTotal)",
        ]
        if let leadership { lines.append(leadership) }
        if let error = status.lastError { lines.append("last error: \(error)".singleLine) }
        lines += (status.notes ?? []).map { "note: \($0)".singleLine }
        lines += section(Self.jobTable(shownJobs), empty: "no jobs yet", terminal)
        lines += section(Self.workerTable(workers), empty: "no workers connected", terminal)
        return lines
    }

    /// Who leads, since when, and who would follow.
    private var leadership: String? {
        guard let leader = status.leader else { return nil }
        let since = leader.since.map { " since \($0)" } ?? ""
        let standbys = (status.standbys ?? []).map { standby in
            standby.holder + (standby.url.map { " (\($0))" } ?? "")
        }
        let waiting = standbys.isEmpty ? "no standby" : "standing by: \(standbys.joined(separator: ", "))"
        return "led by \(leader.holder)\(since), epoch \(leader.epoch)  \(waiting)".singleLine
    }

    /// What is going on, what waits for it, and the last few that ended.
    var shownJobs: [JobView] {
        Self.unfinished(jobs) + jobs.filter { $0.state.isFinal }.prefix(Self.finishedShown)
    }

    /// Those that have not ended: what is going on before what waits for it.
    static func unfinished(_ jobs: [JobView]) -> [JobView] {
        jobs.filter { !$0.state.isFinal && $0.state != .queued } + jobs.filter { $0.state == .queued }
    }

    /// All jobs that have not ended, however many are newer, the newest others, and those that have ended since the last look.
    ///
    /// - Parameter count: how many of the newest.
    static func jobs(
        of grid: any GridControl, since earlier: [JobView] = [], newest count: Int = newestFetched
    ) async throws -> [JobView] {
        var unfinished = JobsRequest(limit: Limits.jobsListedMax)
        unfinished.states = JobState.allCases.filter { !$0.isFinal }
        let open = try await grid.jobs(unfinished)
        let newest = try await grid.jobs(JobsRequest(limit: count))
        var found = Dictionary((open + newest).map { ($0.jobID, $0) }, uniquingKeysWith: { $1 })
        for job in earlier where !job.state.isFinal && found[job.jobID] == nil {
            do {
                found[job.jobID] = try await grid.job(job.jobID)
            } catch let error as GridError where error.kind == .notFound {
                // It has been removed since.
            }
        }
        return found.values.sorted { $0.jobID > $1.jobID }
    }

    private func section(_ table: TextTable, empty: String, _ terminal: Terminal) -> [String] {
        guard !table.rows.isEmpty else { return ["", empty] }
        var lines = table.lines()
        lines[0] = terminal.bold(lines[0])
        return [""] + lines
    }

    static func jobTable(_ jobs: [JobView]) -> TextTable {
        TextTable(
            [
                .init("JOB", .right), .init("KIND"), .init("REGION"), .init("STATE"), .init("STAGE"), .init("PROGRESS"),
                .init("TASKS", .right), .init("TILES/S", .right), .init("ETA", .right), .init("NOTE"),
            ],
            rows: jobs.map { job in
                let stage = job.state.isFinal ? nil : JobReport.currentStage(job)
                return [
                    "\(job.jobID)", job.kind, job.region, JobReport.state(job), stage.map { JobReport.name($0) } ?? "",
                    stage.map { JobReport.bar($0) } ?? "", stage.map(JobReport.tasks) ?? "",
                    job.tilesPerSecond.map { Quantity.fixed($0, digits: 1) } ?? "",
                    job.etaSeconds.map(Quantity.duration) ?? "",
                    job.error ?? job.waits.map { "waits \($0)" }
                        ?? (job.state == .done ? job.resultTable ?? "" : takenUp(job)),
                ]
            })
    }

    private static func takenUp(_ job: JobView) -> String {
        guard let resumed = job.resumed, !job.state.isFinal else { return "" }
        return "taken up again \(Quantity.counted(resumed, "time"))"
    }

    static func workerTable(_ workers: [WorkerView]) -> TextTable {
        TextTable(
            [
                .init("WORKER"), .init("STATE"), .init("SLOTS", .right), .init("RUNNING", .right), .init("QUEUED", .right),
                .init("DONE", .right), .init("FAILED", .right), .init("GFLOP/S", .right),
                .init("SLOT PEAK 32/64", .right), .init("CACHE", .right), .init("MEMORY", .right), .init("SEEN", .right),
                .init("PROFILE"),
            ],
            rows: workers.map { worker in
                [
                    worker.worker, worker.state, "\(worker.slots)", "\(worker.running)", "\(worker.queued)",
                    "\(worker.tasksDone)", "\(worker.tasksFailed)", Quantity.fixed(worker.gigaflopsPerSecond, digits: 1),
                    slotPeak(worker),
                    Quantity.bytes(worker.cachedBytes), Quantity.bytes(worker.memoryBytes),
                    Quantity.duration(seconds: worker.heartbeatAgeSeconds), worker.profile,
                ]
            })
    }

    /// GFLOP/s of one slot at most, in float32 and float64.
    private static func slotPeak(_ worker: WorkerView) -> String {
        guard let single = worker.peakFloat32GigaflopsPerSecond, let double = worker.peakFloat64GigaflopsPerSecond else {
            return ""
        }
        return "\(Quantity.fixed(single, digits: 0))/\(Quantity.fixed(double, digits: 0))"
    }

    /// Lines for a log: one for each job and worker that is not as it was. Progress counts in steps of ten percent.
    func changes(since earlier: StatusReport?) -> [String] {
        var lines: [String] = []
        let jobsBefore = Dictionary(
            (earlier?.jobs ?? []).map { ($0.jobID, Self.note($0)) }, uniquingKeysWith: { first, _ in first })
        for job in jobs.reversed() {
            // What had ended before anybody watched is no change.
            if earlier == nil, job.state.isFinal { continue }
            let note = Self.note(job)
            if jobsBefore[job.jobID] != note { lines.append(note) }
        }
        let workersBefore = Dictionary(
            (earlier?.workers ?? []).map { ($0.worker, $0.state) }, uniquingKeysWith: { first, _ in first })
        for worker in workers where workersBefore[worker.worker] != worker.state {
            lines.append("worker \(worker.worker) \(worker.state), \(worker.slots) slots".singleLine)
        }
        let present = Set(workers.map(\.worker))
        for worker in earlier?.workers ?? [] where !present.contains(worker.worker) {
            lines.append("worker \(worker.worker) gone".singleLine)
        }
        if let earlier, earlier.status.databaseReachable != status.databaseReachable {
            lines.append("database \(status.databaseReachable ? "answers again" : "does not answer")")
        }
        return lines
    }

    private static func note(_ job: JobView) -> String {
        var text = "job \(job.jobID) \(job.kind) \(job.region) \(JobReport.state(job))"
        if !job.state.isFinal, let stage = JobReport.currentStage(job) {
            let percent = ProgressBar.percent(done: stage.tasksDone, total: stage.tasksTotal) / 10 * 10
            text += " \(JobReport.name(stage)) \(JobReport.isInCoordinator(stage) ? JobReport.inCoordinator : "\(percent)%")"
        }
        if job.state == .done, let table = job.resultTable { text += ": \(table)" }
        if let error = job.error { text += ": \(error)" }
        return text.singleLine
    }
}
