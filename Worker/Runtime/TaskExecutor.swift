import ClusterModel
import Kernels
import Messaging

/// What a slot returns for a task.
package struct TaskOutcome: Sendable {
    /// The partial, encoded.
    package var payload: Payload
    /// Seconds of work, without the wait for blocks.
    package var computeSeconds: Double
    /// Floating-point operations of the matrix products.
    package var flops: Double
}

/// Knows the kinds of tasks a worker can do. Shared by all slots; the same in a worker process and in a run without one.
package final class TaskExecutor: Sendable {
    private enum Kind: String {
        case correlation
        /// Returns its payload: measures what a task costs beside its work.
        case noop
    }

    private let source: any BlockSource
    private let cache: BlockCache

    /// - Parameter cache: holds prepared blocks for all slots; `source` may keep its raw ones there too.
    package init(source: any BlockSource, cache: BlockCache) {
        self.source = source
        self.cache = cache
    }

    /// Has the blocks of a task on their way before a slot is free for it. Never waits; a task that is not valid is
    /// reported when it is run.
    package func prefetch(kind: String, payload: Payload) {
        guard Kind(rawValue: kind) == .correlation, let task = try? CorrelationTask(decoding: payload) else { return }
        for block in task.blocks where cache.raw(block.hash) == nil {
            source.prefetch(block.hash, byteCount: task.blockBytes)
        }
    }

    /// Runs one task after another on the thread that uses it; owns that thread's kernel.
    package final class Slot {
        private let executor: TaskExecutor
        private var kernel: CorrelationKernel?

        fileprivate init(_ executor: TaskExecutor) { self.executor = executor }

        /// - Throws: one sentence that says why the task cannot be done here.
        package func run(kind: String, payload: Payload) throws(GridError) -> TaskOutcome {
            switch Kind(rawValue: kind) {
            case .noop: return TaskOutcome(payload: payload, computeSeconds: 0, flops: 0)
            case .correlation: return try runCorrelation(payload)
            case nil:
                throw GridError(
                    .failed, "AlphaGrid \(AlphaGrid.version) does not know tasks of kind '\(kind.printable)'; update this worker")
            }
        }

        private func runCorrelation(_ payload: Payload) throws(GridError) -> TaskOutcome {
            let task = try CorrelationTask(decoding: payload)
            let start = MonotonicTime.now()
            var waited = 0.0
            let blocks = try executor.blocks(of: task, waited: &waited)
            if kernel?.blockEdge != task.blockEdge { kernel = CorrelationKernel(blockEdge: task.blockEdge) }
            guard let (partial, flops) = kernel?.run(task, blocks: blocks) else {
                throw GridError(.failed, "no kernel for blocks of \(task.blockEdge) alphas")
            }
            let encoded = partial.encoded()
            guard encoded.count <= Limits.payloadBytesMax else {
                throw GridError(
                    .failed,
                    "the task's result has \(encoded.count) bytes, the limit is \(Limits.payloadBytesMax): use smaller blocks")
            }
            let seconds = MonotonicTime.now().seconds(since: start)
            return TaskOutcome(payload: Payload(copying: encoded), computeSeconds: max(0, seconds - waited), flops: flops)
        }
    }

    /// For one thread.
    package func makeSlot() -> Slot { Slot(self) }

    /// The task's blocks, prepared: first those nobody else is preparing, then the rest.
    ///
    /// - Parameter waited: grows by the seconds spent waiting for bytes and for other slots.
    private func blocks(of task: CorrelationTask, waited: inout Double) throws(GridError) -> [PreparedBlock] {
        for block in task.blocks { source.prefetch(block.hash, byteCount: task.blockBytes) }
        var prepared = [PreparedBlock?](repeating: nil, count: task.blocks.count)
        for wait in [BlockCache.Wait.never, .forOthers] {
            for index in task.blocks.indices where prepared[index] == nil {
                let start = MonotonicTime.now()
                var worked = 0.0
                prepared[index] = try cache.prepared(task.preparation(of: task.blocks[index]), wait: wait) {
                    () throws(GridError) in
                    let bytes = try source.block(task.blocks[index].hash, byteCount: task.blockBytes)
                    let workStart = MonotonicTime.now()
                    defer { worked = MonotonicTime.now().seconds(since: workStart) }
                    return try task.prepare(task.blocks[index], bytes)
                }
                waited += MonotonicTime.now().seconds(since: start) - worked
            }
        }
        return prepared.compactMap { $0 }
    }
}

extension CorrelationTask {
    /// Size of each of its blocks: `blockEdge` series of `dayCount` float64 values.
    var blockBytes: Int { blockEdge * dayCount * MemoryLayout<Double>.size }

    fileprivate func preparation(of block: Block) -> BlockCache.Preparation {
        BlockCache.Preparation(
            hash: block.hash, alphaCount: block.alphaCount, blockEdge: blockEdge, dayCount: dayCount, firstDay: firstDay,
            convention: convention, precision: precision)
    }

    fileprivate func prepare(_ block: Block, _ payload: Payload) throws(GridError) -> PreparedBlock {
        guard payload.count == blockBytes, UInt(bitPattern: payload.bytes.baseAddress) % 8 == 0 else {
            throw GridError(.failed, "block \(block.hash) has \(payload.count) bytes, the task expects \(blockBytes)")
        }
        return withExtendedLifetime(payload) {
            PreparedBlock(
                cumulative: payload.bytes.assumingMemoryBound(to: Double.self), alphaCount: block.alphaCount,
                blockEdge: blockEdge, dayCount: dayCount, convention: convention, precision: precision, firstDay: firstDay)
        }
    }
}
