import ClusterModel

/// One clustering out of many: points are as near as they are often together (evidence accumulation, Fred and Jain 2005).
package struct Consensus: Sendable {
    /// Label of a point that a labeling does not know, a resample having left it out.
    package static let absent = -2

    /// Per point its cluster, or -1 for a point that is noise wherever it is known.
    package let labels: [Int]
    /// Per point the mean share of labelings in which it is with the others of its cluster, 0...1; 1 for a point that is alone
    /// in it and 0 for noise.
    package let confidences: [Double]
    package let linkage: Linkage

    /// Share of labelings in which a pair is apart, among those that know both; 1 where none does.
    ///
    /// Noise (-1) is with nothing. Holds all pairs, so at most `Limits.matrixPointsMax` points.
    package static func distances(_ labelings: [[Int]]) throws -> CondensedDistances {
        guard let count = labelings.first?.count, labelings.allSatisfy({ $0.count == count }) else {
            throw GridError(.usage, "a consensus needs at least one labeling, and all of the same alphas")
        }
        return try CondensedDistances(count: count) { values in
            var at = 0
            for i in 0..<count {
                for j in i + 1..<count {
                    var (together, known) = (0, 0)
                    for labels in labelings where labels[i] > absent && labels[j] > absent {
                        known += 1
                        if labels[i] >= 0 && labels[i] == labels[j] { together += 1 }
                    }
                    values[at] = known == 0 ? 1 : 1 - Double(together) / Double(known)
                    at += 1
                }
            }
        }
    }

    /// Average linkage of the shares.
    ///
    /// - Parameter clusters: how many clusters to cut into; nil cuts where points are together in half of the labelings.
    package init(_ labelings: [[Int]], clusters: Int? = nil) throws {
        let distances = try Self.distances(labelings)
        let linkage = try Linkage(distances, method: .average)
        let cut = clusters.map { linkage.labels(clusters: $0) } ?? linkage.labels(cutAt: 0.5)
        let labels = Self.renumbered(
            cut.indices.map { point in labelings.allSatisfy { $0[point] < 0 } ? -1 : cut[point] })
        let sums = ClusterDistanceSums(distances, labels: labels)
        self.linkage = linkage
        self.labels = labels
        confidences = labels.enumerated().map { point, label in
            label < 0 ? 0 : 1 - (sums.mean(point: point, cluster: label) ?? 0)
        }
    }

    /// The same clusters, numbered from 0 by their first point; noise stays noise.
    package static func renumbered(_ labels: [Int]) -> [Int] {
        var number = [Int](repeating: -1, count: (labels.max() ?? -1) + 1)
        var next = 0
        return labels.map { label in
            guard label >= 0 else { return -1 }
            if number[label] < 0 {
                number[label] = next
                next += 1
            }
            return number[label]
        }
    }
}
