import CKernels
import Clustering
import Dispatch

/// Covariances of all pairs over their common days, as `pandas.DataFrame.cov` and `.corr` have them: ddof 1.
///
/// A pair is undefined with fewer than two or `minOverlap` common days, and where either side does not vary on them.
package struct PairMoments {
    package let covariances: CondensedCovariances
    /// `CorrelationDistance.halved`.
    package let distances: CondensedDistances
    /// Of each series over its own days, 0 where it does not vary.
    package let variances: [Double]

    /// Series of so many are taken against so many others at a time: they stay in the cache of a core.
    private static let edge = 32

    /// - Parameter series: at least one, of as many days each, NaN where missing.
    package init(_ series: [[Double]], minOverlap: Int) throws {
        let n = series.count
        let covariances = try CondensedDistances(count: n) { _ in }
        let distances = try CondensedDistances(count: n) { _ in }
        let memory = Memory(series, minOverlap: minOverlap, covariances, distances)
        defer { memory.free() }
        let blocks = 0..<((n + Self.edge - 1) / Self.edge)
        let tiles = blocks.flatMap { row in (row..<blocks.upperBound).map { (row, $0) } }
        DispatchQueue.concurrentPerform(iterations: tiles.count) { tile in
            let (row, column) = tiles[tile]
            for i in (row * Self.edge)..<min((row + 1) * Self.edge, n) {
                memory.pairs(of: i, with: max(i + 1, column * Self.edge)..<max(i + 1, min((column + 1) * Self.edge, n)))
            }
        }
        self.covariances = covariances
        self.distances = distances
        variances = (0..<n).map(memory.variance)
    }

    /// What C works on; every pair is written by one thread.
    private struct Memory: @unchecked Sendable {
        private let n: Int
        private let values: UnsafeMutablePointer<Double>
        private let squares: UnsafeMutablePointer<Double>
        private let bits: UnsafeMutablePointer<UInt64>
        private let view: ag_moment_series
        private let covariances: UnsafeMutablePointer<Double>
        private let distances: UnsafeMutablePointer<Double>

        init(_ series: [[Double]], minOverlap: Int, _ covariances: CondensedDistances, _ distances: CondensedDistances) {
            n = series.count
            // Series are complete when they have the days that any has: the first day of a panel has no return.
            let days = series[0].indices.filter { day in series.contains { !$0[day].isNaN } }
            let depth = max(16, (days.count + 15) / 16 * 16)
            let words = (depth + 63) / 64
            values = UnsafeMutableRawPointer.allocate(byteCount: n * depth * 8, alignment: 64)
                .bindMemory(to: Double.self, capacity: n * depth)
            squares = .allocate(capacity: n)
            bits = .allocate(capacity: n * words)
            for (place, returns) in series.enumerated() {
                let row = values + place * depth
                for (at, day) in days.enumerated() { row[at] = returns[day] }
                squares[place] = ag_prepare_moments(row, days.count, depth, bits + place * words)
            }
            view = ag_moment_series(
                depth: depth, words: words, min_overlap: max(0, minOverlap), values: values, bits: bits, squares: squares)
            self.covariances = UnsafeMutablePointer(mutating: covariances.values.baseAddress!)
            self.distances = UnsafeMutablePointer(mutating: distances.values.baseAddress!)
        }

        func free() {
            values.deallocate()
            squares.deallocate()
            bits.deallocate()
        }

        func pairs(of i: Int, with others: Range<Int>) {
            guard !others.isEmpty else { return }
            let first = CondensedDistances.index(i, others.lowerBound, of: n)
            withUnsafePointer(to: view) {
                ag_pair_moments($0, i, others.lowerBound, others.upperBound, covariances + first, distances + first)
            }
            for place in first..<(first + others.count) { distances[place] = CorrelationDistance.halved(distances[place]) }
        }

        func variance(of i: Int) -> Double {
            var own = view
            own.min_overlap = 2
            var (variance, r) = (0.0, 0.0)
            ag_pair_moments(&own, i, i, i + 1, &variance, &r)
            return variance.isNaN ? 0 : variance
        }
    }
}
