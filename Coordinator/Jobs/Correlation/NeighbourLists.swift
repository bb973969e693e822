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
        withUnsafeTemporaryAllocation(of: CorrelationPartial.Neighbour.self, capacity: max(kept, 1)) { both in
            lists.withUnsafeMutableBufferPointer { lists in
                counts.withUnsafeMutableBufferPointer { counts in
                    found.withUnsafeBufferPointer { found in
                        var next = 0
                        for (slot, foundCount) in foundCounts.enumerated() where foundCount > 0 {
                            let alpha = start + slot
                            let list = UnsafeMutableBufferPointer(rebasing: lists[(alpha * kept)..<((alpha + 1) * kept)])
                            let new = UnsafeBufferPointer(rebasing: found[next..<(next + Int(foundCount))])
                            counts[alpha] = UInt8(Self.merge(new, into: list, count: Int(counts[alpha]), sign, both))
                            next += Int(foundCount)
                        }
                    }
                }
            }
        }
    }

    /// Merges two ordered lists, as far as the first has room.
    ///
    /// - Parameters:
    ///   - count: how many of `list` there are.
    ///   - sign: 1 where a large r is near, -1 where a small one is.
    ///   - both: room for as many as `list` has.
    /// - Returns: how many there are then.
    private static func merge(
        _ found: UnsafeBufferPointer<CorrelationPartial.Neighbour>,
        into list: UnsafeMutableBufferPointer<CorrelationPartial.Neighbour>, count: Int, _ sign: Double,
        _ both: UnsafeMutableBufferPointer<CorrelationPartial.Neighbour>
    ) -> Int {
        func isNearer(_ a: CorrelationPartial.Neighbour, _ b: CorrelationPartial.Neighbour) -> Bool {
            sign * a.r > sign * b.r || (a.r == b.r && a.rank < b.rank)
        }
        // Those before the first one found stay where they are: often these are all.
        var first = count
        while first > 0, isNearer(found[0], list[first - 1]) { first -= 1 }
        var (old, new, place) = (first, 0, first)
        while place < list.count, old < count || new < found.count {
            if old == count || (new < found.count && isNearer(found[new], list[old])) {
                both.initializeElement(at: place, to: found[new])
                new += 1
            } else {
                both.initializeElement(at: place, to: list[old])
                old += 1
            }
            place += 1
        }
        for position in first..<place { list[position] = both[position] }
        return place
    }
}
