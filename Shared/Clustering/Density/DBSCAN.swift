import ClusterModel

/// Density-based clusters of one density, and noise (Ester, Kriegel, Sander and Xu 1996), as scikit-learn counts them.
package struct DBSCAN: Equatable, Sendable {
    /// Per point its cluster, numbered from 0 by the smallest core point, or -1 for noise.
    package let labels: [Int]
    /// Whether a point has enough neighbours to be the inside of a cluster.
    package let isCore: [Bool]

    package var clusterCount: Int { (labels.max() ?? -1) + 1 }

    /// - Parameters:
    ///   - minSamples: neighbours that make a core point, the point itself counted; at least 1.
    ///   - neighbours: gives a point's neighbours within eps (inclusive), each once and without the point itself. An undefined
    ///     pair is no neighbour. Must be symmetric; is asked twice per point at most, so that nothing need be kept.
    ///
    /// Core points and noise do not depend on any order. A border point goes to the first cluster that reaches it, clusters
    /// being grown in the order of their smallest core point.
    package init(pointCount: Int, minSamples: Int = 5, neighbours: (Int) -> [Int32]) throws(GridError) {
        guard minSamples >= 1 else { throw GridError(.usage, "min_samples is \(minSamples): expected at least 1") }
        let isCore = (0..<pointCount).map { neighbours($0).count + 1 >= minSamples }
        var labels = [Int](repeating: -1, count: pointCount)
        var clusters = 0
        for start in 0..<pointCount where isCore[start] && labels[start] < 0 {
            var open = [start]
            labels[start] = clusters
            while let point = open.popLast() {
                for neighbour in neighbours(point) where labels[Int(neighbour)] < 0 {
                    labels[Int(neighbour)] = clusters
                    if isCore[Int(neighbour)] { open.append(Int(neighbour)) }
                }
            }
            clusters += 1
        }
        self.labels = labels
        self.isCore = isCore
    }

    /// From the pairs within eps, each once in either direction.
    package init(pointCount: Int, minSamples: Int = 5, pairs: [SpanningEdge], eps: Double) throws(GridError) {
        let near = Adjacency(pointCount: pointCount, pairs.filter { $0.weight <= eps })
        try self.init(pointCount: pointCount, minSamples: minSamples) { point in
            var neighbours: [Int32] = []
            near.forEach(of: point) { neighbours.append(Int32($0.b)) }
            return neighbours
        }
    }

    /// For as many points as all pairs of fit into memory.
    package init(_ distances: CondensedDistances, eps: Double, minSamples: Int = 5) throws(GridError) {
        try self.init(pointCount: distances.count, minSamples: minSamples) { point in
            var neighbours: [Int32] = []
            distances.forEachDistance(from: point) { if $1 <= eps { neighbours.append(Int32($0)) } }
            return neighbours
        }
    }
}
