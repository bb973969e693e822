import ClusterModel
import Clustering
import Embedding
import Kernels
import Messaging
import WireProtocol

/// What a slot returns for a task.
package struct TaskOutcome: Sendable {
    /// The partial, encoded, with its checksum.
    package var payload: Payload
    /// Seconds of work, without the wait for blocks.
    package var computeSeconds: Double
    /// Floating-point operations of the matrix products.
    package var flops: Double

    /// - Parameters:
    ///   - bytes: the partial.
    ///   - start: when the task was begun.
    ///   - waited: seconds since then that were not work.
    /// - Throws: when the partial is too large to be sent.
    init(_ bytes: [UInt8], flops: Double, since start: MonotonicTime, waited: Double) throws(GridError) {
        guard bytes.count <= Limits.payloadBytesMax else {
            throw GridError(
                .failed,
                "the task's result has \(bytes.count) bytes, the limit is \(Limits.payloadBytesMax): use smaller blocks")
        }
        // Stated right here, where the bytes are made: whatever happens to them on the way is then seen.
        payload = Payload(copying: bytes).stating(checksum: WireCodec.checksum(bytes))
        computeSeconds = max(0, MonotonicTime.now().seconds(since: start) - waited)
        self.flops = flops
    }

    /// Of a task that is no work.
    init(returning payload: Payload) { (self.payload, computeSeconds, flops) = (payload, 0, 0) }
}

