import ClusterModel
import Kernels
import Messaging
import Panel

extension TaskExecutor {
    /// Blocks are used raw, one after another.
    func runFeatures(_ task: FeatureTask) throws(GridError) -> TaskOutcome {
        let start = MonotonicTime.now()
        var waited = 0.0
        source.prefetch(task.wantedBlocks.names, task.blockSize)
        let dates = task.dates.map(Day.init(rawValue:))
        var found: [FeaturePartial.Block] = []
        for block in task.blocks {
            let bytes = try raw(block.name, task.blockSize, waited: &waited)
            found.append(FeaturePartial.Block(index: block.index, values: task.features(of: block, bytes, dates)))
        }
        return try TaskOutcome(FeaturePartial(blocks: found).encoded(), flops: 0, since: start, waited: waited)
    }
}

extension FeatureTask {
    fileprivate var blockSize: BlockSize { BlockSize(edge: blockEdge, dayCount: dayCount) }

    var wantedBlocks: (names: [BlockName], size: BlockSize) { (blocks.map(\.name), blockSize) }

    fileprivate func features(of block: Block, _ payload: Payload, _ dates: [Day]) -> [Double] {
        withExtendedLifetime(payload) {
            AlphaFeatures.find(
                payload.bytes.assumingMemoryBound(to: Double.self), alphaCount: block.alphaCount, dayCount: dayCount,
                firstDay: firstDay, isDaily: isDaily, dates: dates)
        }
    }
}
