import ClusterModel
import Jobs
import Panel
import Store
import Testing

@testable import Service

struct JobPlannerTests {
    private func view(_ kind: String, blockEdge: Int = 64) -> JobView {
        JobView(
            jobID: JobID(0), kind: kind, region: "USA", pool: kind == "cross-correlation" ? "unsubmitted" : "submitted",
            state: .queued, priority: 0, convention: "ffill-shift", window: "400d", minOverlap: 60, precision: "float64",
            blockEdge: blockEdge, submittedAt: "")
    }

    private func worker(peak: Double?) -> WorkerView {
        var view = WorkerView(
            worker: "w", host: "h", processID: 1, version: "1", profile: "p", state: "connected", slots: 2, running: 0, queued: 0,
            tasksDone: 0, tasksFailed: 0, memoryBytes: 0, cachedBytes: 0, gigaflopsPerSecond: 0, heartbeatAgeSeconds: 0)
        view.peakFloat64GigaflopsPerSecond = peak
        return view
    }

    private func planner(_ view: JobView, alphas: Int, workers: [WorkerView] = []) -> JobPlanner {
        JobPlanner(
            view: view,
            size: { pool in (pool == view.pool ? alphas : 2 * alphas, (0..<1_000).map { .init(rawValue: 15_000 + $0) }) },
            workers: workers)
    }

    @Test("A correlation's plan has every tile of the triangle once, in the stages that the job itself makes")
    func correlation() throws {
        let plan = try planner(view("correlation"), alphas: 1_000, workers: [worker(peak: 50), worker(peak: 30)]).plan()
        // 16 blocks: 16 * 17 / 2 tiles.
        #expect(plan.tiles == 136 && plan.alphas == 1_000 && plan.days == 1_000 && plan.windowDays == 400)
        #expect(plan.stages.map(\.name) == ["correlate 1/3", "correlate 2/3", "correlate 3/3"])
        #expect(plan.tasks == plan.stages.reduce(0) { $0 + $1.tasks })
        #expect(plan.flops == 136 * 2 * 64 * 64 * 400)
        #expect(plan.panelBytes == 8_000_000 && plan.bytesToWorkers == 16_000_000)
        let atPeak = plan.flops / 160e9
        #expect(
            try #require(plan.predictedLowSeconds) > atPeak
                && #require(plan.predictedSeconds) < #require(plan.predictedHighSeconds))
        #expect(plan.basis.contains("2 workers connected, which measured 160 GFLOP/s together"))
        #expect(!plan.basis.contains("not in them") && plan.basis.hasSuffix("the reading of the PnL is not in it"))
    }

    @Test("Without a worker that has measured itself there is no time, and that is said")
    func noTime() throws {
        let plan = try planner(view("correlation"), alphas: 200, workers: [worker(peak: nil)]).plan()
        #expect(plan.predictedSeconds == nil && plan.basis.contains("so no time"))
    }

    @Test("Every kind of job has a plan", arguments: JobKind.allCases)
    func kinds(kind: JobKind) throws {
        let plan = try planner(view(kind.rawValue), alphas: 300).plan()
        #expect(plan.tasks > 0 && !plan.stages.isEmpty && plan.coordinatorMemoryBytes > plan.panelBytes)
        if kind == .crossCorrelation { #expect(plan.alphas == 900 && plan.tiles == 5 * 10) }
        if kind == .features { #expect(plan.tiles == 0 && plan.flops == 0) }
    }

    @Test("A plan of several stages counts them all, says which may come again, and where the coordinator computes by itself")
    func severalStages() throws {
        var clusters = view("clusters")
        clusters.params = ["methods": "average", "bootstrap": "5", "clusters": "4"]
        let plan = try planner(clusters, alphas: 300, workers: [worker(peak: 50)]).plan()
        #expect(
            plan.stages.map(\.name) == [
                "distances", "linkage (average)", "check of the heights (average)", "silhouettes (average)", "resample average",
                "stability (average)",
            ])
        #expect(plan.stages.map { $0.inCoordinator == true } == [false, true, true, true, false, true])
        #expect(plan.tiles == 15 && plan.predictedSeconds != nil)
        let uncounted = plan.stages.dropFirst().map(\.name).joined(separator: ", ")
        #expect(plan.basis.contains("certain: \(uncounted) are not in them"), "\(plan.basis)")
        #expect(plan.coordinatorMemoryBytes > 3 * 300 * 299 / 2 * 8, "all distances are held")

        var selection = view("selection")
        selection.pool = "unsubmitted"
        let beside = try planner(selection, alphas: 300).plan()
        #expect(
            beside.stages.map(\.name) == ["pairs", "cross pairs", "choice", "certificate", "risk parity"] && beside.alphas == 900)
        #expect(beside.stages.map { $0.repeats == true } == [false, false, false, true, false])
        #expect(beside.basis.contains("only the values tell"))
        #expect(beside.basis.contains("choice, certificate, risk parity are not in them"))
    }

    @Test("The request of a retried job asks for the same again", arguments: JobKind.allCases)
    func retried(kind: JobKind) throws {
        var view = view(kind.rawValue)
        (view.priority, view.fresh) = (7, true)
        if kind.looksAtPairs { (view.threshold, view.absolute) = (0.5, true) }
        let settings = RegionSettings(convention: .dailyPnL, window: .all, minOverlap: 99)
        var again = try JobRequest(like: view).resolve(region: try Region("USA"), settings: settings, now: "")
        again.submittedAt = view.submittedAt
        #expect(again == view)
    }
}
