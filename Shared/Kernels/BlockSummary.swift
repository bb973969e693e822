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
    private let log: UnsafeMutablePointer<ag_log>
    let view: ag_summary

    init(_ block: CorrelationTask.Block, neighbours kept: Int) {
        let count = block.alphaCount
        let perAlpha = [block.bracketLow, block.bracketHigh, block.mostFrom, block.leastTo]
        precondition(block.ranks.count == count && perAlpha.allSatisfy { $0.count == count })
        index = block.index
        self.count = count
        self.kept = kept
        // The kernels load and store whole vectors of 8.
        let room = (count + 7) / 8 * 8
        neighbours = AlignedBuffer(count: 2 * count * kept)
        counters = AlignedBuffer(count: 3 * room)
        sums = AlignedBuffer(count: room)
        bounds = AlignedBuffer(count: 4 * room)
        log = .allocate(capacity: 1)
        log.initialize(to: ag_log())

        neighbours.pointer.update(repeating: ag_neighbour(r: 0, rank: .max, days: 0), count: 2 * count * kept)
        (counters.pointer + 2 * room).update(from: block.ranks, count: count)
        for (place, values) in perAlpha.enumerated() {
            (bounds.pointer + place * room).update(from: values, count: count)
        }

        var view = ag_summary()
        view.kept = kept
        view.most = neighbours.pointer
        view.least = neighbours.pointer + count * kept
        view.count = counters.pointer
        view.below = counters.pointer + room
        view.rank = UnsafePointer(counters.pointer + 2 * room)
        view.sum = sums.pointer
        view.low = UnsafePointer(bounds.pointer)
        view.high = UnsafePointer(bounds.pointer + room)
        view.most_from = bounds.pointer + 2 * room
        view.least_to = bounds.pointer + 3 * room
        view.log = log
        self.view = view
    }

    deinit {
        ag_log_free(log)
        log.deallocate()
    }

    /// What has been summed up so far, with the values inside the brackets brought into the order of their alphas.
    func partial(_ precision: Precision) -> CorrelationPartial.Block {
        var block = CorrelationPartial.Block(index: index, alphaCount: count, precision: precision)
        (block.most, block.mostCount) = neighbours(view.most)
        (block.least, block.leastCount) = neighbours(view.least)
        block.sum = array(view.sum)
        block.count = array(view.count)
        block.below = array(view.below)
        let total = log.pointee.count
        for alpha in UnsafeBufferPointer(start: log.pointee.alphas, count: total) { block.insideCount[Int(alpha)] += 1 }
        switch precision {
        case .float64: block.insideValues = .float64(insideValues(block.insideCount) { $0 })
        case .float32: block.insideValues = .float32(insideValues(block.insideCount) { Float($0) })
        }
        return block
    }

    private func insideValues<Value: BitwiseCopyable>(_ counts: [UInt32], _ convert: (Double) -> Value) -> [Value] {
        let log = log.pointee
        guard let alphas = log.alphas, let values = log.values else { return [] }
        var next: [Int] = []
        var start = 0
        for count in counts {
            next.append(start)
            start += Int(count)
        }
        return [Value](unsafeUninitializedCapacity: log.count) { sorted, initialized in
            next.withUnsafeMutableBufferPointer { next in
                for k in 0..<log.count {
                    let alpha = Int(alphas[k])
                    (sorted.baseAddress! + next[alpha]).initialize(to: convert(values[k]))
                    next[alpha] += 1
                }
            }
            initialized = log.count
        }
    }

    private func neighbours(
        _ lists: UnsafeMutablePointer<ag_neighbour>
    ) -> (list: [CorrelationPartial.Neighbour], counts: [UInt32]) {
        var found: [CorrelationPartial.Neighbour] = []
        var counts: [UInt32] = []
        for alpha in 0..<count {
            let before = found.count
            for place in 0..<kept {
                let neighbour = lists[alpha * kept + place]
                guard neighbour.rank != .max else { break }
                found.append(CorrelationPartial.Neighbour(r: neighbour.r, rank: neighbour.rank, days: neighbour.days))
            }
            counts.append(UInt32(found.count - before))
        }
        return (found, counts)
    }

    private func array<T>(_ pointer: UnsafeMutablePointer<T>) -> [T] {
        Array(UnsafeBufferPointer(start: pointer, count: count))
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
