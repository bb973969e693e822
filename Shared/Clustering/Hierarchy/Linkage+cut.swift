extension Linkage {
    /// Flat clusters: points joined at or below a height are together.
    ///
    /// - Returns: per point its cluster, numbered from 0 in SciPy's order: `fcluster(Z, t=height, criterion="distance") - 1`.
    package func labels(cutAt height: Double) -> [Int] {
        let reached = reachedHeights()
        var labels = [Int](repeating: 0, count: pointCount)
        guard pointCount > 1 else { return labels }
        var isVisited = [Bool](repeating: false, count: merges.count)
        var open = [merges.count - 1]
        var clusters = 0
        // The topmost merge of the cluster whose points are being numbered.
        var leader: Int?
        while let row = open.last {
            if leader == nil, reached[row] <= height {
                leader = row
                clusters += 1
            }
            let sides = [merges[row].left, merges[row].right]
            // Sides that are clusters come before sides that are points.
            if let below = sides.first(where: { $0 >= pointCount && !isVisited[$0 - pointCount] }) {
                isVisited[below - pointCount] = true
                open.append(below - pointCount)
                continue
            }
            for point in sides where point < pointCount {
                if leader == nil { clusters += 1 }
                labels[point] = clusters - 1
            }
            if leader == row { leader = nil }
            open.removeLast()
        }
        return labels
    }

    /// Flat clusters by the lowest cut that gives at most so many; fewer where heights tie.
    ///
    /// - Parameter count: at least 1; every point is a cluster of its own when it is as large as the number of points.
    /// - Returns: as `fcluster(Z, t=count, criterion="maxclust") - 1` for counts below the points - 1. SciPy does not tell the
    ///   two lowest merges apart.
    package func labels(clusters count: Int) -> [Int] {
        precondition(count >= 1)
        return labels(cutAt: height(clusters: count))
    }

    /// The lowest height to cut at for at most so many clusters; minus infinity when no points need to be joined.
    package func height(clusters count: Int) -> Double {
        guard count < pointCount else { return -.infinity }
        // With k merges at or below the cut, points - k clusters remain.
        return reachedHeights().sorted()[pointCount - count - 1]
    }

    /// Per merge the largest height in its tree: its own, unless the linkage has inversions.
    private func reachedHeights() -> [Double] {
        var reached = merges.map(\.height)
        for row in merges.indices {
            for side in [merges[row].left, merges[row].right] where side >= pointCount {
                reached[row] = max(reached[row], reached[side - pointCount])
            }
        }
        return reached
    }
}
