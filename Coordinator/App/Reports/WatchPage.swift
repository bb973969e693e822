import ClusterModel

/// The grid on one screen, whatever its size: what matters most is at the top, and lists are cut with a word of how many
/// more there are.
struct WatchPage {
    var report: StatusReport
    var history: WatchHistory
    var terminal: Terminal
    var isUnicode: Bool
    /// Instead of the hint about keys, such as that nobody answers.
    var trouble: String?

    private static let barWidth = 20
    /// Where the columns of a table would leave nothing for the rest.
    private static let narrow = 100

    /// At most as many as the terminal has rows.
    func lines() -> [String] {
        let head = header()
        let foot =
            [report.status.lastError.map { red("last error: \($0)".singleLine) }, trouble.map { red($0.singleLine) }]
            .compactMap { $0 } + ["q quits"]
        let jobs = jobRows()
        let workers = workerRows()
        // Two empty lines between the parts; each table has its titles.
        let room = max(0, terminal.rows - head.count - foot.count - 2)
        let jobRoom = min(jobs.count, max(room / 2, room - workers.count))
        var lines = head + [""]
        lines += cut(jobs, to: jobRoom, of: report.shownJobs.count, "jobs")
        lines += cut(workers, to: room - min(jobRoom, jobs.count), of: report.workers.count, "workers")
        while lines.count < terminal.rows - foot.count { lines.append("") }
        return Array(lines.prefix(max(0, terminal.rows - foot.count))) + foot
    }

    /// - Parameter all: how many things the rows are of; what stands above them is none.
    private func cut(_ rows: [String], to count: Int, of all: Int, _ noun: String) -> [String] {
        guard rows.count > count else { return rows }
        guard count > 1 else { return Array(rows.prefix(count)) }
        return rows.prefix(count - 1) + ["... \(min(all, rows.count - count + 1)) more \(noun)"]
    }

    // MARK: Header

    private func header() -> [String] {
        let status = report.status
        let database = status.databaseReachable ? "ok" : red("DOWN")
        return [
            terminal.bold("AlphaGrid \(status.version)")
                + "  \(report.url)  up \(Quantity.duration(seconds: status.uptimeSeconds))  epoch \(status.epoch)"
                + "  database \(database)",
            "workers \(status.workersConnected)  slots \(status.slotsBusy)/\(status.slotsTotal) busy"
                + "  jobs \(status.jobsRunning) running, \(status.jobsQueued) queued  tasks done \(status.tasksDoneTotal)",
            rates(),
        ]
    }

    private func rates() -> String {
        let gigaflops = report.workers.reduce(0) { $0 + $1.gigaflopsPerSecond }
        var text = "\(Quantity.fixed(gigaflops, digits: 0)) GFLOP/s"
        let peaks = report.workers.compactMap(peak)
        if !peaks.isEmpty { text += ", \(percent(gigaflops, of: peaks.reduce(0, +))) of peak" }
        guard let recent = history.recent else { return text }
        text += "  \(Quantity.fixed(recent, digits: 1)) tasks/s "
        let room = terminal.columns - text.count - 1
        return text + Sparkline.text(history.tasksPerSecond, width: min(60, room), isUnicode: isUnicode)
    }

    // MARK: Jobs

    private func jobRows() -> [String] {
        let jobs = report.shownJobs
        guard !jobs.isEmpty else { return ["no jobs yet: submit one with 'alphagrid run'"] }
        let table = TextTable(
            [
                .init("JOB", .right), .init("KIND"), .init("REGION"), .init("STATE"), .init("PROGRESS"), .init("TASKS", .right),
                .init("ETA", .right), .init("NOTE"),
            ],
            rows: jobs.map { job in
                let stage = job.state.isFinal ? nil : JobReport.currentStage(job)
                return [
                    "\(job.jobID)", job.kind, job.region, Self.state(job),
                    stage.map { JobReport.bar($0, width: barWidth) } ?? "",
                    stage.map(JobReport.tasks) ?? "", job.etaSeconds.map(Quantity.duration) ?? "",
                    job.error ?? stage?.name ?? (job.state == .done ? job.resultTable ?? "" : ""),
                ]
            })
        return rows(table, states: jobs.map(Self.state))
    }

    private static func state(_ job: JobView) -> String { job.paused && !job.state.isFinal ? "paused" : job.state.rawValue }

    private var barWidth: Int { terminal.columns < Self.narrow ? 10 : Self.barWidth }

    // MARK: Workers

    private func workerRows() -> [String] {
        let workers = report.workers
        guard !workers.isEmpty else { return ["", "no workers connected: start one with 'alphagrid-worker --connect ADDRESS'"] }
        // Where it is narrow, what is least needed goes.
        let isNarrow = terminal.columns < Self.narrow
        var columns: [TextTable.Column] = [.init("WORKER"), .init("STATE"), .init("BUSY", .right), .init("DONE", .right)]
        if !isNarrow { columns += [.init("QUEUED", .right), .init("FAILED", .right)] }
        columns += [.init("GFLOP/S", .right), .init("OF PEAK", .right), .init("CACHE", .right), .init("SEEN", .right)]
        let table = TextTable(
            columns,
            rows: workers.map { worker in
                var cells = [
                    shortened(worker.worker, to: max(8, terminal.columns - (isNarrow ? 66 : 84))), worker.state,
                    "\(worker.running)/\(worker.slots)", "\(worker.tasksDone)",
                ]
                if !isNarrow { cells += ["\(worker.queued)", "\(worker.tasksFailed)"] }
                cells.append(Quantity.fixed(worker.gigaflopsPerSecond, digits: 0))
                cells.append(peak(worker).map { percent(worker.gigaflopsPerSecond, of: $0) } ?? "")
                return cells + [Quantity.bytes(worker.cachedBytes), Quantity.duration(seconds: worker.heartbeatAgeSeconds)]
            })
        return [""] + rows(table, states: workers.map(\.state))
    }

    /// A worker chooses its own name; the figures behind it have to stay on the screen.
    private func shortened(_ name: String, to most: Int) -> String {
        name.count > most ? String(name.prefix(most - 1)) + "~" : name
    }

    /// GFLOP/s of all slots of a worker at most, in the precision of the jobs that run.
    private func peak(_ worker: WorkerView) -> Double? {
        let isSingle = report.jobs.contains { $0.state == .running && $0.precision == "float32" }
        let slot = isSingle ? worker.peakFloat32GigaflopsPerSecond : worker.peakFloat64GigaflopsPerSecond
        return slot.map { $0 * Double(worker.slots) }
    }

    private func percent(_ part: Double, of whole: Double) -> String {
        whole > 0 ? "\(Quantity.fixed(100 * part / whole, digits: 0)) %" : "?"
    }

    // MARK: Colours

    private func rows(_ table: TextTable, states: [String]) -> [String] {
        var lines = table.lines()
        for (number, state) in states.enumerated() { lines[number + 1] = coloured(lines[number + 1], state) }
        lines[0] = terminal.bold(lines[0])
        return lines
    }

    private func coloured(_ text: String, _ state: String) -> String {
        switch state {
        case "failed", "suspect", "lost": red(text)
        case "running", "publishing": painted(text, 32)
        case "draining", "planning", "paused": painted(text, 33)
        default: text
        }
    }

    private func red(_ text: String) -> String { painted(text, 31) }

    private func painted(_ text: String, _ code: Int) -> String {
        terminal.hasColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
