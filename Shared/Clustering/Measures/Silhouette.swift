/// How much nearer points are to their own cluster than to the next one (Rousseeuw 1987).
package struct Silhouette: Equatable, Sendable {
    /// Per point (b - a) / max(a, b), -1...1, a being its mean distance from the others of its cluster and b the smallest mean
    /// distance from another cluster; 0 when it is alone in its cluster or all its distances are 0. Nil for noise, and where
    /// no pair with the own cluster, or with any other, is defined.
    package let values: [Double?]

    /// Mean over the points that have one; nil when none has.
    package var mean: Double? {
        let defined = values.compactMap { $0 }
        return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
    }

    /// As `sklearn.metrics.silhouette_samples` on the points that are not noise.
    package init(_ sums: ClusterDistanceSums, labels: [Int]) {
        precondition(labels.count == sums.pointCount)
        var sizes = [Int](repeating: 0, count: sums.clusterCount)
        for label in labels where label >= 0 { sizes[label] += 1 }
        values = labels.enumerated().map { point, label in
            guard label >= 0 else { return nil }
            var nearest: Double?
            for cluster in 0..<sums.clusterCount where cluster != label {
                guard let mean = sums.mean(point: point, cluster: cluster) else { continue }
                nearest = min(nearest ?? mean, mean)
            }
            guard let nearest else { return nil }
            if sizes[label] == 1 { return 0 }
            guard let own = sums.mean(point: point, cluster: label) else { return nil }
            let larger = max(own, nearest)
            return larger == 0 ? 0 : (nearest - own) / larger
        }
    }

    package init(_ distances: CondensedDistances, labels: [Int]) {
        self.init(ClusterDistanceSums(distances, labels: labels), labels: labels)
    }

    /// Mean per cluster; nil for a cluster none of whose points has one.
    package func means(labels: [Int]) -> [Double?] {
        let count = (labels.max() ?? -1) + 1
        var (sums, counts) = ([Double](repeating: 0, count: count), [Int](repeating: 0, count: count))
        for (label, value) in zip(labels, values) where label >= 0 {
            guard let value else { continue }
            sums[label] += value
            counts[label] += 1
        }
        return zip(sums, counts).map { $1 == 0 ? nil : $0 / Double($1) }
    }
}
