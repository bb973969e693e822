import ClusterModel
import Panel

/// Every alpha's most correlated others, exactly, and nothing else of the pairs.
///
/// Points are alphas by the bytewise rank of their ids, so that results do not depend on how a panel is laid out.
final class NeighbourPhase: JobPhase {
    private let plan: CorrelationPlan
    private var lists: NeighbourLists
    private var stage: JobStage?
    private var wavesDone = 0

    /// - Parameter kept: neighbours of each alpha, 1 ... `Limits.neighboursMax`.
    init(plan: CorrelationPlan, kept: Int) {
        var parameters = plan.parameters
        parameters.neighbours = kept
        parameters.edges = nil
        self.plan = CorrelationPlan(layout: plan.layout, parameters: parameters, firstDay: plan.firstDay)
        lists = NeighbourLists(alphaCount: plan.layout.alphaCount, kept: kept, end: .most)
    }

    /// In waves, each of which tells the next what is too little to be worth returning.
    func next() -> JobStage? {
        let waves = plan.waves
        guard wavesDone < waves.count else { return nil }
        var wanted = WantedValues.nothing(alphaCount: plan.layout.alphaCount)
        wanted.mostFrom = lists.bounds
        wavesDone += 1
        stage = plan.stage(
            name: "neighbours \(wavesDone)/\(waves.count)", rows: waves[wavesDone - 1], mode: .full, wanted: wanted)
        return stage
    }

    func merge(task index: Int, partial payload: Payload) throws(GridError) {
        let partial = try CorrelationPartial(decoding: payload)
        try plan.check(partial, task: index, of: stage)
        for block in partial.blocks {
            lists.merge(block.most, counts: block.mostCount, at: plan.layout.shape.blockStarts[Int(block.index)])
        }
    }

    /// The finished lists, by point.
    var neighbours: AlphaNeighbours { AlphaNeighbours(lists, ranks: plan.layout.ranks) }
}

/// The nearest others of every point, nearest first, ties by point.
struct AlphaNeighbours: Sendable {
    let kept: Int
    private let positions: [Int]
    private let lists: NeighbourLists

    init(_ lists: NeighbourLists, ranks: [UInt32]) {
        kept = lists.kept
        self.lists = lists
        var positions = Array(repeating: 0, count: ranks.count)
        for (position, rank) in ranks.enumerated() { positions[Int(rank)] = position }
        self.positions = positions
    }

    var count: Int { positions.count }

    /// `rank` names the other point.
    subscript(point: Int) -> ArraySlice<CorrelationPartial.Neighbour> { lists[positions[point]] }

    /// No pair that is not listed is more alike than this; -infinity where all pairs are listed.
    func unlistedBound(_ point: Int) -> Double {
        let list = self[point]
        return list.count < kept ? -.infinity : list.last?.r ?? -.infinity
    }
}
