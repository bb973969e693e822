import ClusterModel
import Panel

/// One pass over all pairs for every point's most alike point of another component.
struct NearestOutside {
    let stage: PairStage
    /// By point: the likeness and the other point; -infinity and `UInt32.max` for none.
    private(set) var found: PairPartial.Nearest

    /// - Parameters:
    ///   - components: by point.
    ///   - absolute: whether |r| is what counts.
    ///   - cores: by point; the likeness of a pair is `min(r, core of one, core of the other)`. -infinity leaves a point out.
    init(plan: CorrelationPlan, name: String, components: [UInt32], cores: [Double], absolute: Bool = false) {
        let layout = plan.layout
        var basis = ByteWriter()
        basis.writeArray(components)
        basis.writeArray(cores)
        basis.write(UInt8(absolute ? 1 : 0))
        stage = plan.pairStage(name: name, basis: basis.bytes) { blocks in
            .nearestOutside(
                blocks.map { block in
                    let points = layout.shape.alphas(inBlock: block).map { Int(layout.ranks[$0]) }
                    return PairTask.Reach(components: points.map { components[$0] }, cores: points.map { cores[$0] })
                }, absolute: absolute)
        }
        found = PairPartial.Nearest(alphaCount: components.count)
    }

    mutating func merge(task index: Int, partial payload: Payload) throws(GridError) {
        let task = stage.task(index)
        guard case .nearestOutside(let blocks) = try PairPartial(decoding: payload, of: task) else {
            throw GridError(.usage, "the partial of task \(index) is of another kind")
        }
        let isPossible = blocks.allSatisfy { nearest in
            zip(nearest.likeness, nearest.rank).allSatisfy { likeness, rank in
                likeness == -.infinity || ((-1...1).contains(likeness) && rank < found.rank.count)
            }
        }
        guard isPossible else { throw GridError(.usage, "the partial of task \(index) has correlations that cannot be") }
        for (block, nearest) in zip(task.tiles.blocks, blocks) {
            for (slot, rank) in block.ranks.enumerated() {
                let (point, likeness, other) = (Int(rank), nearest.likeness[slot], nearest.rank[slot])
                guard likeness > -.infinity else { continue }
                if likeness > found.likeness[point] || (likeness == found.likeness[point] && other < found.rank[point]) {
                    (found.likeness[point], found.rank[point]) = (likeness, other)
                }
            }
        }
    }
}
