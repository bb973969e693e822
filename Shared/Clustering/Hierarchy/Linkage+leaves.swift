extension Linkage {
    /// The points from left to right in the dendrogram: `scipy.cluster.hierarchy.leaves_list(Z)`. Also the order that makes a
    /// correlation matrix quasi-diagonal.
    package func leaves() -> [Int] {
        var order: [Int] = []
        order.reserveCapacity(pointCount)
        var open = [2 * pointCount - 2]
        while let node = open.popLast() {
            if node < pointCount {
                order.append(node)
            } else {
                open.append(merges[node - pointCount].right)
                open.append(merges[node - pointCount].left)
            }
        }
        return order
    }

    /// Per merge where its points stand in `leaves`: those of its left side, followed by those of its right side.
    func leafRanges() -> [(left: Range<Int>, right: Range<Int>)] {
        var start = [Int](repeating: 0, count: 2 * pointCount - 1)
        var ranges = [(left: Range<Int>, right: Range<Int>)](repeating: (0..<0, 0..<0), count: merges.count)
        for row in merges.indices.reversed() {
            let merge = merges[row]
            let from = start[pointCount + row]
            let middle = from + (merge.left < pointCount ? 1 : merges[merge.left - pointCount].size)
            start[merge.left] = from
            start[merge.right] = middle
            ranges[row] = (from..<middle, middle..<from + merge.size)
        }
        return ranges
    }

    /// Correlation between the distances and the heights at which their points are joined, as `scipy...cophenet(Z, Y)`; nil
    /// when either does not vary.
    ///
    /// - Parameter distances: of the points the linkage is of, all defined.
    package func copheneticCorrelation(_ distances: CondensedDistances) -> Double? {
        precondition(distances.count == pointCount)
        guard pointCount > 2 else { return nil }
        let pairs = Double(distances.pairCount)
        let leaves = leaves()
        let ranges = leafRanges()
        let meanDistance = distances.values.reduce(0, +) / pairs
        let joined = zip(merges, ranges).map { Double($1.left.count * $1.right.count) * $0.height }
        let meanHeight = joined.reduce(0, +) / pairs
        var (sxy, sxx, syy) = (0.0, 0.0, 0.0)
        for (merge, range) in zip(merges, ranges) {
            let y = merge.height - meanHeight
            var sum = 0.0
            for i in range.left {
                for j in range.right {
                    let x = distances[leaves[i], leaves[j]] - meanDistance
                    sum += x
                    sxx += x * x
                }
            }
            sxy += sum * y
            syy += Double(range.left.count * range.right.count) * y * y
        }
        guard sxx > 0, syy > 0 else { return nil }
        return min(1, max(-1, sxy / (sxx.squareRoot() * syy.squareRoot())))
    }
}
