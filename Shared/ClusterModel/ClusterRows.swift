/// What a method says of an alpha, as `alpha_clusters_<region>` holds it.
package struct ClusterRow: Hashable, Sendable {
    package var alphaID: String
    package var method: String
    /// 0 is the largest cluster, -1 noise; nil where the method gives none.
    package var label: Int?
    /// How surely it belongs to its cluster, 0 ... 1.
    package var probability: Double?
    package var silhouette: Double?
    package var coordinates: [Double]?

    package init(
        alphaID: String, method: String, label: Int? = nil, probability: Double? = nil, silhouette: Double? = nil,
        coordinates: [Double]? = nil
    ) {
        self.alphaID = alphaID
        self.method = method
        self.label = label
        self.probability = probability
        self.silhouette = silhouette
        self.coordinates = coordinates
    }
}

/// A method and what it found on the whole, as `alpha_cluster_methods_<region>` holds it.
package struct ClusterMethodRow: Hashable, Sendable {
    /// SciPy's linkage matrix: node i below the number of alphas is alpha i of `alphaIDs`, node alphas + k the k-th merge.
    package struct Dendrogram: Hashable, Sendable {
        package var alphaIDs: [String]
        package var left: [Int]
        package var right: [Int]
        package var heights: [Double]
        package var sizes: [Int]
        /// From left to right.
        package var leaves: [String]
        package init(
            alphaIDs: [String], left: [Int], right: [Int], heights: [Double], sizes: [Int], leaves: [String]
        ) {
            self.alphaIDs = alphaIDs
            self.left = left
            self.right = right
            self.heights = heights
            self.sizes = sizes
            self.leaves = leaves
        }
    }

    package var method: String
    package var parameters: [String: String]
    package var figures: [String: Double]
    package var notes: [String]
    /// nil for a method that gives no labels.
    package var clusters: Int?
    package var noise: Int?
    package var silhouette: Double?
    package var dendrogram: Dendrogram?
    package init(
        method: String, parameters: [String: String], figures: [String: Double], notes: [String], clusters: Int?, noise: Int?,
        silhouette: Double?, dendrogram: Dendrogram?
    ) {
        self.method = method
        self.parameters = parameters
        self.figures = figures
        self.notes = notes
        self.clusters = clusters
        self.noise = noise
        self.silhouette = silhouette
        self.dendrogram = dendrogram
    }
}

/// An edge of the minimum spanning tree, as `alpha_tree_<region>` holds it.
package struct TreeEdgeRow: Hashable, Sendable {
    package var alphaIDA: String
    package var alphaIDB: String
    package var correlation: Double
    package var distance: Double
    package init(alphaIDA: String, alphaIDB: String, correlation: Double, distance: Double) {
        self.alphaIDA = alphaIDA
        self.alphaIDB = alphaIDB
        self.correlation = correlation
        self.distance = distance
    }
}

/// Everything a clusters job publishes.
package struct ClusterResult: Sendable {
    package var alphaIDs: [String]
    package var rows: [ClusterRow]
    package var methods: [ClusterMethodRow]
    /// Empty when none was asked for.
    package var tree: [TreeEdgeRow]
    package init(alphaIDs: [String], rows: [ClusterRow], methods: [ClusterMethodRow], tree: [TreeEdgeRow]) {
        self.alphaIDs = alphaIDs
        self.rows = rows
        self.methods = methods
        self.tree = tree
    }
}
