import ClusterModel
import Clustering

/// What a clusters job is asked for beyond which correlations it starts from.
package struct ClusterParameters: Hashable, Sendable {
    package enum Method: String, CaseIterable, Sendable, Codable {
        case hdbscan, dbscan, single, complete, average, ward, kmeans, pca, umap, tsne
        /// The minimum spanning tree of the correlations.
        case mst

        /// Whether it gives labels; the others give coordinates.
        package var isClustering: Bool {
            switch self {
            case .pca, .umap, .tsne, .mst: false
            default: true
            }
        }

        package var linkage: Linkage.Method? { Linkage.Method(rawValue: rawValue) }

        /// What the job itself does for it when the pairs are known; nil where that takes no time.
        var workOnJobThread: String? {
            switch self {
            case .single, .complete, .average, .ward: "linkage (\(rawValue))"
            case .hdbscan, .dbscan: "clusters (\(rawValue))"
            case .kmeans, .pca, .umap, .tsne, .mst: nil
            }
        }
    }

    package var methods: [Method] = [.umap, .hdbscan]
    package var distance = CorrelationDistance.euclidean
    /// Neighbours of UMAP, the alpha itself counted.
    package var neighbours = 15
    package var minDistance = 0.1
    package var dimensions = 2
    package var perplexity = 30.0
    package var minClusterSize = 15
    /// HDBSCAN: which nearest other alpha makes the core distance; nil: as `minClusterSize`.
    package var minSamples: Int?
    package var selection = HDBSCAN.Selection.excessOfMass
    /// Clusters of the hierarchical methods and of k-means; nil: the best number in 2 ... `clustersTried`.
    package var clusters: Int?
    package var clustersTried = 20
    /// What tells the number of clusters that is not given.
    package enum Criterion: String, CaseIterable, Sendable {
        case silhouette
        /// The gap statistic (Tibshirani, Walther and Hastie 2001), against the same series with shuffled days; for the
        /// hierarchical methods.
        case gap
    }
    package var criterion = Criterion.silhouette
    /// Shuffled panels that the gap statistic compares with.
    package var references = 10
    /// What k-means measures by.
    package enum Rows: String, CaseIterable, Sendable { case returns, features }
    package var rows = Rows.returns
    /// What DBSCAN measures by.
    package enum Ground: String, CaseIterable, Sendable { case correlation, umap }
    package var ground = Ground.correlation
    /// DBSCAN: radius in terms of 1 - r, or in the layout, and how many alphas, itself counted, a core alpha has within.
    package var radius = 0.3
    package var minPoints = 5
    package var components = 10
    package var seed: UInt64 = 42
    /// Samples of days for the stability of the hierarchical methods and k-means.
    package var bootstrap = 0
    /// Whether the labels of all methods, and of all samples of days, are put together to one.
    package var consensus = false

    package init() {}

    /// - Throws: `GridError(.usage)` naming the parameter that is unknown or out of range.
    package init(_ params: [String: String]) throws(GridError) {
        var options = JobOptions(params, kind: "clusters")
        try self.init(&options)
    }

    /// What there is to say.
    package static var options: JobOptions {
        var options = JobOptions([:], kind: "clusters")
        _ = try? ClusterParameters(&options)
        return options
    }

    private init(_ options: inout JobOptions) throws(GridError) {
        if let value = try options.choices("methods", of: Method.self) { methods = value }
        if let value = try options.choice("distance", of: CorrelationDistance.self) { distance = value }
        if let value = try options.whole("neighbours", in: 2...Limits.neighboursMax + 1) { neighbours = value }
        if let value = try options.number("min_dist", in: 0...1) { minDistance = value }
        if let value = try options.whole("dimensions", in: 2...3) { dimensions = value }
        if let value = try options.number("perplexity", in: 2...Double(Limits.neighboursMax / 3)) { perplexity = value }
        if let value = try options.whole("min_cluster_size", in: 2...Limits.alphasMax) { minClusterSize = value }
        minSamples = try options.whole("min_samples", in: 1...Limits.neighboursMax)
        if let value = try options.choice("selection", of: HDBSCAN.Selection.self) { selection = value }
        clusters = try options.whole("clusters", in: 2...Limits.clustersMax)
        if let value = try options.whole("clusters_tried", in: 2...100) { clustersTried = value }
        if let value = try options.choice("choose_by", of: Criterion.self) { criterion = value }
        if let value = try options.whole("references", in: 2...Limits.bootstrapMax) { references = value }
        if let value = try options.choice("kmeans_on", of: Rows.self) { rows = value }
        if let value = try options.choice("dbscan_on", of: Ground.self) { ground = value }
        if let value = try options.number("eps", in: 0...1_000) { radius = value }
        if let value = try options.whole("min_points", in: 1...Limits.neighboursMax) { minPoints = value }
        if let value = try options.whole("components", in: 1...Limits.componentsMax) { components = value }
        if let value = try options.whole("seed", in: 0...Int.max) { seed = UInt64(value) }
        if let value = try options.whole("bootstrap", in: 0...Limits.bootstrapMax) { bootstrap = value }
        if let value = try options.truth("consensus") { consensus = value }
        try options.expectNothingElse()
        try checkTogether()
    }

    /// What goes by itself but not together, or would have no effect.
    private func checkTogether() throws(GridError) {
        let hierarchical = methods.contains { $0.linkage != nil }
        if ground == .umap, !methods.contains(.umap) {
            throw GridError(.usage, "parameter dbscan_on is umap, so methods must have umap too")
        }
        if methods.contains(.hdbscan), minSamples == nil, minClusterSize > Limits.neighboursMax {
            throw GridError(
                .usage,
                "parameter min_cluster_size is \(minClusterSize): above \(Limits.neighboursMax) it needs min_samples as well, "
                    + "which would otherwise be the same, and \(Limits.neighboursMax) neighbours are kept at most")
        }
        if bootstrap > 0, !hierarchical {
            throw GridError(
                .usage, "parameter bootstrap is for single, complete, average and ward: none of them is among methods")
        }
        if clusters != nil, !hierarchical, !methods.contains(.kmeans), !consensus {
            throw GridError(
                .usage,
                "parameter clusters is for single, complete, average, ward, kmeans and consensus: none of them is asked for")
        }
        if criterion == .gap, clusters == nil, !hierarchical || methods.contains(.kmeans) {
            throw GridError(
                .usage, "parameter choose_by is gap, which is for single, complete, average and ward: give clusters for kmeans")
        }
        if consensus, methods.count(where: \.isClustering) + bootstrap < 2 {
            throw GridError(.usage, "parameter consensus is true, so methods must have at least two that give labels")
        }
    }

    /// k-means draws its first centres in one task, whose blocks have to hold as many alphas.
    ///
    /// - Parameter alphas: so many do the first blocks hold, or so many can they.
    package func expectCentres(_ wanted: Int, among alphas: Int) throws(GridError) {
        guard methods.contains(.kmeans), rows == .returns, wanted > alphas else { return }
        throw GridError(
            .usage,
            "parameter \(clusters == nil ? "clusters_tried" : "clusters") asks for \(wanted), but the first "
                + "\(Limits.blocksPerTaskMax) blocks, which k-means takes its first centres from, hold \(alphas) alphas at most: "
                + "choose a larger block_edge")
    }

    /// Nearest neighbours the methods ask for; 0 when none does.
    var neighboursNeeded: Int {
        var needed = 0
        if methods.contains(.umap) { needed = max(needed, neighbours - 1) }
        if methods.contains(.tsne) { needed = max(needed, Int(3 * perplexity)) }
        if methods.contains(.mst) { needed = max(needed, 10) }
        // Twice as many prove most of the tree's edges without another pass over all pairs.
        if methods.contains(.hdbscan) { needed = max(needed, 2 * samples) }
        return min(needed, Limits.neighboursMax)
    }

    /// Which nearest other alpha makes HDBSCAN's core distance.
    var samples: Int { minSamples ?? minClusterSize }

    /// Whether all distances are needed at once: by methods that join clusters, and to find out how many there are.
    package var needsMatrix: Bool {
        methods.contains { $0.linkage != nil } || consensus || methods.contains(.kmeans) && clusters == nil
    }
}
