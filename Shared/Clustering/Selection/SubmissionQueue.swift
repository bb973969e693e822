/// Candidates by how few they block, then by Sharpe, then by index: a binary heap that knows where each of them is.
struct SubmissionQueue {
    /// What is compared: how many a candidate blocks, above its rank by Sharpe and index.
    private var keys: [Int]
    private var heap: [Int32] = []
    /// Where a candidate stands in the heap; negative when it does not.
    private var places: [Int32]

    /// - Parameter sharpes: of all candidates; unknown ones (NaN) go behind the others.
    init(_ sharpes: [Double]) {
        let known = sharpes.map { $0.isNaN ? -.infinity : $0 }
        let order = sharpes.indices.sorted { (-known[$0], $0) < (-known[$1], $1) }
        keys = [Int](repeating: 0, count: sharpes.count)
        for (rank, candidate) in order.enumerated() { keys[candidate] = rank }
        places = [Int32](repeating: -1, count: sharpes.count)
    }

    private static let one = 1 << 32

    mutating func insert(_ candidate: Int, blocks: Int) {
        keys[candidate] += blocks * Self.one
        heap.append(Int32(candidate))
        places[candidate] = Int32(heap.count - 1)
        rise(from: heap.count - 1)
    }

    mutating func blocksOneFewer(_ candidate: Int) {
        keys[candidate] -= Self.one
        rise(from: Int(places[candidate]))
    }

    mutating func removeFirst() -> Int? {
        guard let first = heap.first else { return nil }
        remove(Int(first))
        return Int(first)
    }

    mutating func remove(_ candidate: Int) {
        let place = Int(places[candidate])
        swap(place, heap.count - 1)
        heap.removeLast()
        places[candidate] = -1
        guard place < heap.count else { return }
        rise(from: place)
        sink(from: place)
    }

    private func key(_ place: Int) -> Int { keys[Int(heap[place])] }

    private mutating func swap(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        places[Int(heap[a])] = Int32(a)
        places[Int(heap[b])] = Int32(b)
    }

    private mutating func rise(from start: Int) {
        var at = start
        while at > 0, key(at) < key((at - 1) / 2) {
            swap(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    private mutating func sink(from start: Int) {
        var at = start
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < heap.count && key(child) < key(least) { least = child }
            if least == at { return }
            swap(at, least)
            at = least
        }
    }
}
