import ClusterModel

/// How far clusters come back when the days are drawn again.
package struct BootstrapStability: Equatable, Sendable {
    /// Per resample its adjusted Rand score with the labels of all days.
    package let scores: [Double]
    package let meanScore: Double
    package let minScore: Double
    /// Mean over all pairs of resamples; nil with fewer than two.
    package let meanPairScore: Double?
    /// Per cluster of the reference, the mean over the resamples of its largest Jaccard similarity with any of theirs, 0...1
    /// (Hennig 2007): above 0.75 it is usually taken for real, below 0.5 for chance.
    package let clusterStability: [Double]

    /// - Parameter resamples: labelings of the same points; `Consensus.absent` where a point was left out.
    /// - Throws: `GridError` when there are none or they are not of the same points.
    package init(reference: [Int], resamples: [[Int]]) throws(GridError) {
        guard !resamples.isEmpty, resamples.allSatisfy({ $0.count == reference.count }) else {
            throw GridError(.usage, "stability needs at least one resample, and all of the reference's \(reference.count) alphas")
        }
        let labelings = resamples.map { Labeling($0, without: Consensus.absent) }
        let all = Labeling(reference, without: Consensus.absent)
        scores = labelings.map { AdjustedRand.score(all, $0) }
        meanScore = scores.reduce(0, +) / Double(scores.count)
        minScore = scores.min() ?? 0
        var (sum, pairs) = (0.0, 0.0)
        for i in labelings.indices {
            for j in labelings.indices.dropFirst(i + 1) {
                sum += AdjustedRand.score(labelings[i], labelings[j])
                pairs += 1
            }
        }
        meanPairScore = pairs == 0 ? nil : sum / pairs
        var similarity = [Double](repeating: 0, count: (reference.max() ?? -1) + 1)
        for labels in resamples {
            for (cluster, best) in Self.jaccard(reference, labels).enumerated() { similarity[cluster] += best }
        }
        clusterStability = similarity.map { $0 / Double(resamples.count) }
    }

    /// Per cluster of `a` the largest |common| / |either| with a cluster of `b`, on the points that both know.
    private static func jaccard(_ a: [Int], _ b: [Int]) -> [Double] {
        let rows = (a.max() ?? -1) + 1
        let columns = (b.max() ?? -1) + 1
        var common = [Int](repeating: 0, count: rows * columns)
        var (inA, inB) = ([Int](repeating: 0, count: rows), [Int](repeating: 0, count: columns))
        for (x, y) in zip(a, b) where x > Consensus.absent && y > Consensus.absent {
            if x >= 0 { inA[x] += 1 }
            if y >= 0 { inB[y] += 1 }
            if x >= 0 && y >= 0 { common[x * columns + y] += 1 }
        }
        return (0..<rows).map { x in
            (0..<columns).reduce(0.0) { best, y in
                let both = common[x * columns + y]
                return both == 0 ? best : max(best, Double(both) / Double(inA[x] + inB[y] - both))
            }
        }
    }
}
