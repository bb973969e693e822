import ClusterModel
import Jobs
import Kernels
import Panel
import Store

extension PreparedJob {
    /// Which alphas of a pool to keep, and in which order to submit them. Unsubmitted ones have to stand beside the submitted
    /// ones of the region.
    static func selection(_ view: JobView, with means: JobMeans) throws(GridError) -> PreparedJob {
        var parameters = try view.correlationParameters()
        parameters.edges = nil
        let wanted = try SelectionParameters(view.params, threshold: view.threshold, absolute: view.absolute)
        let loaded = try means.load(view.pool)
        let own = loaded.panel
        try own.requireCorrelatable(source: "pool \(view.pool) of region \(view.region)")
        let standing = view.pool == PoolName.unsubmitted ? try means.metrics(PoolName.submitted) : [:]
        let submitted = standing.isEmpty ? nil : try means.load(PoolName.submitted).panel
        // A common frame of dates, as joining the two tables would give it.
        let dates = submitted.map { Panel.allDates(of: own, $0) } ?? own.dates
        let panel = try submitted == nil ? own : own.spread(over: dates)
        let others = try submitted.map { panel throws(GridError) in try panel.spread(over: dates) }
        let firstDay = try panel.firstDay(of: parameters.window)
        let layout = PanelLayout(panel)
        let plan = CorrelationPlan(layout: layout, parameters: parameters, firstDay: firstDay)
        let cross = try others.map { others throws(GridError) in
            let joined = try PanelLayout(joining: layout, PanelLayout(others))
            return (
                plan: CorrelationPlan(layout: joined, parameters: parameters, firstDay: firstDay),
                rows: 0..<layout.blockCount, columns: layout.blockCount..<joined.blockCount
            )
        }
        let figures = try Figures(panel, means.metrics(view.pool), parameters.convention)
        let weights = figures.weights(wanted.weight)
        guard weights.contains(where: \.isFinite) else {
            throw GridError(
                .conflict,
                "no alpha of pool '\(view.pool)' of region \(view.region) has \(wanted.weight.rawValue), so none could be "
                    + "chosen: 'alphagrid db import-alphas FILE' brings it, and weight=sharpe is computed where it is missing")
        }
        let otherFigures = try others.map { panel throws(GridError) in
            Figures(panel, standing, parameters.convention)
        }
        let facts = SelectionJob.Facts(
            weights: weights, sharpes: figures.sharpes, submittedSharpes: otherFigures?.sharpes ?? [],
            twins: figures.alphaIDs.map { id in
                others.flatMap { panel in panel.alpha(withID: id).map { Int(panel.ranks[$0]) } }
            })
        let job = SelectionJob(plan: plan, crossPlan: cross, parameters: wanted, facts: facts, panel: panel)
        return PreparedJob(
            job: job, panels: [panel] + (others.map { [$0] } ?? []), alphaCount: panel.alphaCount, dayCount: panel.dayCount,
            panelHash: panel.contentHash.description,
            warnings: loaded.warnings + (try panel.warnings(for: parameters)) + figures.warnings(wanted.weight)
        ) { outcome throws(GridError) in
            guard case .selection(let outcome) = outcome else { throw GridError(.failed, "the job is of another kind") }
            let rows = outcome.rows(alphaIDs: figures.alphaIDs, submittedIDs: otherFigures?.alphaIDs ?? [])
            return JobResult(digest: SelectionOutcome.digest(rows)) { store, view, epoch throws(GridError) in
                let settings = try store.regionSettings(try Region(view.region)) ?? RegionSettings()
                let publication = try Publication(
                    view, isRegionsOwn: view.isRegionsOwn(settings, pool: PoolName.submitted), firstDay: dates[firstDay],
                    lastDay: dates[dates.count - 1])
                view.resultTable = publication.selectionTable
                view.warnings += outcome.notes
                try store.publishSelection(
                    rows, rule: EdgeRule(from: wanted.threshold, absolute: wanted.absolute), of: publication, epoch: epoch,
                    saving: view)
            }
        }
    }
}

/// What is known of the alphas of a panel, by point.
private struct Figures {
    let alphaIDs: [String]
    /// NaN where unknown.
    let sharpes: [Double]
    private let metrics: [AlphaMetrics]
    /// Alphas whose Sharpe is not stored but computed.
    private let computed: Int

    init(_ panel: Panel, _ stored: ByAlphaID<AlphaMetrics>, _ convention: Convention) {
        let positions = panel.idOrder.map { Int($0) }
        alphaIDs = positions.map { panel.alphaIDs[$0] }
        metrics = alphaIDs.map { stored[$0] ?? AlphaMetrics() }
        var computed = 0
        sharpes = zip(positions, metrics).map { position, metrics in
            if let value = metrics.sharpe, value.isFinite { return value }
            computed += 1
            return SharpeRatio.annual(panel.series(position), convention) ?? .nan
        }
        self.computed = computed
    }

    func weights(_ weight: SelectionParameters.Weight) -> [Double] {
        switch weight {
        case .sharpe: sharpes
        case .fitness: metrics.map { $0.fitness ?? .nan }
        case .returns: metrics.map { $0.returns ?? .nan }
        case .margin: metrics.map { $0.margin ?? .nan }
        case .equal: metrics.map { _ in 1 }
        }
    }

    func warnings(_ weight: SelectionParameters.Weight) -> [String] {
        var warnings: [String] = []
        if computed > 0 { warnings.append("\(alphas(computed)) no is_sharpe, so it is computed from the PnL") }
        let without = weights(weight).count { $0.isNaN }
        if without > 0 { warnings.append("\(alphas(without)) no \(weight.rawValue), so not kept") }
        return warnings
    }

    private func alphas(_ count: Int) -> String { count == 1 ? "1 alpha has" : "\(count) alphas have" }
}
