import CKernels
import ClusterModel

/// Running summaries of one block over the tiles of a task, in the memory the C epilogue works on.
final class BlockSummary {
    private let index: UInt32
    private let count: Int
    private let extremes: AlignedBuffer<Double>  // minimum, maximum
    private let counters: AlignedBuffer<UInt32>  // minimum rank, maximum rank, maximum days, count, below
    private let sums: AlignedBuffer<Int64>
    private let ranks: AlignedBuffer<UInt32>
    private let brackets: AlignedBuffer<Double>  // low, high
    private let log: UnsafeMutablePointer<ag_log>
    let view: ag_summary

    init(_ block: CorrelationTask.Block) {
        let count = block.alphaCount
        precondition(block.ranks.count == count && block.bracketLow.count == count && block.bracketHigh.count == count)
        index = block.index
        self.count = count
        extremes = AlignedBuffer(count: 2 * count)
        counters = AlignedBuffer(count: 5 * count)
        sums = AlignedBuffer(count: count)
        ranks = AlignedBuffer(count: count)
        brackets = AlignedBuffer(count: 2 * count)
        log = .allocate(capacity: 1)
        log.initialize(to: ag_log())

        extremes.pointer.update(repeating: .infinity, count: count)
        (extremes.pointer + count).update(repeating: -.infinity, count: count)
        counters.pointer.update(repeating: .max, count: 2 * count)
        ranks.pointer.update(from: block.ranks, count: count)
        brackets.pointer.update(from: block.bracketLow, count: count)
        (brackets.pointer + count).update(from: block.bracketHigh, count: count)

        var view = ag_summary()
        view.minimum = extremes.pointer
        view.maximum = extremes.pointer + count
        view.minimum_rank = counters.pointer
        view.maximum_rank = counters.pointer + count
        view.maximum_days = counters.pointer + 2 * count
        view.count = counters.pointer + 3 * count
        view.below = counters.pointer + 4 * count
        view.sum = sums.pointer
        view.rank = UnsafePointer(ranks.pointer)
        view.low = UnsafePointer(brackets.pointer)
        view.high = UnsafePointer(brackets.pointer + count)
        view.log = log
        self.view = view
    }

    deinit {
        ag_log_free(log)
        log.deallocate()
    }

    /// What has been summed up so far, with the values inside the brackets brought into the order of their alphas.
    func partial() -> CorrelationPartial.Block {
        var block = CorrelationPartial.Block(index: index, alphaCount: count)
        block.minimum = array(view.minimum)
        block.maximum = array(view.maximum)
        block.minimumRank = array(view.minimum_rank)
        block.maximumRank = array(view.maximum_rank)
        block.maximumDays = array(view.maximum_days)
        block.sum = array(view.sum)
        block.count = array(view.count)
        block.below = array(view.below)
        let total = log.pointee.count
        let alphas = UnsafeBufferPointer(start: log.pointee.alphas, count: total)
        let values = UnsafeBufferPointer(start: log.pointee.values, count: total)
        for alpha in alphas { block.insideCount[Int(alpha)] += 1 }
        var next: [Int] = []
        var start = 0
        for count in block.insideCount {
            next.append(start)
            start += Int(count)
        }
        block.insideValues = [Double](repeating: 0, count: total)
        for (alpha, value) in zip(alphas, values) {
            block.insideValues[next[Int(alpha)]] = value
            next[Int(alpha)] += 1
        }
        return block
    }

    private func array<T>(_ pointer: UnsafeMutablePointer<T>) -> [T] {
        Array(UnsafeBufferPointer(start: pointer, count: count))
    }
}
