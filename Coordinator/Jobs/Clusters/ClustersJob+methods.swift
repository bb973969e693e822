import ClusterModel
import Clustering
import Embedding
import Panel

// What each method makes of what the phases have found.
extension ClustersJob {
    func result(_ method: ClusterParameters.Method) throws -> ClustersOutcome.Result {
        switch method {
        case .hdbscan: try hdbscan()
        case .dbscan: try dbscan()
        case .single, .complete, .average, .ward: try hierarchy(method)
        case .kmeans: try kmeans()
        case .pca: pca()
        case .umap, .tsne: layout(method)
        case .mst: ClustersOutcome.Result(method: method.rawValue, parameters: [:])
        }
    }

    private var pointCount: Int { plan.layout.alphaCount }

    private func hdbscan() throws -> ClustersOutcome.Result {
        var result = ClustersOutcome.Result(
            method: "hdbscan",
            parameters: [
                "distance": parameters.distance.rawValue, "min_cluster_size": "\(parameters.minClusterSize)",
                "min_samples": "\(parameters.samples)", "selection": parameters.selection.rawValue,
            ])
        let found = try HDBSCAN(
            pointCount: pointCount, tree: findings.reachability, minClusterSize: parameters.minClusterSize,
            selection: parameters.selection)
        result.labels = numberedBySize(found.labels)
        result.probabilities = found.probabilities
        if found.clusterCount == 0, pointCount < 2 * parameters.minClusterSize {
            result.notes.append(
                "\(pointCount) alphas cannot be split into clusters of \(parameters.minClusterSize): min_cluster_size")
        }
        return result
    }

    private func dbscan() throws -> ClustersOutcome.Result {
        let eps = parameters.radius
        var result = ClustersOutcome.Result(
            method: "dbscan",
            parameters: [
                "distance": parameters.ground == .umap ? "umap" : CorrelationDistance.oneMinus.rawValue, "eps": "\(eps)",
                "min_points": "\(parameters.minPoints)",
            ])
        if parameters.ground == .umap, let layout = findings.layouts[.umap] {
            let found = try DBSCAN(pointCount: pointCount, minSamples: parameters.minPoints) { layout.near($0, within: eps) }
            result.labels = numberedBySize(found.labels.enumerated().map { layout.isPlaced($0) ? $1 : nil })
            result.figures["core_alphas"] = Double(found.isCore.count { $0 })
        } else {
            let pairs = findings.edges.map { SpanningEdge(a: Int($0.rankA), b: Int($0.rankB), weight: 1 - $0.r) }
            let found = try DBSCAN(pointCount: pointCount, minSamples: parameters.minPoints, pairs: pairs, eps: eps)
            result.labels = numberedBySize(found.labels)
            result.figures["core_alphas"] = Double(found.isCore.count { $0 })
        }
        return result
    }

    private func hierarchy(_ method: ClusterParameters.Method) throws -> ClustersOutcome.Result {
        var result = ClustersOutcome.Result(
            method: method.rawValue, parameters: ["distance": parameters.distance.rawValue])
        guard let distances = findings.distances, let linkageMethod = method.linkage else { return result }
        let (kept, leftOut) = distances.complete()
        result.labels = Array(repeating: nil, count: pointCount)
        result.leftOut = leftOut
        guard kept.count > 2 else { return result }
        let input = leftOut.isEmpty ? distances : try distances.subset(kept)
        let linkage = try Linkage(input, method: linkageMethod)
        let labels: [Int]
        if let clusters = parameters.clusters {
            labels = linkage.labels(clusters: clusters)
            result.parameters["clusters"] = "\(clusters)"
        } else if parameters.criterion == .gap {
            let gap = gapStatistic(linkage, input, findings.references[method] ?? [])
            labels = linkage.labels(clusters: gap.bestClusterCount ?? 1)
            result.parameters["clusters"] = "gap of 1...\(parameters.clustersTried) over \(parameters.references) shuffled panels"
            for row in gap.rows {
                result.figures["gap_\(row.clusters)"] = row.gap
                result.figures["gap_error_\(row.clusters)"] = row.error
            }
        } else {
            try tell("number of clusters (\(method.rawValue))")
            labels = bestCut(linkage, input)
            result.parameters["clusters"] = "best silhouette of 2...\(parameters.clustersTried)"
        }
        for (point, label) in zip(kept, numberedBySize(labels)) { result.labels[point] = label }
        try tell("check of the heights (\(method.rawValue))")
        result.figures["cophenetic_correlation"] = linkage.copheneticCorrelation(input)
        if method == .ward { result.notes += try euclideanNote(input) }
        result.linkage = ClustersOutcome.Dendrogram(points: kept, merges: linkage.merges, leaves: linkage.leaves())
        return result
    }

    private func gapStatistic(_ linkage: Linkage, _ distances: CondensedDistances, _ references: [[Double]]) -> GapStatistic {
        let last = max(1, min(parameters.clustersTried, distances.count - 1))
        return GapStatistic(
            (1...last).map { clusters in
                (
                    clusters: clusters, data: GapStatistic.dispersion(distances, labels: linkage.labels(clusters: clusters)),
                    references: references.map { $0[clusters - 1] }
                )
            })
    }

