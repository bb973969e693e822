#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How many clusters there are, by comparing how tight they are with how tight those of data without clusters are
/// (Tibshirani, Walther and Hastie 2001). The clustering of the data and of the references is the caller's.
package struct GapStatistic: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        package let clusters: Int
        /// mean over the references of log(their dispersion) - log(dispersion).
        package let gap: Double
        /// sd over the references of log(their dispersion) x sqrt(1 + 1 / references).
        package let error: Double
    }

    /// By number of clusters, ascending.
    package let rows: [Row]

    /// - Parameter dispersions: for each number of clusters, that of the data and those of the references, all above 0. A number
    ///   of clusters without references, or with a dispersion of 0, is passed over: its logarithm says nothing.
    package init(_ dispersions: [(clusters: Int, data: Double, references: [Double])]) {
        rows = dispersions.sorted { $0.clusters < $1.clusters }.compactMap { clusters, data, references in
            guard data > 0, !references.isEmpty, references.allSatisfy({ $0 > 0 }) else { return nil }
            let count = Double(references.count)
            let logs = references.map { log($0) }
            let mean = logs.reduce(0, +) / count
            let variance = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
            return Row(clusters: clusters, gap: mean - log(data), error: (variance * (1 + 1 / count)).squareRoot())
        }
    }

    /// The smallest number of clusters whose gap is not more than an error below that of the next; the one with the largest
    /// gap if none is; nil without rows.
    package var bestClusterCount: Int? {
        for (row, next) in zip(rows, rows.dropFirst()) where row.gap >= next.gap - next.error { return row.clusters }
        return rows.max { ($0.gap, -$0.clusters) < ($1.gap, -$1.clusters) }?.clusters
    }

    /// Sum over the clusters of the squared distances of their pairs / their points; for Euclidean distances the squared
    /// distances from the centres. Noise and undefined pairs are left out.
    package static func dispersion(_ distances: CondensedDistances, labels: [Int]) -> Double {
        precondition(labels.count == distances.count)
        let count = (labels.max() ?? -1) + 1
        var (sums, sizes) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        let values = distances.values
        var at = 0
        for i in labels.indices {
            if labels[i] >= 0 { sizes[labels[i]] += 1 }
            for j in labels.indices.dropFirst(i + 1) {
                if labels[i] >= 0, labels[i] == labels[j], values[at].isFinite { sums[labels[i]] += values[at] * values[at] }
                at += 1
            }
        }
        return withExtendedLifetime(distances) { zip(sums, sizes).reduce(0) { $0 + ($1.1 == 0 ? 0 : $1.0 / $1.1) } }
    }
}
