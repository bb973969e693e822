import ClusterModel

/// How clusters were joined, nearest first: SciPy's linkage matrix.
package struct Linkage: Equatable, Sendable {
    /// What the distance of two clusters is.
    package enum Method: String, CaseIterable, Sendable, Codable {
        /// The smallest distance between their points.
        case single
        /// The largest.
        case complete
        /// The mean.
        case average
        /// sqrt(2 a b / (a + b)) x the distance of their centres, a and b being their sizes; means that only for Euclidean
        /// distances.
        case ward
    }

    /// One row of the matrix.
    package struct Merge: Equatable, Sendable {
        /// Clusters joined: a point's index, or the point count + the index of the merge that made the cluster.
        package var left: Int
        package var right: Int
        package var height: Double
        /// Points of the new cluster.
        package var size: Int

        package init(left: Int, right: Int, height: Double, size: Int) {
            self.left = left
            self.right = right
            self.height = height
            self.size = size
        }
    }

    package let pointCount: Int
    /// One fewer than points, heights ascending.
    package let merges: [Merge]

    /// Clusters all points from their distances.
    ///
    /// Gives the rows that `scipy.cluster.hierarchy.linkage(distances, method)` gives, also where distances tie: the first
    /// nearest neighbour wins, and equal heights stay in the order in which they were found. Time grows with the square of the
    /// points; memory is the distances and, for all methods but `single`, twice that.
    ///
    /// - Throws: `GridError` when a distance is undefined, infinite or negative, or memory is short.
    package init(_ distances: CondensedDistances, method: Method) throws {
        try distances.requireComplete(for: "\(method.rawValue) linkage")
        let joins =
            switch method {
            case .single: MinimumSpanningTree.visitingOrder(distances)
            case .complete, .average, .ward: try NearestNeighbourChain.joins(distances, method)
            }
        self.init(pointCount: distances.count, joins: joins)
    }

    /// - Parameter joins: pairs of points, one fewer than points, that belong to the clusters joined at the pair's weight;
    ///   in any order, equal weights in the order in which they shall be joined.
    /// - Parameter keepsSides: whether `left` is the cluster of the pair's first point; otherwise the smaller number, as in
    ///   SciPy.
    init(pointCount: Int, joins: [SpanningEdge], keepsSides: Bool = false) {
        precondition(joins.count == pointCount - 1, "joining all points takes one pair fewer than points")
        let order = joins.indices.sorted { (joins[$0].weight, $0) < (joins[$1].weight, $1) }
        var sets = UnionFind(count: pointCount)
        var cluster = Array(0..<pointCount)
        var merges: [Merge] = []
        merges.reserveCapacity(joins.count)
        for place in order {
            let join = joins[place]
            let (a, b) = (sets.find(join.a), sets.find(join.b))
            precondition(a != b, "joins form a tree")
            let sides = (cluster[a], cluster[b])
            let (left, right) = keepsSides || sides.0 < sides.1 ? sides : (sides.1, sides.0)
            let root = sets.union(a, b)
            cluster[root] = pointCount + merges.count
            merges.append(Merge(left: left, right: right, height: join.weight, size: sets.size(of: root)))
        }
        self.pointCount = pointCount
        self.merges = merges
    }

    /// Rows made elsewhere.
    ///
    /// - Throws: `GridError` unless every cluster is joined exactly once, after it has been made.
    package init(pointCount: Int, merges: [Merge]) throws(GridError) {
        guard pointCount >= 1, merges.count == pointCount - 1 else {
            throw GridError(.usage, "a linkage of \(pointCount) points has \(merges.count) rows: expected one fewer than points")
        }
        var isJoined = [Bool](repeating: false, count: 2 * pointCount - 1)
        for (row, merge) in merges.enumerated() {
            for side in [merge.left, merge.right] {
                guard side >= 0, side < pointCount + row, !isJoined[side] else {
                    throw GridError(.usage, "row \(row) of the linkage joins cluster \(side), which is not there to be joined")
                }
                isJoined[side] = true
            }
        }
        self.pointCount = pointCount
        self.merges = merges
    }
}
