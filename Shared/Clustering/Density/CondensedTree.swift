/// The hierarchy of single linkage with the splits that only lose a few points taken out (Campello, Moulavi and Sander 2013,
/// as the hdbscan package builds it).
///
/// Clusters are numbered from 0, the root, downwards: a cluster's number is larger than its parent's.
struct CondensedTree {
    /// A point leaving a cluster, or a cluster splitting off.
    struct Exit {
        /// The cluster left.
        let parent: Int
        /// Point, or number of the cluster that splits off.
        let child: Int
        /// 1 / distance at which it leaves; infinite at distance 0.
        let lambda: Double
        /// Points that leave.
        let size: Int
        let isCluster: Bool
    }

    let pointCount: Int
    private(set) var clusterCount = 1
    private(set) var exits: [Exit] = []

    init(_ hierarchy: Linkage, minClusterSize: Int) {
        pointCount = hierarchy.pointCount
        exits.reserveCapacity(pointCount)
        guard pointCount > 1 else { return }
        let root = 2 * pointCount - 2
        var builder = Builder(hierarchy: hierarchy, minClusterSize: minClusterSize)
        builder.cluster[root] = 0
        var level = [root]
        while !level.isEmpty {
            var below: [Int] = []
            for node in level where node >= pointCount { builder.split(node, into: &below) }
            level = below
        }
        clusterCount = builder.clusterCount
        exits = builder.exits
    }

    private struct Builder {
        let hierarchy: Linkage
        let minClusterSize: Int
        /// Number of the cluster a node of the hierarchy stands for.
        var cluster: [Int]
        var clusterCount = 1
        var exits: [Exit] = []

        init(hierarchy: Linkage, minClusterSize: Int) {
            self.hierarchy = hierarchy
            self.minClusterSize = minClusterSize
            cluster = [Int](repeating: -1, count: 2 * hierarchy.pointCount - 1)
        }

        private func size(_ node: Int) -> Int {
            node < hierarchy.pointCount ? 1 : hierarchy.merges[node - hierarchy.pointCount].size
        }

        /// Two large sides are two new clusters; a large and a small one are the same cluster with some points less.
        mutating func split(_ node: Int, into below: inout [Int]) {
            let merge = hierarchy.merges[node - hierarchy.pointCount]
            let parent = cluster[node]
            let lambda = merge.height > 0 ? 1 / merge.height : .infinity
            let sides = [merge.left, merge.right]
            let large = sides.filter { size($0) >= minClusterSize }
            for side in sides {
                if size(side) < minClusterSize {
                    leave(side, parent, lambda)
                } else if large.count == 1 {
                    cluster[side] = parent
                    below.append(side)
                } else {
                    cluster[side] = clusterCount
                    exits.append(Exit(parent: parent, child: clusterCount, lambda: lambda, size: size(side), isCluster: true))
                    clusterCount += 1
                    below.append(side)
                }
            }
        }

        /// All points below a node leave the cluster.
        private mutating func leave(_ node: Int, _ parent: Int, _ lambda: Double) {
            var open = [node]
            while let node = open.popLast() {
                if node < hierarchy.pointCount {
                    exits.append(Exit(parent: parent, child: node, lambda: lambda, size: 1, isCluster: false))
                } else {
                    let merge = hierarchy.merges[node - hierarchy.pointCount]
                    open.append(merge.right)
                    open.append(merge.left)
                }
            }
        }
    }

    /// How long the points of each cluster stay: sum over its exits of (lambda - lambda at its birth) x points.
    func stabilities() -> [Double] {
        var births = [Double](repeating: 0, count: clusterCount)
        for exit in exits where exit.isCluster { births[exit.child] = exit.lambda }
        var stability = [Double](repeating: 0, count: clusterCount)
        for exit in exits where exit.lambda > births[exit.parent] {
            stability[exit.parent] += (exit.lambda - births[exit.parent]) * Double(exit.size)
        }
        return stability
    }

    /// The clusters each cluster splits into: none or two or more, ascending.
    func children() -> [[Int]] {
        var children = [[Int]](repeating: [], count: clusterCount)
        for exit in exits where exit.isCluster { children[exit.parent].append(exit.child) }
        return children
    }

    /// The largest lambda at which something leaves each cluster.
    func deaths() -> [Double] {
        var deaths = [Double](repeating: 0, count: clusterCount)
        for exit in exits { deaths[exit.parent] = max(deaths[exit.parent], exit.lambda) }
        return deaths
    }
}
