import ClusterModel
import Panel

/// Every pair whose r, or |r|, reaches a threshold.
final class EdgePhase: JobPhase {
    private let plan: CorrelationPlan
    private let rule: EdgeRule
    /// By points, which are the ranks of the ids, the smaller one first.
    private var found: [CorrelationPartial.Edge] = []
    private var dropped = 0
    /// Defined pairs of every point.
    private(set) var pairCounts: [Int]
    private let rectangle: (rows: Range<Int>, columns: Range<Int>)?
    private var stage: JobStage?

    /// - Parameter rectangle: block rows and the block columns behind them whose pairs alone are wanted; points of rows and of
    ///   columns are then counted from 0 each.
    init(plan: CorrelationPlan, rule: EdgeRule, rectangle: (rows: Range<Int>, columns: Range<Int>)? = nil) {
        var parameters = plan.parameters
        parameters.neighbours = 1
        parameters.edges = rule
        self.plan = CorrelationPlan(layout: plan.layout, parameters: parameters, firstDay: plan.firstDay)
        self.rule = rule
        self.rectangle = rectangle
        pairCounts = Array(repeating: 0, count: plan.layout.alphaCount)
    }

    func next() -> JobStage? {
        guard stage == nil else { return nil }
        let nothing = WantedValues.nothing(alphaCount: plan.layout.alphaCount)
        if let (rows, columns) = rectangle {
            stage = plan.stage(name: "cross pairs", rows: rows, columns: columns, wanted: nothing)
        } else {
            stage = plan.stage(name: "pairs", rows: 0..<plan.layout.blockCount, mode: .full, wanted: nothing)
        }
        return stage
    }

    func merge(task index: Int, partial payload: Payload) throws(GridError) {
        let partial = try CorrelationPartial(decoding: payload)
        try plan.check(partial, task: index, of: stage, rectangle: rectangle)
        dropped += Int(clamping: partial.edgesDropped)
        for block in partial.blocks where rectangle == nil {
            for (alpha, count) in zip(plan.layout.shape.alphas(inBlock: Int(block.index)), block.count) {
                pairCounts[Int(plan.layout.ranks[alpha])] += Int(count)
            }
        }
        guard found.count + partial.edges.count <= Limits.edgesMax else {
            dropped += partial.edges.count
            return
        }
        found += partial.edges
    }

    /// All of them, in the order of their points; in a rectangle `rankA` is of a row.
    ///
    /// - Throws: `GridError` when there are more than are kept.
    func edges() throws(GridError) -> [CorrelationPartial.Edge] {
        guard dropped == 0 else {
            let bound = rule.absolute ? "|r|" : "r"
            throw GridError(
                .usage,
                "over \(Limits.edgesMax) pairs have \(bound) >= \(rule.from), more than are kept: choose a stricter one"
            )
        }
        return found.map { edge in
            edge.rankA < edge.rankB || rectangle != nil
                ? edge : CorrelationPartial.Edge(r: edge.r, rankA: edge.rankB, rankB: edge.rankA, days: edge.days)
        }.sorted { ($0.rankA, $0.rankB) < ($1.rankA, $1.rankB) }
    }
}
