import ClusterModel
import Clustering
import Embedding
import Kernels
import Messaging
import Panel

extension TaskExecutor {
    /// Series of some blocks as rows of returns.
    func runRows(_ task: RowsTask) throws -> TaskOutcome {
        let start = MonotonicTime.now()
        var waited = 0.0
        source.prefetch(task.wantedBlocks.names, task.blockSize)
        let (days, width) = (task.dayCount, task.width)
        var rows = [Double](repeating: 0, count: task.rowCount * width)
        var returns = [Double](repeating: 0, count: days)
        var row = 0
        for block in task.blocks {
            let payload = try raw(block.name, task.blockSize, waited: &waited)
            let cumulative = payload.bytes.assumingMemoryBound(to: Double.self)
            for alpha in 0..<block.alphaCount {
                let series = UnsafeBufferPointer(rebasing: cumulative[(alpha * days)..<((alpha + 1) * days)])
                returns.withUnsafeMutableBufferPointer {
                    task.convention.movingReturns(of: series, from: task.firstDay, into: $0)
                }
                rows.replaceSubrange((row * width)..<((row + 1) * width), with: returns[task.firstDay...])
                row += 1
            }
            withExtendedLifetime(payload) {}
        }
        let bytes = try rows.withUnsafeMutableBufferPointer { try task.run($0.baseAddress!).encoded() }
        return try TaskOutcome(bytes, flops: 0, since: start, waited: waited)
    }

    /// All pairs of a sample of the days.
    func runResample(_ task: ResampleTask, _ kernel: CorrelationKernel) throws -> TaskOutcome {
        let start = MonotonicTime.now()
        var waited = 0.0
        let blocks = task.tiles.wantedBlocks
        source.prefetch(blocks.names, blocks.size)
        let (bytes, flops) = try ResampleRun(task: task, kernel: kernel).run { index in
            try raw(blocks.names[index], blocks.size, waited: &waited)
        }
        return try TaskOutcome(bytes, flops: flops, since: start, waited: waited)
    }
}

extension RowsTask {
    fileprivate var blockSize: BlockSize { BlockSize(edge: blockEdge, dayCount: dayCount) }

    var wantedBlocks: (names: [BlockName], size: BlockSize) { (blocks.map(\.name), blockSize) }
}
