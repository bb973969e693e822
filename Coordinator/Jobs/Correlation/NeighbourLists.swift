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
    ///
    /// - Parameter found: Each alpha's neighbours, nearest first.
    mutating func merge(_ found: [CorrelationPartial.Neighbour], counts foundCounts: [UInt32], at start: Int) {
        let (kept, sign) = (kept, end == .most ? 1.0 : -1.0)
        lists.withUnsafeMutableBufferPointer { lists in
            counts.withUnsafeMutableBufferPointer { counts in
                var next = 0
                for (slot, foundCount) in foundCounts.enumerated() {
                    let alpha = start + slot
                    let list = UnsafeMutableBufferPointer(rebasing: lists[(alpha * kept)..<((alpha + 1) * kept)])
                    for neighbour in found[next..<(next + Int(foundCount))] {
                        // Those behind it are no nearer.
                        guard Self.insert(neighbour, into: list, &counts[alpha], sign) else { break }
                    }
                    next += Int(foundCount)
                }
            }
        }
    }

    /// - Parameter sign: 1 where a large r is near, -1 where a small one is.
    /// - Returns: Whether the list had a place for it.
    private static func insert(
        _ neighbour: CorrelationPartial.Neighbour, into list: UnsafeMutableBufferPointer<CorrelationPartial.Neighbour>,
        _ count: inout UInt8, _ sign: Double
    ) -> Bool {
        let r = sign * neighbour.r
        var place = Int(count)
        while place > 0 {
            let other = list[place - 1]
            guard r > sign * other.r || (r == sign * other.r && neighbour.rank < other.rank) else { break }
            place -= 1
        }
        guard place < list.count else { return false }
        if Int(count) < list.count { count += 1 }
        var last = Int(count) - 1
        while last > place {
            list[last] = list[last - 1]
            last -= 1
        }
        list[place] = neighbour
        return true
    }
}
