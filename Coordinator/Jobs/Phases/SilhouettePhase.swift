import ClusterModel
import Clustering
import Panel

/// The silhouettes of one labeling in terms of sqrt(2 (1 - r)), by one pass over all pairs; memory for alphas x clusters.
final class SilhouettePhase: JobPhase {
    private let plan: CorrelationPlan
    private let labels: [Int]
    private let name: String
    private var sums: ClusterDistanceSums
    private var pairStage: PairStage?

    /// - Parameter labels: by point; negative for none.
    init(plan: CorrelationPlan, labels: [Int], name: String) {
        self.plan = plan
        self.labels = labels
        self.name = name
        sums = ClusterDistanceSums(pointCount: labels.count, clusterCount: (labels.max() ?? -1) + 1)
    }

    func next() -> JobStage? {
        guard pairStage == nil, sums.clusterCount > 0 else { return nil }
        let (layout, labels, clusterCount) = (plan.layout, labels, sums.clusterCount)
        var basis = ByteWriter()
        basis.writeArray(labels.map { Int32($0) })
        let stage = plan.pairStage(name: name, basis: basis.bytes) { blocks in
            .distanceSums(
                labels: blocks.map { block in
                    layout.shape.alphas(inBlock: block).map { Int32(max(-1, labels[Int(layout.ranks[$0])])) }
                }, clusterCount: clusterCount)
        }
        pairStage = stage
        return stage.stage
    }

    func merge(task index: Int, partial payload: Payload) throws(GridError) {
        guard let task = pairStage?.task(index) else { return }
        guard case .distanceSums(let blocks) = try PairPartial(decoding: payload, of: task) else {
            throw GridError(.usage, "the partial of task \(index) is of another kind")
        }
        let clusters = sums.clusterCount
        for (block, found) in zip(task.tiles.blocks, blocks) {
            for (slot, rank) in block.ranks.enumerated() {
                let places = (slot * clusters)..<((slot + 1) * clusters)
                guard sums.hasRoom(sums: found.sum[places], counts: found.count[places], point: Int(rank)) else {
                    throw GridError(.usage, "the partial of task \(index) has distances that cannot be")
                }
            }
        }
        for (block, found) in zip(task.tiles.blocks, blocks) {
            for (slot, rank) in block.ranks.enumerated() {
                let places = (slot * clusters)..<((slot + 1) * clusters)
                sums.add(sums: found.sum[places], counts: found.count[places], point: Int(rank))
            }
        }
    }

    var silhouette: Silhouette { Silhouette(sums, labels: labels) }
}
