import ClusterModel
import Embedding
import Panel

/// Rounds of tasks over the standardised series of all alphas, whose partials are taken up in the order of the blocks.
class RowsPhase: JobPhase {
    let plan: CorrelationPlan
    private let name: String
    private var tasks: [RowsTask] = []
    private var partials: [RowsPartial?] = []
    private var roundsDone = 0

    /// Enough for a few hundred slots, and few enough for their partials to be held.
    private static let tasksPerRoundMax = 256

    init(plan: CorrelationPlan, name: String) {
        self.plan = plan
        self.name = name
    }

    /// What to ask for next, given what the last round returned in the order of the blocks; nil at the end.
    func operation(after partials: [RowsPartial]) throws -> RowsTask.Operation? { nil }

    final func next() throws -> JobStage? {
        guard let operation = try operation(after: partials.compactMap { $0 }) else { return nil }
        roundsDone += 1
        tasks = makeTasks(operation)
        partials = Array(repeating: nil, count: tasks.count)
        let payloads = tasks.map { Payload(copying: $0.encoded()) }
        return JobStage(
            name: name, plan: PlanHash(stage: "\(name) \(roundsDone)", of: payloads), kind: "rows", taskCount: payloads.count,
            grid: nil,
            tileCount: 0
        ) { payloads[$0] }
    }

    final func merge(task index: Int, partial: Payload) throws(GridError) {
        partials[index] = try RowsPartial(decoding: partial, of: tasks[index])
    }

    /// First centres come from as many blocks as hold enough alphas to choose from; everything else from all.
    private func makeTasks(_ operation: RowsTask.Operation) -> [RowsTask] {
        let (layout, edge) = (plan.layout, plan.layout.shape.blockEdge)
        var (perTask, limit) = (Self.blocksPerTask(layout, isGram: false), layout.blockCount)
        switch operation {
        case .gram: perTask = Self.blocksPerTask(layout, isGram: true)
        case .start(let clusters, _):
            limit = Self.firstBlocks(layout, clusters: clusters)
            perTask = limit
        case .scores, .assign: break
        }
        return stride(from: 0, to: limit, by: perTask).map { first in
            let blocks = first..<min(first + perTask, limit)
            return RowsTask(
                blockEdge: edge, dayCount: layout.shape.dayCount, firstDay: plan.firstDay,
                convention: plan.parameters.convention,
                blocks: blocks.map {
                    FeatureTask.Block(
                        index: UInt32($0), name: layout.blockNames[$0], alphaCount: layout.shape.alphas(inBlock: $0).count)
                }, firstRow: layout.shape.blockStarts[first], operation: operation)
        }
    }

    /// How many blocks first centres come from. They need not be full: alphas that came later have blocks of their own. That they
    /// hold enough was asked before (`ClusterParameters.expectCentres`).
    private static func firstBlocks(_ layout: PanelLayout, clusters: Int) -> Int {
        let enough = layout.shape.blockStarts.firstIndex { $0 >= 4 * clusters } ?? layout.blockCount
        return min(enough, Limits.blocksPerTaskMax)
    }

    /// Of a round that all alphas take part in.
    static func taskCount(_ layout: PanelLayout, isGram: Bool) -> Int {
        let perTask = blocksPerTask(layout, isGram: isGram)
        return (layout.blockCount + perTask - 1) / perTask
    }

    private static func blocksPerTask(_ layout: PanelLayout, isGram: Bool) -> Int {
        // A Gram matrix has days x days values, whatever the number of rows.
        let tasksMax = isGram ? 16 : tasksPerRoundMax
        return min(Limits.blocksPerTaskMax, (layout.blockCount + tasksMax - 1) / tasksMax)
    }

    /// Values by layout position, brought into the order of the points.
    final func byPoint<Value>(_ values: [Value]) -> [Value] {
        var ordered = values
        for (position, rank) in plan.layout.ranks.enumerated() { ordered[Int(rank)] = values[position] }
        return ordered
    }
}

/// k-means of the standardised series.
final class KMeansPhase: RowsPhase {
    private let clusters: Int
    private let seed: UInt64
    private var machine: KMeans?
    private(set) var result: KMeansResult?

    init(plan: CorrelationPlan, clusters: Int, seed: UInt64) {
        self.clusters = clusters
        self.seed = seed
        super.init(plan: plan, name: "k-means")
    }

    override func operation(after partials: [RowsPartial]) throws -> RowsTask.Operation? {
        guard var machine else {
            guard case .start(let start)? = partials.first else { return .start(clusters: clusters, seed: seed) }
            let machine = KMeans(start: start)
            self.machine = machine
            return .assign(start)
        }
        var merged: KMeansPartial?
        for case .assign(let partial) in partials {
            if merged == nil { merged = partial } else { merged?.merge(partial) }
        }
        guard let merged else { return nil }
        let step = machine.take(merged)
        self.machine = machine
        switch step {
        case .assign(let centroids): return .assign(centroids)
        case .done(let result):
            self.result = result
            return nil
        }
    }

    /// By point.
    var labels: [Int] { byPoint((result?.labels ?? []).map { Int($0) }) }
    /// The points that were the first centres.
    var starts: [Int] { (result?.startRows ?? []).map { Int(plan.layout.ranks[$0]) } }
}

/// Principal components of the standardised series.
final class PCAPhase: RowsPhase {
    private let components: Int
    private(set) var basis: PCABasis?
    private var scores: [Double] = []

    init(plan: CorrelationPlan, components: Int) {
        self.components = components
        super.init(plan: plan, name: "PCA")
    }

    override func operation(after partials: [RowsPartial]) throws -> RowsTask.Operation? {
        if basis == nil {
            var merged: GramPartial?
            for case .gram(let partial) in partials {
                if merged == nil { merged = partial } else { merged?.merge(partial) }
            }
            guard let merged else { return .gram }
            let basis = try PCABasis(merged, components: components)
            self.basis = basis
            return .scores(basis)
        }
        for case .scores(let values) in partials { scores += values }
        return nil
    }

    /// By point.
    var coordinates: [[Double]] {
        let width = basis?.count ?? 0
        return byPoint((0..<plan.layout.alphaCount).map { Array(scores[($0 * width)..<(($0 + 1) * width)]) })
    }
}
