import ClusterModel

/// Jobs as tables, pages and lines.
enum JobReport {
    static func table(_ jobs: [JobView]) -> TextTable {
        TextTable(
            [
                .init("JOB", .right), .init("KIND"), .init("REGION"), .init("POOL"), .init("STATE"), .init("PROGRESS"),
                .init("PRIORITY", .right), .init("SUBMITTED"), .init("ERROR"),
            ],
            rows: jobs.map { job in
                [
                    "\(job.jobID)", job.kind, job.region, job.pool, state(job), progress(job), "\(job.priority)",
                    job.submittedAt, job.error ?? "",
                ]
            })
    }

    static func page(_ job: JobView) -> [String] {
        let stages = job.stages.map { stage in
            guard stage.inCoordinator == true else { return "\(name(stage)) \(stage.tasksDone)/\(stage.tasksTotal)" }
            return "\(name(stage)) \(stage.tasksDone < stage.tasksTotal ? inCoordinator : "done")"
        }.joined(separator: ", ")
        return TextTable.page([
            ("job", "\(job.jobID)"), ("kind", job.kind), ("region", job.region), ("pool", job.pool),
            ("state", state(job)), ("waits", job.waits), ("reason", job.reason), ("priority", "\(job.priority)"),
            ("convention", job.convention),
            ("window", job.window), ("min_overlap", "\(job.minOverlap)"), ("precision", job.precision),
            ("block_edge", "\(job.blockEdge)"), ("top", "\(job.top)"), ("params", params(job)),
            ("pairs kept", pairsKept(job)), ("submitted", job.submittedAt), ("started", job.startedAt),
            ("taken up again", resumption(job)), ("finished", job.finishedAt), ("stages", stages.isEmpty ? nil : stages),
            ("alphas", job.alphaCount.map(String.init)), ("days", job.dayCount.map(String.init)),
            ("tiles/s", job.tilesPerSecond.map { Quantity.fixed($0, digits: 1) }),
            ("eta", eta(job)), ("speed", speed(job)), ("profile", job.profile), ("panel", job.panelHash),
            ("digest", job.digest), ("table", job.resultTable), ("error", job.error == job.reason ? nil : job.error),
        ]) + job.warnings.map { "warning  \($0)".singleLine }
    }

    /// `2024-01-02T03:04:05.000Z, the 2nd time, 117 partials kept`.
    private static func resumption(_ job: JobView) -> String? {
        guard let resumedAt = job.resumedAt, let resumed = job.resumed else { return nil }
        let kept = job.partialsKept.map { ", \(Quantity.counted($0, "partial")) kept" } ?? ""
        return "\(resumedAt), \(Quantity.counted(resumed, "time")) in all\(kept)"
    }

    private static func params(_ job: JobView) -> String? {
        job.params.isEmpty ? nil : job.params.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// `r >= 0.7`, or nothing for a job that keeps no pairs one by one.
    private static func pairsKept(_ job: JobView) -> String? {
        job.threshold.map { "\(job.absolute ? "|r|" : "r") >= \($0)" }
    }

    /// `tiles 31%`, or nothing before the first stage and after the end.
    static func progress(_ job: JobView) -> String {
        guard !job.state.isFinal, let stage = currentStage(job) else { return "" }
        if isInCoordinator(stage) { return "\(name(stage)) \(inCoordinator)" }
        // Of rounds whose number nobody knows, a finished one says nothing of the whole.
        if stage.round != nil, stage.tasksDone == stage.tasksTotal { return name(stage) }
        return "\(name(stage)) \(ProgressBar.percent(done: stage.tasksDone, total: stage.tasksTotal))%"
    }

    /// Instead of a share of tasks, of what the coordinator computes without workers.
    static let inCoordinator = "in the coordinator"

    /// Whether it is going on there.
    static func isInCoordinator(_ stage: StageView) -> Bool {
        stage.inCoordinator == true && stage.tasksDone < stage.tasksTotal
    }

    /// A bar, or where the stage is computed if that is not by tasks.
    static func bar(_ stage: StageView, width: Int = ProgressBar.barWidth) -> String {
        if isInCoordinator(stage) { return inCoordinator }
        return ProgressBar.bar(done: stage.tasksDone, total: stage.tasksTotal, width: width)
    }

    /// `40/128`, or nothing where there are no tasks.
    static func tasks(_ stage: StageView) -> String {
        isInCoordinator(stage) ? "" : "\(stage.tasksDone)/\(stage.tasksTotal)"
    }

    /// `kmeans round 7`.
    static func name(_ stage: StageView) -> String { stage.name + (stage.round.map { " round \($0)" } ?? "") }

    static func state(_ job: JobView) -> String { job.paused ? "\(job.state.rawValue), paused" : job.state.rawValue }

    /// `2 min (1 min to 4 min)`.
    private static func eta(_ job: JobView) -> String? {
        guard let seconds = job.etaSeconds else { return nil }
        guard let low = job.etaLowSeconds, let high = job.etaHighSeconds else { return Quantity.duration(seconds: seconds) }
        return
            "\(Quantity.duration(seconds: seconds)) (\(Quantity.duration(seconds: low)) to \(Quantity.duration(seconds: high)))"
    }

    /// `180.2 GFLOP/s, 48 % of the peak`.
    private static func speed(_ job: JobView) -> String? {
        job.gigaflopsPerSecond.map { speed in
            let share = job.peakShare.map { ", \(Int(($0 * 100).rounded())) % of the peak" } ?? ""
            return "\(Quantity.fixed(speed, digits: 1)) GFLOP/s\(share)"
        }
    }

    /// The stage that is being worked on: the first that is not finished, else the last.
    static func currentStage(_ job: JobView) -> StageView? {
        job.stages.first { $0.tasksDone < $0.tasksTotal } ?? job.stages.last
    }

    /// One line with a bar: `job 5 correlation USA running tiles [=>  ] 31% 40/128 34.2 tiles/s eta 12 s`.
    static func progressLine(_ job: JobView) -> String {
        var parts = ["job \(job.jobID) \(job.kind) \(job.region) \(job.state.rawValue)"]
        if let stage = currentStage(job) {
            parts += [name(stage), bar(stage), tasks(stage)].filter { !$0.isEmpty }
        }
        if let rate = job.tilesPerSecond { parts.append("\(Quantity.fixed(rate, digits: 1)) tiles/s") }
        if let eta = job.etaSeconds { parts.append("eta \(Quantity.duration(seconds: eta))") }
        if let waits = job.waits { parts.append("waits \(waits)") }
        return parts.joined(separator: " ").singleLine
    }
}