/// Knows the kinds of tasks a worker can do. Shared by all slots; the same in a worker process and in a run without one.
package final class TaskExecutor: Sendable {
    let source: any BlockSource
    private let cache: BlockCache

    /// - Parameter cache: holds prepared blocks for all slots; `source` may keep its raw ones there too.
    package init(source: any BlockSource, cache: BlockCache) {
        self.source = source
        self.cache = cache
    }

    /// Has the blocks of a task on their way before a slot is free for it. Never waits; a task that is not valid is
    /// reported when it is run.
    package func prefetch(kind: String, payload: Payload) {
        guard let work = try? TaskWork(kind: kind, payload: payload) else { return }
        let wanted = work.blocks
        source.prefetch(wanted.names, wanted.size)
    }

    /// Runs one task after another on the thread that uses it; owns that thread's kernel.
    package final class Slot {
        private let executor: TaskExecutor
        private var kernel: CorrelationKernel?

        fileprivate init(_ executor: TaskExecutor) { self.executor = executor }

        /// - Throws: one sentence that says why the task cannot be done here.
        package func run(kind: String, payload: Payload) throws(GridError) -> TaskOutcome {
            do {
                guard WireCodec.isIntact(payload) else {
                    throw GridError(.damaged, "the task has changed since it arrived: this machine's memory is suspect")
                }
                switch try TaskWork(kind: kind, payload: payload) {
                case .noop(let payload): return TaskOutcome(returning: payload)
                case .correlation(let task):
                    return try measure(task) { blocks throws(GridError) in
                        let (partial, flops) = try kernel(for: task).run(task, blocks: blocks)
                        return (partial.encoded(), flops)
                    }
                case .pairs(let task):
                    return try measure(task.tiles) { blocks throws(GridError) in
                        let (partial, flops) = try PairKernel(kernel(for: task.tiles)).run(task, blocks: blocks)
                        return (partial.encoded(), flops)
                    }
                case .resample(let task):
                    return try executor.runResample(task, kernel(for: task.tiles))
                case .features(let task): return try executor.runFeatures(task)
                case .rows(let task): return try executor.runRows(task)
                case .embedding(let task):
                    let start = MonotonicTime.now()
                    return try TaskOutcome(task.run().encoded(), flops: 0, since: start, waited: 0)
                }
            } catch {
                throw error as? GridError ?? GridError(.failed, "\(error)")
            }
        }

        private func kernel(for task: CorrelationTask) -> CorrelationKernel {
            if let kernel, kernel.blockEdge == task.blockEdge { return kernel }
            let new = CorrelationKernel(blockEdge: task.blockEdge)
            kernel = new
            return new
        }

        /// Has the task's blocks prepared, then computes.
        private func measure(
            _ task: CorrelationTask, _ compute: ([PreparedBlock]) throws(GridError) -> (bytes: [UInt8], flops: Double)
        ) throws(GridError) -> TaskOutcome {
            let start = MonotonicTime.now()
            var waited = 0.0
            let blocks = try executor.blocks(of: task, waited: &waited)
            let (bytes, flops) = try compute(blocks)
            return try TaskOutcome(bytes, flops: flops, since: start, waited: waited)
        }
    }

    /// For one thread.
    package func makeSlot() -> Slot { Slot(self) }

    /// The bytes of one block, checked.
    ///
    /// - Parameter waited: grows by the seconds spent waiting for them.
    func raw(_ name: BlockName, _ size: BlockSize, waited: inout Double) throws(GridError) -> Payload {
        let start = MonotonicTime.now()
        defer { waited += MonotonicTime.now().seconds(since: start) }
        let payload = try source.block(name, size)
        guard payload.count == size.byteCount, UInt(bitPattern: payload.bytes.baseAddress) % 8 == 0 else {
            throw GridError(.failed, "block \(name.hash) has \(payload.count) bytes, the task expects \(size.byteCount)")
        }
        return try payload.intact(name.hash)
    }

    /// The task's blocks, prepared: first those nobody else is preparing, then the rest.
    ///
    /// - Parameter waited: grows by the seconds spent waiting for bytes and for other slots.
    private func blocks(of task: CorrelationTask, waited: inout Double) throws(GridError) -> [PreparedBlock] {
        source.prefetch(task.wantedBlocks.names, task.blockSize)
        var prepared = [PreparedBlock?](repeating: nil, count: task.blocks.count)
        for wait in [BlockCache.Wait.never, .forOthers] {
            for index in task.blocks.indices where prepared[index] == nil {
                let start = MonotonicTime.now()
                var worked = 0.0
                prepared[index] = try cache.prepared(task.preparation(of: task.blocks[index]), wait: wait) {
                    () throws(GridError) in
                    let bytes = try source.block(task.blocks[index].name, task.blockSize)
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
    var blockSize: BlockSize { BlockSize(edge: blockEdge, dayCount: dayCount) }

    var wantedBlocks: (names: [BlockName], size: BlockSize) { (blocks.map(\.name), blockSize) }

    fileprivate func preparation(of block: Block) -> BlockCache.Preparation {
        BlockCache.Preparation(
            name: block.name, alphaCount: block.alphaCount, blockEdge: blockEdge, dayCount: dayCount, firstDay: firstDay,
            convention: convention, precision: precision)
    }

    fileprivate func prepare(_ block: Block, _ payload: Payload) throws(GridError) -> PreparedBlock {
        guard payload.count == blockSize.byteCount, UInt(bitPattern: payload.bytes.baseAddress) % 8 == 0 else {
            throw GridError(
                .failed, "block \(block.name.hash) has \(payload.count) bytes, the task expects \(blockSize.byteCount)")
        }
        return withExtendedLifetime(try payload.intact(block.name.hash)) {
            PreparedBlock(
                cumulative: payload.bytes.assumingMemoryBound(to: Double.self), alphaCount: block.alphaCount,
                blockEdge: blockEdge, dayCount: dayCount, convention: convention, precision: precision, firstDay: firstDay)
        }
    }
}

extension Payload {
    /// The block itself. It may have been in the cache for days since its SHA-256 was checked.
    ///
    /// - Throws: `.damaged` when it is not what it was then.
    func intact(_ hash: BlockHash) throws(GridError) -> Payload {
        guard WireCodec.isIntact(self) else {
            throw GridError(.damaged, "block \(hash) has changed since it arrived: this machine's memory is suspect")
        }
        return self
    }
}
