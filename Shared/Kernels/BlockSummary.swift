import CKernels
import ClusterModel

/// Running summaries of one block over the tiles of a task, in the memory the C epilogue works on.
final class BlockSummary {
    private let index: UInt32
    private let count: Int
    private let kept: Int
    private let neighbours: AlignedBuffer<ag_neighbour>  // most, least
    private let counters: AlignedBuffer<UInt32>  // count, below, rank
    private let sums: AlignedBuffer<Int64>
    private let bounds: AlignedBuffer<Double>  // bracket low and high, most from, least to
    private let precision: Precision
    private let log: BracketLog
    let view: ag_summary

    /// - Parameter log: empty, and used by nobody else until `partial` has been called.
    init(_ block: CorrelationTask.Block, neighbours kept: Int, precision: Precision, log: BracketLog) {
        let count = block.alphaCount
        let perAlpha = [block.bracketLow, block.bracketHigh, block.mostFrom, block.leastTo]
        precondition(block.ranks.count == count && perAlpha.allSatisfy { $0.count == count })
        index = block.index
        self.count = count
        self.kept = kept
        self.precision = precision
        self.log = log
        neighbours = AlignedBuffer(count: 2 * count * kept)
        counters = AlignedBuffer(count: 3 * count)
        sums = AlignedBuffer(count: count)
        bounds = AlignedBuffer(count: 4 * count)
        let least = neighbours.pointer + count * kept
        neighbours.pointer.update(repeating: ag_neighbour(r: -.infinity, rank: .max, days: 0), count: count * kept)
        least.update(repeating: ag_neighbour(r: .infinity, rank: .max, days: 0), count: count * kept)
        (counters.pointer + 2 * count).update(from: block.ranks, count: count)
        for (place, values) in perAlpha.enumerated() {
            (bounds.pointer + place * count).update(from: values, count: count)
        }

        var view = ag_summary()
        view.kept = kept
        view.most = neighbours.pointer
        view.least = least
        view.count = counters.pointer
        view.below = counters.pointer + count
        view.rank = UnsafePointer(counters.pointer + 2 * count)
        view.sum = sums.pointer
        view.low = UnsafePointer(bounds.pointer)
        view.high = UnsafePointer(bounds.pointer + count)
        view.most_from = bounds.pointer + 2 * count
        view.least_to = bounds.pointer + 3 * count
        view.log = log.log
        view.is_float = precision == .float32 ? 1 : 0
        self.view = view
    }

    /// What has been summed up so far, with the values inside the brackets brought into the order of their alphas.
    func partial() -> CorrelationPartial.Block {
        var block = CorrelationPartial.Block(index: index, alphaCount: count, precision: precision)
        (block.most, block.mostCount) = neighbours(view.most)
        (block.least, block.leastCount) = neighbours(view.least)
        block.sum = array(view.sum)
        block.count = array(view.count)
        block.below = array(view.below)
        block.insideCount = log.counts(alphas: count)
        switch precision {
        case .float64: block.insideValues = .float64(log.values(block.insideCount))
        case .float32: block.insideValues = .float32(log.values(block.insideCount))
        }
        return block
    }

    private func neighbours(
        _ lists: UnsafeMutablePointer<ag_neighbour>
    ) -> (list: [CorrelationPartial.Neighbour], counts: [UInt32]) {
        var total = 0
        let counts = (0..<count).map { alpha in
            var found = 0
            while found < kept, lists[alpha * kept + found].rank != .max { found += 1 }
            total += found
            return UInt32(found)
        }
        let found = [CorrelationPartial.Neighbour](unsafeUninitializedCapacity: total) { room, initialized in
            for alpha in 0..<count {
                for place in (alpha * kept)..<(alpha * kept + Int(counts[alpha])) {
                    let neighbour = lists[place]
                    room.initializeElement(
                        at: initialized,
                        to: CorrelationPartial.Neighbour(r: neighbour.r, rank: neighbour.rank, days: neighbour.days))
                    initialized += 1
                }
            }
        }
        return (found, counts)
    }

    private func array<T>(_ pointer: UnsafeMutablePointer<T>) -> [T] {
        Array(UnsafeBufferPointer(start: pointer, count: count))
    }
}

/// The values inside the brackets of one block's alphas, in the memory the C epilogue works on: every pass over a tile
/// adds a line per alpha.
final class BracketLog {
    let log: UnsafeMutablePointer<ag_log>
    /// More memory than this is not kept from task to task.
    private static let bytesKeptMax = 32 << 20

    init() {
        log = .allocate(capacity: 1)
        log.initialize(to: ag_log())
    }

    deinit {
        ag_log_free(log)
        log.deallocate()
    }

    func reset() {
        if log.pointee.bytes_capacity > Self.bytesKeptMax { ag_log_free(log) }
        log.pointee.count = 0
        log.pointee.lines = 0
    }

    /// How many values each alpha has.
    func counts(alphas: Int) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: alphas)
        let lines = UnsafeBufferPointer(start: log.pointee.counts, count: log.pointee.lines)
        for start in stride(from: 0, to: lines.count, by: max(1, alphas)) {
            for alpha in 0..<alphas { counts[alpha] += lines[start + alpha] }
        }
        return counts
    }

    /// The values, alpha after alpha.
    func values<Value: BitwiseCopyable>(_ counts: [UInt32]) -> [Value] {
        let (alphas, lines) = (counts.count, log.pointee.lines)
        guard let from = log.pointee.values?.assumingMemoryBound(to: Value.self), let counts = log.pointee.counts else {
            return []
        }
        return [Value](unsafeUninitializedCapacity: log.pointee.count) { sorted, initialized in
            // Where the lines of the present alpha begin, one per pass.
            var next: [Int] = []
            var start = 0
            for line in 0..<lines {
                if line % alphas == 0 { next.append(start) }
                start += Int(counts[line])
            }
            for alpha in 0..<alphas {
                for pass in next.indices {
                    let count = Int(counts[pass * alphas + alpha])
                    (sorted.baseAddress! + initialized).initialize(from: from + next[pass], count: count)
                    next[pass] += count
                    initialized += count
                }
            }
        }
    }
}

/// The pairs of a task beyond its threshold, in the memory the C epilogue works on.
final class EdgeLog {
    let log: UnsafeMutablePointer<ag_edge_log>

    init(_ rule: EdgeRule) {
        log = .allocate(capacity: 1)
        log.initialize(to: ag_edge_log())
        log.pointee.from = rule.from
        log.pointee.absolute = rule.absolute ? 1 : 0
        log.pointee.limit = Limits.edgesPerTaskMax
    }

    var edges: [CorrelationPartial.Edge] {
        UnsafeBufferPointer(start: log.pointee.edges, count: log.pointee.count).map {
            CorrelationPartial.Edge(r: $0.r, rankA: $0.rank_a, rankB: $0.rank_b, days: $0.days)
        }
    }

    deinit {
        ag_edge_log_free(log)
        log.deallocate()
    }
}
