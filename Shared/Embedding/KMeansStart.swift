import ClusterModel
import Kernels

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// First centres: rows far from each other, by greedy k-means++ (Arthur and Vassilvitskii 2007).
package enum KMeansStart {
    /// Each next centre is the best, by what it leaves of the inertia, of 2 + log(k) rows drawn with a probability
    /// proportional to their squared distance from the centres so far, as scikit-learn does.
    ///
    /// - Parameters:
    ///   - rows: `count` x `width`, row-major, finite. All of them, or a sample.
    ///   - clusters: 1 to `count`, at most `Limits.centroidsMax`.
    ///   - firstRow: number of the first of `rows` among all rows.
    /// - Returns: the rows that are centres. Where fewer rows differ than there are clusters, some are equal.
    package static func plusPlus(
        _ rows: UnsafePointer<Double>, count: Int, width: Int, clusters: Int, seed: UInt64, firstRow: Int = 0
    ) throws -> Centroids {
        guard clusters >= 1, clusters <= min(count, Limits.centroidsMax) else {
            throw GridError(
                .usage, "k-means of \(count) alphas makes 1 to \(min(count, Limits.centroidsMax)) clusters, not \(clusters)")
        }
        var generator = SeededGenerator(seed: seed)
        let norms = (0..<count).map { i in (0..<width).reduce(0.0) { $0 + rows[i * width + $1] * rows[i * width + $1] } }
        let trials = 2 + Int(log(Double(clusters)))
        var chosen = [generator.below(count)]
        var nearest = distances(rows, norms, width: width, to: chosen)
        while chosen.count < clusters {
            let candidates = (0..<trials).map { _ in draw(nearest, &generator) }
            let away = distances(rows, norms, width: width, to: candidates)
            var best: (potential: Double, trial: Int) = (.infinity, 0)
            for trial in 0..<trials {
                var potential = 0.0
                for i in 0..<count { potential += min(nearest[i], away[trial * count + i]) }
                if potential < best.potential { best = (potential, trial) }
            }
            for i in 0..<count { nearest[i] = min(nearest[i], away[best.trial * count + i]) }
            chosen.append(candidates[best.trial])
        }
        let values = chosen.flatMap { Array(UnsafeBufferPointer(start: rows + $0 * width, count: width)) }
        return Centroids(count: clusters, width: width, values: values, rows: chosen.map { firstRow + $0 })
    }

    /// Squared distances of all rows from some of them: one run of `norms.count` for each.
    private static func distances(
        _ rows: UnsafePointer<Double>, _ norms: [Double], width: Int, to some: [Int]
    ) -> [Double] {
        let count = norms.count
        let picked = some.flatMap { Array(UnsafeBufferPointer(start: rows + $0 * width, count: width)) }
        var products = [Double](repeating: 0, count: some.count * count)
        LinearAlgebra.multiply(
            picked, step: width, by: rows, step: width, into: &products, step: count, rows: some.count, columns: count,
            depth: width, rightTransposed: true)
        for (place, j) in some.enumerated() {
            for i in 0..<count {
                let distance = norms[i] + norms[j] - 2 * products[place * count + i]
                products[place * count + i] = i == j ? 0 : max(0, distance)
            }
        }
        return products
    }

    /// A row with a probability proportional to its weight.
    private static func draw(_ weights: [Double], _ generator: inout SeededGenerator) -> Int {
        let total = weights.reduce(0, +)
        guard total > 0 else { return generator.below(weights.count) }
        var left = generator.uniform() * total
        for (i, weight) in weights.enumerated() where weight > 0 {
            left -= weight
            if left < 0 { return i }
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }
}
