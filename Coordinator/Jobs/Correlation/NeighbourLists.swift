import ClusterModel

/// The nearest neighbours of every alpha at one end, nearest first; equal r are ordered by the rank of the neighbour's id.
struct NeighbourLists: Sendable {
    enum End: Sendable { case most, least }

    let kept: Int
    private let end: End
    private(set) var lists: [CorrelationPartial.Neighbour]
    private(set) var counts: [UInt8]

    init(alphaCount: Int, kept: Int, end: End) {
        self.kept = kept
        self.end = end
        lists = Array(repeating: CorrelationPartial.Neighbour(r: .nan, rank: .max, days: 0), count: alphaCount * kept)
        counts = Array(repeating: 0, count: alphaCount)
    }

    /// Lists that were written down.
    init(kept: Int, end: End, lists: [CorrelationPartial.Neighbour], counts: [UInt8]) {
        precondition(lists.count == counts.count * kept && counts.allSatisfy { Int($0) <= kept })
        (self.kept, self.end, self.lists, self.counts) = (kept, end, lists, counts)
    }

    /// Makes room for alphas behind those that are there.
    mutating func append(alphaCount: Int) {
        let nobody = CorrelationPartial.Neighbour(r: .nan, rank: .max, days: 0)
        lists += Array(repeating: nobody, count: alphaCount * kept)
        counts += Array(repeating: 0, count: alphaCount)
    }

    subscript(alpha: Int) -> ArraySlice<CorrelationPartial.Neighbour> {
        lists[(alpha * kept)..<(alpha * kept + Int(counts[alpha]))]
    }

    /// r that a pair has to reach to be among them, per alpha; infinite as long as any pair would be.
    var bounds: [Double] {
        counts.indices.map { alpha in
            if Int(counts[alpha]) < kept { return end == .most ? -.infinity : .infinity }
            return lists[alpha * kept + kept - 1].r
        }
    }

    /// Merges the lists of some alphas, the first of which stands at layout position `start`.
    mutating func merge(_ found: [CorrelationPartial.Neighbour], counts foundCounts: [UInt32], at start: Int) {
        var next = 0
        for (slot, count) in foundCounts.enumerated() {
            for neighbour in found[next..<(next + Int(count))] { insert(neighbour, start + slot) }
            next += Int(count)
        }
    }

    private func precedes(_ a: CorrelationPartial.Neighbour, _ b: CorrelationPartial.Neighbour) -> Bool {
        if a.r != b.r { return end == .most ? a.r > b.r : a.r < b.r }
        return a.rank < b.rank
    }

    private mutating func insert(_ neighbour: CorrelationPartial.Neighbour, _ alpha: Int) {
        let first = alpha * kept
        var at = first + Int(counts[alpha])
        while at > first, precedes(neighbour, lists[at - 1]) { at -= 1 }
        guard at < first + kept else { return }
        if Int(counts[alpha]) < kept { counts[alpha] += 1 }
        var last = first + Int(counts[alpha]) - 1
        while last > at {
            lists[last] = lists[last - 1]
            last -= 1
        }
        lists[at] = neighbour
    }
}
