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

    private func planner(
        _ view: JobView, alphas: Int, workers: [WorkerView] = [], spans: [SeriesSpan] = []
    ) -> JobPlanner {
        JobPlanner(
            view: view,
            size: { pool in
                let ids = (0..<(pool == view.pool ? alphas : 2 * alphas)).map { "A\($0)" }
                return (ids, (0..<1_000).map { .init(rawValue: 15_000 + $0) })
            },
            spans: { _, _, _, _ in spans }, workers: workers)
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

    @Test("Pairs with missing days are told one by one under a convention that is defined per pair, and as products otherwise")
    func conventions() throws {
        // From day 599 on: every day; nine of ten; the first half, complete; the last 101 days, 81 of them.
        let spans = [(599, 999, 401), (599, 999, 361), (599, 799, 201), (899, 999, 81)].map {
            SeriesSpan(first: $0, last: $1, count: $2)
        }
        func plan(_ convention: Convention, _ spans: [SeriesSpan], kind: String = "correlation") throws -> PlanView {
            var view = view(kind)
            (view.convention, view.minOverlap) = (convention.rawValue, 80)
            return try planner(view, alphas: 1_000, workers: [worker(peak: 50)], spans: spans).plan()
        }
        let product = 136 * 2.0 * 64 * 64 * 400
        let plain = try plan(.ffillShift, spans)
        #expect(plain.flops == product && !plain.basis.contains("one by one"))
        // Of six pairs: complete with nine of ten (361 common days), with the half (none lacks a day), with the last (81); nine
        // of ten with the half (201 * 361 / 401), and with the last (81 * 361 / 401, too few); the half with the last (none).
        let days = (361 + 81 + 201 * 361.0 / 401) / 6
        for (convention, flops) in [(Convention.commonDates, 20.0), (.alphadatabank, 24)] {
            let told = try plan(convention, spans)
            let pairs = 1_000 * 999 / 2.0 * days * flops
            #expect(abs(told.flops - product - pairs) < 1e-6 * pairs, "\(told.flops)")
            // Those flops take three times as long as a product's.
            let ratio = try #require(told.predictedSeconds) / #require(plain.predictedSeconds)
            #expect(abs(ratio - (product + 3 * pairs) / product) < 1e-9)
            #expect(told.basis.contains("\(convention.rawValue) computes pairs with missing days one by one: 50 % of all"))
            // Without gaps there is nothing to do one by one; where nothing is known, everything is, and no product.
            #expect(try plan(convention, [spans[0], spans[2]]).flops == product)
            #expect(try abs(plan(convention, []).flops / (1_000 * 999 / 2.0 * 400 * flops) - 1) < 1e-9)
        }
        // Each of 1,000 with each of 2,000 submitted; the sample of either pool is the same, so a series also meets itself.
        let cross = try plan(.commonDates, [spans[1]], kind: "cross-correlation")
        #expect(abs(cross.flops / (2e6 * 20 * 401 * (361 * 361 / (401.0 * 401))) - 1) < 1e-9, "\(cross.flops)")
    }

    @Test("The same is told of the panels themselves as of their table")
    func panels() throws {
        let dates = (0..<100).map { Day(rawValue: 15_000 + $0) }
        let builder = try PanelBuilder(alphaIDs: ["A", "B", "C"], dates: dates, blockEdge: 2)
        for alpha in 0..<3 {
            let values = (0..<100).map { day in day < 10 * alpha || (alpha == 1 && day % 5 == 4) ? Double.nan : Double(day) }
            values.withUnsafeBufferPointer { builder.set(alpha: alpha, values: $0) }
        }
        let panel = try builder.finish()
        // The values that B lacks from its first day on are those of days 14, 19, ... 99, so its last day is 98.
        let spans = [(0, 99, 100), (10, 98, 72), (20, 99, 80)].map { SeriesSpan(first: $0, last: $1, count: $2) }
        #expect(Set(panel.spans(from: 0)) == Set(spans))
        #expect(panel.spans(from: 50).contains(SeriesSpan(first: 50, last: 98, count: 40)))
        var view = view("correlation", blockEdge: 2)
        (view.convention, view.window) = ("common-dates", "all")
        let cost = try #require(TileCost(view, panels: [panel]))
        // A and B, B and C; three tiles of two blocks.
        let days = 72 + (98 - 20 + 1) * 72.0 / 89
        #expect(abs(cost.pairs * 3 - days * 20) < 1e-9 && cost.product == 2 * 2 * 2 * 100, "\(cost)")
        view.precision = "float32"
        let narrow = try #require(TileCost(view, panels: [panel]))
        #expect(narrow.flops == cost.flops && narrow.productFlops - narrow.product == 2 * 3 * cost.pairs)
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

    @Test("More clusters than k-means can begin with in blocks so small are refused with the request")
    func clustersOfSmallBlocks() throws {
        var request = JobRequest(kind: "clusters", region: "USA")
        request.params = ["methods": "kmeans", "clusters": "129"]
        try request.validateForKind()
        request.blockEdge = 2
        let error = #expect(throws: GridError.self) { try request.validateForKind() }
        #expect(error?.kind == .usage && error?.message.contains("a larger block_edge") == true)
        request.params?["kmeans_on"] = "features"
        try request.validateForKind()
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
