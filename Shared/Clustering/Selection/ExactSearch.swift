/// The heaviest set without conflicts by trying all, leaving out branches that cannot become heavier than the best so far.
enum ExactSearch {
    /// Branches that one question may take.
    static let branchesMax = 4_000_000

    /// - Parameters:
    ///   - graph: of at most 64 alphas.
    ///   - weights: all above 0.
    ///   - start: a set to beat.
    ///   - branches: how many may be looked at before it gives up; less those looked at afterwards.
    /// - Returns: the set, ascending; nil when it gave up. `start` itself when nothing is heavier.
    static func best(
        _ graph: ConflictGraph, _ weights: [Double], _ room: Int, atLeast start: [Int], branches: inout Int
    ) -> [Int]? {
        precondition(graph.count <= 64)
        let order = weights.indices.sorted { weights[$0] != weights[$1] ? weights[$0] > weights[$1] : $0 < $1 }
        let conflicts = order.map { alpha in
            order.indices.reduce(into: UInt64(0)) { if graph.conflicts(alpha, order[$1]) { $0 |= 1 << UInt64($1) } }
        }
        var search = Search(order.map { weights[$0] }, conflicts: conflicts)
        search.branchesLeft = branches
        search.bestWeight = start.reduce(0) { $0 + weights[$1] }
        let all = order.count == 64 ? UInt64.max : (1 << UInt64(order.count)) - 1
        search.extend(chosen: 0, weight: 0, open: all, room: room)
        branches = search.branchesLeft
        guard branches > 0 else { return nil }
        guard let best = search.best else { return start }
        return order.indices.filter { best >> UInt64($0) & 1 == 1 }.map { order[$0] }.sorted()
    }

    /// Alphas are bits, the heaviest first.
    private struct Search {
        let weights: [Double]
        let conflicts: [UInt64]
        var best: UInt64?
        var bestWeight = 0.0
        var branchesLeft = 0

        init(_ weights: [Double], conflicts: [UInt64]) {
            self.weights = weights
            self.conflicts = conflicts
        }

        mutating func extend(chosen: UInt64, weight: Double, open: UInt64, room: Int) {
            branchesLeft -= 1
            if weight > bestWeight + 1e-12 * bestWeight {
                bestWeight = weight
                best = chosen
            }
            guard open != 0, room > 0, branchesLeft > 0,
                weight + bound(open, room) > bestWeight * (1 + 1e-12)
            else { return }
            let first = open.trailingZeroBitCount
            let without = open & ~(1 << UInt64(first))
            extend(
                chosen: chosen | 1 << UInt64(first), weight: weight + weights[first], open: without & ~conflicts[first],
                room: room - 1)
            extend(chosen: chosen, weight: weight, open: without, room: room)
        }

        /// At most one of a group that all conflict with each other can be kept: the heaviest of each group, and no more
        /// groups than there is room.
        private func bound(_ open: UInt64, _ room: Int) -> Double {
            var left = open
            var total = 0.0
            var groups = 0
            while left != 0 && groups < room {
                let first = left.trailingZeroBitCount
                total += weights[first]
                groups += 1
                left &= ~(1 << UInt64(first))
                var alike = left & conflicts[first]
                while alike != 0 {
                    let next = alike.trailingZeroBitCount
                    left &= ~(1 << UInt64(next))
                    alike &= conflicts[next]
                }
            }
            return total
        }
    }
}
