import ClusterModel
import Clustering

extension ClustersOutcome {
    /// What is published.
    ///
    /// - Parameter alphaIDs: ids by point, so in bytewise order.
    package func published(alphaIDs: [String]) -> ClusterResult {
        ClusterResult(
            alphaIDs: alphaIDs, rows: results.flatMap { Self.rows($0, alphaIDs) },
            methods: results.map { Self.method($0, alphaIDs) },
            tree: tree.map {
                TreeEdgeRow(
                    alphaIDA: alphaIDs[$0.a], alphaIDB: alphaIDs[$0.b], correlation: $0.correlation, distance: $0.distance)
            })
    }

    private static func rows(_ result: Result, _ alphaIDs: [String]) -> [ClusterRow] {
        alphaIDs.enumerated().map { point, id in
            var row = ClusterRow(alphaID: id, method: result.method)
            if !result.labels.isEmpty { row.label = result.labels[point] }
            if !result.probabilities.isEmpty { row.probability = result.probabilities[point] }
            if !result.silhouettes.isEmpty { row.silhouette = result.silhouettes[point] }
            if !result.coordinates.isEmpty { row.coordinates = result.coordinates[point] }
            return row
        }
    }

    private static func method(_ result: Result, _ alphaIDs: [String]) -> ClusterMethodRow {
        let hasLabels = !result.labels.isEmpty
        var parameters = result.parameters
        if !result.starts.isEmpty { parameters["starts"] = result.starts.map { alphaIDs[$0] }.joined(separator: ",") }
        return ClusterMethodRow(
            method: result.method, parameters: parameters, figures: result.figures, notes: result.notes(naming: alphaIDs),
            clusters: hasLabels ? result.clusterCount : nil, noise: hasLabels ? result.noiseCount : nil,
            silhouette: result.meanSilhouette,
            dendrogram: result.linkage.map { linkage in
                let ids = linkage.points.map { alphaIDs[$0] }
                return ClusterMethodRow.Dendrogram(
                    alphaIDs: ids, left: linkage.merges.map(\.left), right: linkage.merges.map(\.right),
                    heights: linkage.merges.map(\.height), sizes: linkage.merges.map(\.size),
                    leaves: linkage.leaves.map { ids[$0] })
            })
    }
}
