import ClusterModel
import Clustering

/// Points in a few dimensions, some of them in groups.
func scatter(_ count: Int, dimensions: Int = 3, groups: Int = 4, spread: Double = 0.15, seed: UInt64) -> [[Double]] {
    var random = SeededGenerator(seed: seed)
    let centres = (0..<max(groups, 1)).map { _ in (0..<dimensions).map { _ in random.uniform() * 4 } }
    return (0..<count).map { point in
        let centre = centres[point % centres.count]
        // Every fifth point belongs nowhere.
        if point % 5 == 4 { return (0..<dimensions).map { _ in random.uniform() * 4 } }
        return centre.map { $0 + spread * random.normal() }
    }
}

/// Points on a small grid: many distances are equal and some are 0.
func grid(_ count: Int, edge: Int, seed: UInt64) -> [[Double]] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in (0..<2).map { _ in Double(random.below(edge)) } }
}

func distance(_ x: [Double], _ y: [Double]) -> Double {
    zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
}

func condensed(_ points: [[Double]]) throws -> CondensedDistances {
    try CondensedDistances(count: points.count) { distance(points[$0], points[$1]) }
}

/// Whether two labelings are the same up to the names of the labels, noise (-1) being noise in both.
func isSamePartition(_ a: [Int], _ b: [Int]) -> Bool {
    guard a.count == b.count, a.map({ $0 < 0 }) == b.map({ $0 < 0 }) else { return false }
    return Consensus.renumbered(a) == Consensus.renumbered(b)
}
