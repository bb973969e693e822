import ClusterModel
import Jobs
import Panel
import Store
import Synchronization

/// What a job would be: cut by the very planner that its kind uses, over a panel of which only the size is known.
struct JobPlanner {
    let view: JobView
    /// Alphas and dates of a pool.
    var size: (_ pool: String) throws(GridError) -> (alphas: Int, dates: [Day])
    /// Those that are there.
    var workers: [WorkerView]

    /// Of a panel with its ids and lookups, besides the values.
    private static let bytesPerAlpha = 400
    private static let bytesFixed = 64 << 20
    /// Values around the median, neighbours and sums that a correlation job keeps of each alpha while it runs.
    private static let mergedBytesPerAlpha = 32 << 10
    private static let valueBytes = MemoryLayout<Double>.size

    func plan() throws(GridError) -> PlanView {
        let kind = try JobKind(parsing: view.kind)
        let parameters = try view.correlationParameters()
        let own = try size(view.pool)
        let others = kind == .crossCorrelation ? try size(PoolName.submitted) : nil
        let dates = others.map { Self.union(own.dates, $0.dates) } ?? own.dates
        let firstDay = try Panel.firstDay(of: parameters.window, dates: dates, dayCount: dates.count)
        let layout = try layout(alphas: own.alphas, dayCount: dates.count)
        let work = try stages(kind, layout, others?.alphas, parameters, dates, firstDay)
        let tasks = work.stages.reduce(0) { $0 + $1.tasks }
        let alphas = own.alphas + (others?.alphas ?? 0)
        let windowDays = dates.count - firstDay
        let panelBytes = alphas * dates.count * Self.valueBytes
        let connected = workers.filter { $0.state == "connected" }
        let merged = work.tiles > 0 ? Self.mergedBytesPerAlpha : AlphaFeature.count * Self.valueBytes
        var plan = PlanView(
            alphas: alphas, days: dates.count, windowDays: windowDays, tiles: work.tiles, tasks: tasks, stages: work.stages,
            flops: 2 * Double(view.blockEdge * view.blockEdge) * Double(windowDays) * Double(work.tiles), panelBytes: panelBytes,
            bytesToWorkers: work.tiles > 0 ? panelBytes * max(1, connected.count) : panelBytes,
            coordinatorMemoryBytes: panelBytes + alphas * (Self.bytesPerAlpha + merged) + Self.bytesFixed,
            // Blocks as they come and the operands made of them.
            workerMemoryBytes: 2 * panelBytes, basis: "")
        let peak = connected.peakGigaflopsPerSecond(parameters.precision, profile: nil)
        let forecast = work.isAll ? Forecast(flops: plan.flops, peakGigaflopsPerSecond: peak) : nil
        plan.predictedSeconds = forecast?.seconds
        plan.predictedLowSeconds = forecast?.low
        plan.predictedHighSeconds = forecast?.high
        plan.basis = Self.basis(work, connected.count, peak, isKnown: forecast != nil)
        return plan
    }

    private struct Work {
        var stages: [PlanView.Stage] = []
        var tiles = 0
        /// Whether these are all stages that are certain to come.
        var isAll = true
    }

    private func stages(
        _ kind: JobKind, _ layout: PanelLayout, _ others: Int?, _ parameters: CorrelationParameters, _ dates: [Day],
        _ firstDay: Int
    ) throws(GridError) -> Work {
        let plan = CorrelationPlan(layout: layout, parameters: parameters, firstDay: firstDay)
        var work = Work()
        func add(_ stage: JobStage) {
            work.stages.append(PlanView.Stage(name: stage.name, tasks: stage.taskCount))
            work.tiles += stage.tileCount
        }
        switch kind {
        case .correlation:
            guard layout.alphaCount >= 2 else { throw GridError(.usage, "correlation needs at least 2 alphas, there is 1") }
            let wanted = WantedValues.everything(alphaCount: layout.alphaCount)
            for (wave, rows) in plan.waves.enumerated() {
                let name = CorrelationJob.waveName(wave, of: plan.waves.count)
                add(plan.stage(name: name, rows: rows, mode: .full, wanted: wanted))
            }
        case .crossCorrelation:
            let columns = try self.layout(alphas: others ?? 0, dayCount: dates.count)
            let job = try CrossCorrelationJob(rows: layout, columns: columns, parameters: parameters, firstDay: firstDay)
            if let stage = try Self.first(job) { add(stage) }
        case .features:
            if let stage = try Self.first(FeaturesJob(layout: layout, dates: dates, firstDay: firstDay, isDaily: false)) {
                add(stage)
            }
        case .clusters:
            let job = try ClustersJob(plan: plan, dates: dates, parameters: try ClusterParameters(view.params))
            if let stage = try Self.first(job) { add(stage) }
            work.isAll = false
        case .selection:
            let wanted = try SelectionParameters(view.params, threshold: view.threshold, absolute: view.absolute)
            if let stage = SelectionJob.firstStage(of: plan, parameters: wanted) { add(stage) }
            work.isAll = false
        }
        return work
    }

    private static func first(_ job: some GridJob) throws(GridError) -> JobStage? {
        do {
            if case .stage(let stage) = try job.next() { return stage }
            return nil
        } catch {
            throw error as? GridError ?? GridError(.failed, "the job could not be planned: \(error)")
        }
    }

    /// Blocks as a panel that is read afresh has them; their contents decide nothing of the plan but its hash.
    private func layout(alphas: Int, dayCount: Int) throws(GridError) -> PanelLayout {
        let shape = try PanelShape(alphaCount: alphas, dayCount: dayCount, blockEdge: view.blockEdge, name: "the panel")
        let none = BlockHash(words: (0, 0, 0, 0))
        return PanelLayout(
            shape: shape, blockHashes: Array(repeating: none, count: shape.blockCount),
            ranks: (0..<alphas).map { UInt32($0) }, contentHash: none)
    }

    private static func union(_ a: [Day], _ b: [Day]) -> [Day] { Set(a).union(b).sorted() }

    private static func basis(_ work: Work, _ workers: Int, _ peak: Double, isKnown: Bool) -> String {
        let cut =
            work.isAll
            ? "all stages, as they are cut for a panel that is read afresh" : "the first stage; what it finds decides the rest"
        if isKnown {
            let speed = Int(peak.rounded())
            return
                "\(cut); the time is from \(workers == 1 ? "1 worker" : "\(workers) workers") connected, which measured \(speed) "
                + "GFLOP/s together; the reading of the PnL is not in it"
        }
        return work.isAll ? "\(cut); no worker that has measured itself is connected, or nothing to measure by, so no time" : cut
    }
}

extension CoordinatorService {
    package func plan(_ request: JobRequest) async throws -> PlanView {
        try await waiting { service throws(GridError) in
            let region = try Region(request.region)
            return try service.usingDatabase { () throws(GridError) in
                let settings = try service.store.regionSettings(region)
                let view = try request.resolve(region: region, settings: settings, now: ActiveJob.timestamp())
                let planner = JobPlanner(
                    view: view,
                    size: { pool throws(GridError) in try service.store.panelSize(region: region, pool: pool) },
                    workers: service.shared.withLock { $0.snapshot.workers })
                return try planner.plan()
            }
        }
    }
}
