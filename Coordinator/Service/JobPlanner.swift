import ClusterModel
import Jobs
import Panel
import Store
import Synchronization

/// What a job would be: cut by the very planner that its kind uses, over a panel of which only the size is known and, where
/// the convention makes them costly, how many alphas lack days.
struct JobPlanner {
    let view: JobView
    /// Alphas and dates of a pool.
    var size: (_ pool: String) throws(GridError) -> (alphaIDs: [String], dates: [Day])
    /// Spans of some of a pool's alphas, from the date at an index on.
    var spans: (_ pool: String, _ alphaIDs: [String], _ dates: [Day], _ first: Int) throws(GridError) -> [SeriesSpan]
    /// Those that are there.
    var workers: [WorkerView]

    /// Of a panel with its ids and lookups, besides the values.
    private static let bytesPerAlpha = 400
    /// An alpha's hash of each part of its days, and the same while they are made.
    private static let bytesPerPart = 64
    private static let bytesFixed = 64 << 20
    /// Values around the median, neighbours and sums that a correlation job keeps of each alpha while it runs.
    private static let mergedBytesPerAlpha = 32 << 10
    private static let valueBytes = MemoryLayout<Double>.size

    func plan() throws(GridError) -> PlanView {
        let kind = try JobKind(parsing: view.kind)
        let parameters = try view.correlationParameters()
        let own = try size(view.pool)
        let others = try submittedBeside(kind)
        let dates = others.map { Self.union(own.dates, $0.dates) } ?? own.dates
        let firstDay = try Panel.firstDay(of: parameters.window, dates: dates, dayCount: dates.count)
        let layout = try layout(alphas: own.alphaIDs.count, dayCount: dates.count)
        let work = try stages(kind, layout, others?.alphaIDs.count, parameters, dates, firstDay)
        let tasks = work.planned.reduce(0) { $0 + $1.tasks }
        let alphas = own.alphaIDs.count + (others?.alphaIDs.count ?? 0)
        let windowDays = dates.count - firstDay
        let panelBytes = alphas * dates.count * Self.valueBytes
        let names = Self.bytesPerAlpha + Self.bytesPerPart * layout.shape.blockSize.partCount
        let connected = workers.filter { $0.state == "connected" }
        let merged = work.tiles > 0 ? Self.mergedBytesPerAlpha : AlphaFeature.count * Self.valueBytes
        let (cost, looked) = try cost(work, parameters, own.alphaIDs, others?.alphaIDs, dates, firstDay)
        var plan = PlanView(
            alphas: alphas, days: dates.count, windowDays: windowDays, tiles: work.tiles, tasks: tasks, stages: work.stages,
            flops: cost.flops * Double(work.tiles), panelBytes: panelBytes,
            bytesToWorkers: work.tiles > 0 ? panelBytes * max(1, connected.count) : panelBytes,
            coordinatorMemoryBytes: panelBytes + alphas * (names + merged) + Self.bytesFixed + work.matrixBytes,
            // Blocks as they come and the operands made of them.
            workerMemoryBytes: 2 * panelBytes, basis: "")
        let peak = connected.peakGigaflopsPerSecond(parameters.precision, profile: nil)
        let forecast = Forecast(flops: cost.productFlops * Double(work.tiles), peakGigaflopsPerSecond: peak)
        plan.predictedSeconds = forecast?.seconds
        plan.predictedLowSeconds = forecast?.low
        plan.predictedHighSeconds = forecast?.high
        plan.basis = basis(work, cost, looked, connected.count, peak)
        return plan
    }

    /// What a tile takes, and how many alphas were looked at to tell.
    private func cost(
        _ work: Work, _ parameters: CorrelationParameters, _ own: [String], _ others: [String]?, _ dates: [Day], _ firstDay: Int
    ) throws(GridError) -> (TileCost, looked: Int) {
        let tells = parameters.convention.isPairwise && work.tiles > 0
        func side(_ pool: String, _ ids: [String]) throws(GridError) -> TileCost.Side {
            let blocks = try layout(alphas: ids.count, dayCount: dates.count).blockCount
            // The value before the first return is in it.
            let found = tells ? try spans(pool, ids, dates, max(0, firstDay - 1)) : []
            return TileCost.Side(alphas: ids.count, blocks: blocks, spans: found)
        }
        let rows = try side(view.pool, own)
        let columns = try others.map { others throws(GridError) in try side(PoolName.submitted, others) }
        return (
            TileCost(parameters, windowDays: dates.count - firstDay, rows: rows, columns: columns),
            rows.spans.count + (columns?.spans.count ?? 0)
        )
    }

    private struct Work {
        var planned: [PlannedStage] = []
        /// All distances, and twice as much to work on, where methods need them at once.
        var matrixBytes = 0

        /// Of the stages that are certain to come.
        var tiles: Int { planned.reduce(0) { $0 + ($1.repeats ? 0 : $1.tiles) } }
        /// Stages of which nothing is in tiles, work and time.
        var uncounted: [String] { planned.filter { $0.repeats || $0.isLocal || $0.tiles == 0 }.map(\.name) }
        var stages: [PlanView.Stage] {
            planned.map {
                PlanView.Stage(
                    name: $0.name, tasks: $0.tasks, repeats: $0.repeats ? true : nil, inCoordinator: $0.isLocal ? true : nil)
            }
        }
    }

