import ClusterModel

// What the grid says of regions.
extension FakeGrid {
    func regions() async throws -> [RegionView] {
        try check()
        var view = RegionView(
            region: "USA", convention: "ffill-shift", window: "4y", minOverlap: 60,
            alphas: RegionView.Alphas(submitted: 3, unsubmitted: 1))
        (view.firstDay, view.lastDay) = ("2020-01-02", "2024-12-31")
        (view.universes, view.delays, view.types) = (["TOP3000"], [0, 1], ["REGULAR"])
        view.results = [
            RegionView.Result(result: .clusterMethods, rows: 3, jobID: JobID(3), lastUpdated: "2025-01-02T03:04:05.000Z")
        ]
        return [view]
    }

    func alpha(_ id: String, region: Region) async throws -> AlphaView {
        note(.alpha(id, region))
        try check()
        guard id != "NOBODY" else { throw GridError(.notFound, "region \(region) has no alpha '\(id)'") }
        var view = AlphaView(alphaID: id, region: region.name, submitted: true, metadata: ["is_sharpe": .number(1.5)])
        view.code = "rank(close)"
        view.codeMarks = [CodeMark(start: 0, end: 4, kind: .operator), CodeMark(start: 5, end: 10, kind: .field)]
        view.clusters = [["method": .text("umap"), "x": .number(0.5), "label": .null]]
        view.mostCorrelated = [AlphaView.Neighbour(alphaID: "B", r: 0.5, n: 250)]
        return view
    }

    func pnl(of id: String, pool: String?, region: Region) async throws -> PnLView {
        note(.pnl(id, pool: pool, region))
        try check()
        return PnLView(
            alphaID: id, region: region.name, pool: pool ?? "submitted", dates: ["2024-01-02", "2024-01-03"], pnl: [1.5, nil])
    }

    func matrix(_ request: MatrixRequest, region: Region) async throws -> MatrixView {
        note(.matrix(request, region))
        try check()
        var view = MatrixView(
            region: region.name, pool: request.pool ?? "submitted", convention: "ffill-shift", window: "4y", minOverlap: 60,
            order: request.order, count: 2, rows: MatrixView.Span(from: 0, to: 2, step: 1),
            columns: MatrixView.Span(from: 0, to: 2, step: 1))
        (view.rowIds, view.columnIds) = (["A", "B"], ["A", "B"])
        view.values = [[1, nil], [nil, 1]]
        view.labels = [0, nil]
        return view
    }

    func usage(pool: String?, region: Region) async throws -> RegionUsageView {
        note(.usage(pool: pool, region))
        try check()
        var view = RegionUsageView(region: region.name, pool: pool ?? "submitted")
        view.operators = [RegionUsageView.Word(name: "rank", category: "Cross Sectional", alphas: 2)]
        view.alphas = 2
        return view
    }

    func tiles(of job: JobID) async throws -> TileMapView {
        note(.tiles(job))
        try check()
        return TileMapView(jobID: job, stage: "tiles", edge: 2, upper: true, cells: "ml.q", taskCount: 3)
    }

    func moment(tasksAfter serial: Int) async -> GridMoment {
        moments += 1
        return GridMoment(
            status: (try? await status())
                ?? StatusView(
                    version: "", epoch: 0, uptimeSeconds: 0, databaseReachable: false, workersConnected: 0, slotsTotal: 0,
                    slotsBusy: 0, jobsQueued: 0, jobsRunning: 0, tasksDoneTotal: 0, lastError: nil),
            jobs: stored, workers: [worker], tasks: [tasked], taskSerial: moments)
    }

    private var tasked: TaskEventView {
        TaskEventView(jobID: JobID(2), stage: "tiles", task: moments, worker: "host-17", state: .merged, milliseconds: 5)
    }
}
