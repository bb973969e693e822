import ClusterModel
import Kernels
import Messaging
import Panel

extension TaskExecutor {
    /// Blocks are used raw, one after another.
    func runFeatures(_ task: FeatureTask) throws(GridError) -> TaskOutcome {
        let start = MonotonicTime.now()
        var waited = 0.0
        for block in task.blocks { source.prefetch(block.hash, byteCount: task.blockBytes) }
        let dates = task.dates.map(Day.init(rawValue:))
        var found: [FeaturePartial.Block] = []
        for block in task.blocks {
            let bytes = try raw(block.hash, byteCount: task.blockBytes, waited: &waited)
            found.append(FeaturePartial.Block(index: block.index, values: task.features(of: block, bytes, dates)))
        }
        return try TaskOutcome(FeaturePartial(blocks: found).encoded(), flops: 0, since: start, waited: waited)
    }
}

extension FeatureTask {
    /// Size of each of its blocks: `blockEdge` series of `dayCount` float64 values.
    fileprivate var blockBytes: Int { blockEdge * dayCount * MemoryLayout<Double>.size }

    var wantedBlocks: (hashes: [BlockHash], byteCount: Int) { (blocks.map(\.hash), blockBytes) }

    fileprivate func features(of block: Block, _ payload: Payload, _ dates: [Day]) -> [Double] {
        withExtendedLifetime(payload) {
            AlphaFeatures.find(
                payload.bytes.assumingMemoryBound(to: Double.self), alphaCount: block.alphaCount, dayCount: dayCount,
                firstDay: firstDay, isDaily: isDaily, dates: dates)
        }
    }
}
