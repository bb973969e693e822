import ClusterModel

/// Lloyd's iteration, one round at a time: whoever has the rows makes the partials, this says what follows from them.
///
/// It has converged when no label changed, or when the centres moved by no more than `tolerance` (squared, summed, and
/// relative to the mean variance of the values), as in scikit-learn. A cluster that lost all its rows is given the row
/// farthest from its own centre.
package struct KMeans: Sendable {
    package enum Step: Sendable, Equatable {
        /// Assign all rows to these centres and call `take` with the merged partial.
        case assign(Centroids)
        /// Labels, centres and inertia belong together.
        case done(KMeansResult)
    }

    package static let roundsMax = 300
    package static let tolerance = 1e-4

    private var centroids: Centroids
    private let startRows: [Int]
    private let threshold: Double
    private var labels: [Int32] = []
    private var rounds = 0
    private var isLast = false

    /// - Parameters:
    ///   - meanVariance: mean over the T columns of their variance (ddof 0); 1 or less for standardised rows, where 1 does.
    ///   - start: see `KMeansStart`.
    package init(start: Centroids, meanVariance: Double = 1) {
        centroids = start
        startRows = start.rows
        threshold = Self.tolerance * meanVariance
    }

    /// What to begin with.
    package var first: Step { .assign(centroids) }

    package mutating func take(_ partial: KMeansPartial) -> Step {
        rounds += 1
        let settled = partial.labels == labels
        if settled || isLast || rounds > Self.roundsMax {
            return .done(
                KMeansResult(
                    labels: partial.labels, centroids: centroids, inertia: partial.inertia, counts: partial.counts,
                    rounds: rounds, converged: settled || isLast, startRows: startRows))
        }
        labels = partial.labels
        let (next, isWhole) = Self.update(centroids, partial)
        var moved = 0.0
        for i in next.values.indices {
            let difference = next.values[i] - centroids.values[i]
            moved += difference * difference
        }
        // One more assignment makes the labels those of the last centres.
        isLast = isWhole && moved <= threshold
        centroids = next
        return .assign(next)
    }

    /// The mean of each cluster's rows; false when an empty cluster was seen.
    static func update(_ centroids: Centroids, _ partial: KMeansPartial) -> (Centroids, isWhole: Bool) {
        let width = centroids.width
        var (counts, sums) = (partial.counts, partial.sums)
        let empty = counts.indices.filter { counts[$0] == 0 }
        var far = partial.farRows[...]
        for c in empty {
            // A row on its own centre would leave a second cluster empty in the next round.
            far = far.drop { counts[$0.label] < 2 || $0.squaredDistance == 0 }
            guard let row = far.popFirst() else { break }
            for t in 0..<width {
                sums[row.label * width + t] -= row.values[t]
                sums[c * width + t] = row.values[t]
            }
            counts[row.label] -= 1
            counts[c] = 1
        }
        var values = centroids.values
        for c in counts.indices where counts[c] > 0 {
            for t in 0..<width { values[c * width + t] = sums[c * width + t] / Double(counts[c]) }
        }
        return (Centroids(count: centroids.count, width: width, values: values), empty.isEmpty)
    }
}

package struct KMeansResult: Sendable, Equatable {
    /// The cluster of each row.
    package let labels: [Int32]
    package let centroids: Centroids
    /// The sum of squared distances of the rows from their centres.
    package let inertia: Double
    package let counts: [Int]
    package let rounds: Int
    /// False when `KMeans.roundsMax` ended it.
    package let converged: Bool
    /// The rows that were the first centres; empty when these were no rows.
    package let startRows: [Int]
}