    /// The submitted alphas that a job looks at besides those of its own pool, if it does.
    private func submittedBeside(_ kind: JobKind) throws(GridError) -> (alphaIDs: [String], dates: [Day])? {
        if kind == .crossCorrelation { return try size(PoolName.submitted) }
        // A selection does without them where there are none.
        return kind == .selection && view.pool == PoolName.unsubmitted ? try? size(PoolName.submitted) : nil
    }

    private func stages(
        _ kind: JobKind, _ layout: PanelLayout, _ others: Int?, _ parameters: CorrelationParameters, _ dates: [Day],
        _ firstDay: Int
    ) throws(GridError) -> Work {
        let plan = CorrelationPlan(layout: layout, parameters: parameters, firstDay: firstDay)
        let columns = try others.map { count throws(GridError) in try self.layout(alphas: count, dayCount: dates.count) }
        switch kind {
        case .correlation:
            guard layout.alphaCount >= 2 else { throw GridError(.usage, "correlation needs at least 2 alphas, there is 1") }
            let wanted = WantedValues.everything(alphaCount: layout.alphaCount)
            return Work(
                planned: plan.waves.enumerated().map { wave, rows in
                    let name = CorrelationJob.waveName(wave, of: plan.waves.count)
                    return PlannedStage(plan.stage(name: name, rows: rows, mode: .full, wanted: wanted))
                })
        case .crossCorrelation:
            guard let columns else { return Work() }
            return try Self.first(
                CrossCorrelationJob(rows: layout, columns: columns, parameters: parameters, firstDay: firstDay))
        case .features:
            return try Self.first(FeaturesJob(layout: layout, dates: dates, firstDay: firstDay, isDaily: false))
        case .clusters:
            let wanted = try ClusterParameters(view.params)
            let count = wanted.needsMatrix ? layout.alphaCount : 0
            return Work(
                planned: try Self.planning { try ClustersJob.planned(plan, dates: dates, parameters: wanted) },
                matrixBytes: 3 * count * max(0, count - 1) / 2 * Self.valueBytes)
        case .selection:
            let wanted = try SelectionParameters(view.params, threshold: view.threshold, absolute: view.absolute)
            let cross = try columns.map { columns throws(GridError) -> SelectionJob.CrossPlan in
                let joined = try PanelLayout(joining: layout, columns)
                return (
                    CorrelationPlan(layout: joined, parameters: parameters, firstDay: firstDay), 0..<layout.blockCount,
                    layout.blockCount..<joined.blockCount
                )
            }
            return Work(planned: SelectionJob.planned(plan, crossPlan: cross, parameters: wanted))
        }
    }

    /// Of a job of one stage.
    private static func first(_ job: some GridJob) throws(GridError) -> Work {
        guard case .stage(let stage) = try planning({ try job.next() }) else { return Work() }
        return Work(planned: [PlannedStage(stage)])
    }

    private static func planning<R>(_ body: () throws -> R) throws(GridError) -> R {
        do {
            return try body()
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

    /// - Parameter looked: how many alphas tell of missing days.
    private func basis(_ work: Work, _ cost: TileCost, _ looked: Int, _ workers: Int, _ peak: Double) -> String {
        var parts = ["all stages, as they are cut for a panel that is read afresh"]
        if work.planned.contains(where: \.repeats) {
            parts.append("how often some come, once, several times or never, only the values tell: tasks are those of once")
        }
        if !work.uncounted.isEmpty {
            parts.append(
                "tiles, work and time are those of the tiles that are certain: \(work.uncounted.joined(separator: ", ")) "
                    + "\(work.uncounted.count == 1 ? "is" : "are") not in them")
        }
        if let share = cost.pairShare, work.tiles > 0 {
            let percent = share > 0 && share < 0.01 ? "less than 1" : "\(Int((100 * share).rounded()))"
            let source = looked > 0 ? "as the days of \(looked) alphas tell" : "since no days are known that tell otherwise"
            parts.append("\(view.convention) computes pairs with missing days one by one: \(percent) % of all, \(source)")
        }
        guard cost.flops * Double(work.tiles) > 0, peak > 0 else {
            return (parts + ["no worker that has measured itself is connected, or nothing to measure by, so no time"])
                .joined(separator: "; ")
        }
        let connected = workers == 1 ? "1 worker" : "\(workers) workers"
        parts.append("the time is from \(connected) connected, which measured \(Int(peak.rounded())) GFLOP/s together")
        parts.append("the reading of the PnL is not in it")
        return parts.joined(separator: "; ")
    }
}

extension CoordinatorService {
    package func plan(_ request: JobRequest) async throws -> PlanView {
        try await pages.run {
            let region = try Region(request.region)
            return try self.usingDatabase { () throws(GridError) in
                let settings = try self.store.regionSettings(region)
                let view = try request.resolve(region: region, settings: settings, now: ActiveJob.timestamp())
                try self.requireAlphas(of: view, region)
                // Not through `reader`: to look which of a million alphas have PnL may take longer than a page.
                let planner = JobPlanner(
                    view: view,
                    size: { pool throws(GridError) in try self.store.panelSize(region: region, pool: pool) },
                    spans: { pool, ids, dates, first throws(GridError) in
                        try self.store.spans(region: region, pool: pool, of: ids, dates: dates, from: first)
                    },
                    workers: self.shared.withLock { $0.snapshot.workers })
                return try planner.plan()
            }
        }
    }
}
