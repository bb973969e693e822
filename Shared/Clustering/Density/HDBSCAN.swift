import ClusterModel

/// Clusters of any density, and noise (Campello, Moulavi and Sander, "Density-based clustering based on hierarchical density
/// estimates", 2013), as the hdbscan package finds them from the same minimum spanning tree.
///
/// Mutual reachability distances tie wherever a core distance decides. Equal ones are joined in the order of
/// `MinimumSpanningTree.walk`; the package sorts them by an unstable sort, so a few labels can differ, and none do when its sort
/// is made stable.
package struct HDBSCAN: Equatable, Sendable {
    /// Which clusters of the hierarchy are taken.
    package enum Selection: String, CaseIterable, Sendable, Codable {
        /// Those that together keep their points longest.
        case excessOfMass = "eom"
        /// Those that do not split any further.
        case leaf
    }

    /// Per point its cluster, 0 ..< `clusterCount`, or -1 for noise.
    package let labels: [Int]
    /// Per point 0...1: how long it stays in its cluster compared with the point that stays longest; 0 for noise.
    package let probabilities: [Double]
    /// Per cluster 0...1: its stability as a share of the largest possible; the package calls it persistence.
    package let persistences: [Double]

    package var clusterCount: Int { persistences.count }

    /// - Parameter tree: the minimum spanning tree of the mutual reachability distances max(core distance of a, core distance
    ///   of b, distance), from `BoruvkaForest` or `MinimumSpanningTree`; the parts of a forest are never in one cluster.
    /// - Parameter minClusterSize: points of the smallest cluster, at least 2.
    /// - Throws: `GridError` when the size is too small.
    package init(pointCount: Int, tree: [SpanningEdge], minClusterSize: Int = 15, selection: Selection = .excessOfMass)
        throws(GridError)
    {
        guard minClusterSize >= 2 else {
            throw GridError(.usage, "min_cluster_size is \(minClusterSize): expected at least 2")
        }
        let walked = MinimumSpanningTree.walk(pointCount: pointCount, tree)
        guard pointCount >= 1, walked.count == pointCount - 1 else {
            throw GridError(.usage, "there is nothing to cluster: no alpha is left")
        }
        let hierarchy = Linkage(pointCount: pointCount, joins: walked, keepsSides: true)
        self.init(CondensedTree(hierarchy, minClusterSize: minClusterSize), selection)
    }

    /// For as many points as all pairs of fit into memory.
    ///
    /// - Parameter minSamples: which nearest other point makes the core distance; the package takes `minClusterSize`.
    package init(
        _ distances: CondensedDistances, minClusterSize: Int = 15, minSamples: Int? = nil, selection: Selection = .excessOfMass
    ) throws {
        let core = distances.coreDistances(minSamples: minSamples ?? minClusterSize)
        let tree = MinimumSpanningTree.prim(distances, coreDistances: core).filter { $0.weight < .infinity }
        try self.init(pointCount: distances.count, tree: tree, minClusterSize: minClusterSize, selection: selection)
    }

    private init(_ tree: CondensedTree, _ selection: Selection) {
        var stability = tree.stabilities()
        let children = tree.children()
        let isChosen =
            switch selection {
            case .excessOfMass: Self.excessOfMass(&stability, children)
            case .leaf: children.indices.map { $0 > 0 && children[$0].isEmpty }
            }
        // A cluster belongs to itself when it is chosen, and else to what its parent belongs to; the root is never chosen.
        var label = [Int](repeating: -1, count: tree.clusterCount)
        var chosen: [Int] = []
        for cluster in isChosen.indices where isChosen[cluster] {
            label[cluster] = chosen.count
            chosen.append(cluster)
        }
        for exit in tree.exits where exit.isCluster && !isChosen[exit.child] { label[exit.child] = label[exit.parent] }

        let deaths = tree.deaths()
        var labels = [Int](repeating: -1, count: tree.pointCount)
        var probabilities = [Double](repeating: 0, count: tree.pointCount)
        var sizes = [Int](repeating: 0, count: chosen.count)
        for exit in tree.exits where !exit.isCluster && label[exit.parent] >= 0 {
            let own = label[exit.parent]
            let death = deaths[chosen[own]]
            labels[exit.child] = own
            sizes[own] += 1
            let stays = death == 0 || exit.lambda == .infinity ? 1 : min(exit.lambda, death) / death
            probabilities[exit.child] = stays
        }
        self.labels = labels
        self.probabilities = probabilities
        let longest = deaths.max() ?? 0
        persistences = chosen.indices.map { own in
            let possible = Double(sizes[own]) * longest
            return longest == .infinity || possible == 0 ? 1 : stability[chosen[own]] / possible
        }
    }

    /// Goes up from the leaves: a cluster is taken instead of what was taken below it unless that is more stable together.
    private static func excessOfMass(_ stability: inout [Double], _ children: [[Int]]) -> [Bool] {
        var wins = [Bool](repeating: false, count: children.count)
        for cluster in children.indices.reversed() where cluster > 0 {
            let below = children[cluster].reduce(0.0) { $0 + stability[$1] }
            wins[cluster] = !(below > stability[cluster])
            if !wins[cluster] { stability[cluster] = below }
        }
        // Downwards: below a cluster that is taken, nothing is.
        var isCovered = [Bool](repeating: false, count: children.count)
        for cluster in children.indices {
            for child in children[cluster] { isCovered[child] = isCovered[cluster] || wins[cluster] }
        }
        return children.indices.map { wins[$0] && !isCovered[$0] }
    }
}