    /// The cut with the best mean silhouette; of equals the one with fewer clusters.
    private func bestCut(_ linkage: Linkage, _ distances: CondensedDistances) -> [Int] {
        var best: (labels: [Int], mean: Double) = (linkage.labels(clusters: 2), -.infinity)
        for clusters in 2...max(2, min(parameters.clustersTried, distances.count - 1)) {
            let labels = linkage.labels(clusters: clusters)
            guard let mean = Silhouette(distances, labels: labels).mean, mean > best.mean else { continue }
            best = (labels, mean)
        }
        return best.labels
    }

    /// Ward's heights are variances only between points of a Euclidean space, which correlations of pairs with different days
    /// need not have.
    private func euclideanNote(_ distances: CondensedDistances) throws -> [String] {
        let check = try EuclideanCheck(distances)
        guard !check.isEuclidean else { return [] }
        return [
            "the distances are not Euclidean, so Ward's heights are no variances: the smallest eigenvalue of their inner "
                + "products is \(rounded(check.smallest)), the largest \(rounded(check.largest)); nothing was "
                + "repaired, and a repair would add \(rounded(check.additiveConstant)) to every squared distance"
        ]
    }

    private func kmeans() throws -> ClustersOutcome.Result {
        var result = ClustersOutcome.Result(
            method: "kmeans",
            parameters: [
                "seed": "\(parameters.seed)", "input": "standardised \(parameters.rows.rawValue), 0 where missing",
            ])
        let tried = findings.kmeans.sorted { $0.key < $1.key }
        var best: (clusters: Int, mean: Double) = (tried.first?.key ?? 2, -.infinity)
        if let distances = findings.distances, tried.count > 1 {
            try tell("number of clusters (kmeans)")
            for (clusters, found) in tried {
                guard let mean = Silhouette(distances, labels: found.labels).mean, mean > best.mean else { continue }
                best = (clusters, mean)
            }
        }
        guard let found = findings.kmeans[best.clusters] else { return result }
        result.parameters["clusters"] =
            parameters.clusters.map { "\($0)" } ?? "best silhouette of 2...\(parameters.clustersTried)"
        result.labels = numberedBySize(found.labels)
        result.starts = found.starts
        result.figures["inertia"] = found.result.inertia
        result.figures["rounds"] = Double(found.result.rounds)
        if !found.result.converged { result.notes.append("k-means was ended after \(KMeans.roundsMax) rounds") }
        return result
    }

    private func pca() -> ClustersOutcome.Result {
        var result = ClustersOutcome.Result(
            method: "pca",
            parameters: [
                "components": "\(parameters.components)", "input": "standardised returns, 0 where missing",
            ])
        guard let (basis, coordinates) = findings.components else { return result }
        result.coordinates = coordinates.map { $0 }
        for (number, share) in basis.shares.enumerated() { result.figures["explained_variance_ratio_\(number + 1)"] = share }
        result.notes.append(
            "missing returns count as 0, the mean of their series, so that the correlations behind the components fit together")
        return result
    }

    private func layout(_ method: ClusterParameters.Method) -> ClustersOutcome.Result {
        var result = ClustersOutcome.Result(
            method: method.rawValue,
            parameters: ["distance": parameters.distance.rawValue, "seed": "\(parameters.seed)"])
        if method == .umap {
            result.parameters["neighbours"] = "\(parameters.neighbours)"
            result.parameters["min_dist"] = "\(parameters.minDistance)"
            result.parameters["dimensions"] = "\(parameters.dimensions)"
        } else {
            result.parameters["perplexity"] = "\(parameters.perplexity)"
        }
        let needed = method == .umap ? parameters.neighbours - 1 : Int(3 * parameters.perplexity)
        if pointCount - 1 < needed {
            result.notes.append("each alpha has fewer others than the \(needed) that the layout asks for, so it says little")
        }
        guard let layout = findings.layouts[method] else { return result }
        result.coordinates = (0..<pointCount).map { point in
            layout.isPlaced(point) ? layout[point].map { Double($0) } : nil
        }
        return result
    }
}

/// For a sentence.
private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

extension ClustersOutcome.Result {
    mutating func take(_ stability: BootstrapStability) {
        figures["stability"] = stability.meanScore
        figures["stability_min"] = stability.minScore
        if let score = stability.meanPairScore { figures["stability_between_samples"] = score }
        for (cluster, value) in stability.clusterStability.enumerated() { figures["stability_cluster_\(cluster)"] = value }
    }
}

extension AlphaNeighbours {
    /// The lists as distances; an undefined pair is no edge.
    func graph(_ distance: CorrelationDistance) throws -> NeighbourGraph {
        var indices = [Int32](repeating: -1, count: count * kept)
        var distances = [Double](repeating: .infinity, count: count * kept)
        for point in 0..<count {
            for (place, neighbour) in self[point].enumerated() {
                indices[point * kept + place] = Int32(neighbour.rank)
                distances[point * kept + place] = distance(neighbour.r)
            }
        }
        return try NeighbourGraph(count: count, width: kept, indices: indices, distances: distances)
    }
}

extension Coordinates {
    /// Other points at most so far from one.
    func near(_ point: Int, within radius: Double) -> [Int32] {
        guard isPlaced(point) else { return [] }
        let own = self[point].map { Double($0) }
        return (0..<count).compactMap { other in
            guard other != point, isPlaced(other) else { return nil }
            let squares = zip(own, self[other]).reduce(0.0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }
            return squares <= radius * radius ? Int32(other) : nil
        }
    }
}
