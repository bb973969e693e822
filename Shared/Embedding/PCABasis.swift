import ClusterModel
import Kernels

/// Principal components of n rows of T values, from their Gram matrix: the eigenvectors of
///
///     C = (X'X - n m m') / (n - 1), m the mean row.
///
/// As `sklearn.decomposition.PCA`, but for signs: the entry of largest magnitude of a component (the first of equals) is
/// positive. Components beyond the rank of C have a variance of about 0 and any direction.
package struct PCABasis: Sendable, Equatable {
    package let width: Int
    /// T: what is taken off a row before it is projected.
    package let mean: [Double]
    /// Component c is at [c * width ..< (c + 1) * width], the one of the largest variance first.
    package let components: [Double]
    /// Variance of the rows along each component (ddof 1), at least 0.
    package let variances: [Double]
    /// The same as shares of the variance of all T values.
    package let shares: [Double]

    package var count: Int { variances.count }

    /// A basis that has travelled: what its properties held.
    package init(width: Int, mean: [Double], components: [Double], variances: [Double], shares: [Double]) {
        precondition(mean.count == width && components.count == width * variances.count && shares.count == variances.count)
        self.width = width
        self.mean = mean
        self.components = components
        self.variances = variances
        self.shares = shares
    }

    /// - Parameter components: how many; as many as there can be if that is less.
    /// - Throws: GridError with fewer than two rows, no component, or more than `Limits.eigenOrderMax` values per row.
    package init(_ partial: GramPartial, components wanted: Int) throws {
        let (n, t) = (partial.count, partial.width)
        guard n >= 2, wanted >= 1, t >= 1 else {
            throw GridError(.usage, "a PCA needs two rows and a component, not \(n) rows and \(wanted) components")
        }
        guard t <= Limits.eigenOrderMax else {
            throw GridError(
                .usage, "a PCA of \(t) days is beyond the limit of \(Limits.eigenOrderMax): choose a shorter window")
        }
        let mean = partial.sums.map { $0 / Double(n) }
        var covariance = partial.gram
        for i in 0..<t {
            for j in 0...i {
                covariance[i * t + j] = (covariance[i * t + j] - Double(n) * mean[i] * mean[j]) / Double(n - 1)
            }
        }
        let trace = (0..<t).reduce(0.0) { $0 + covariance[$1 * t + $1] }
        let eigen = try SymmetricEigen(covariance, order: t, count: min(wanted, t, n))
        width = t
        self.mean = mean
        components = eigen.vectors
        variances = eigen.values.map { max(0, $0) }
        shares = variances.map { trace > 0 ? $0 / trace : 0 }
    }

    /// Where the rows of a block lie along the components.
    ///
    /// - Parameter rows: `count` x `width`, row-major, finite.
    /// - Returns: `count` x `self.count`, row-major.
    package func scores(_ rows: UnsafePointer<Double>, count rowCount: Int) -> [Double] {
        var scores = [Double](repeating: 0, count: rowCount * count)
        LinearAlgebra.multiply(
            rows, step: width, by: components, step: width, into: &scores, step: count, rows: rowCount, columns: count,
            depth: width, rightTransposed: true)
        var offsets = [Double](repeating: 0, count: count)
        LinearAlgebra.multiply(components, rows: count, columns: width, vector: mean, into: &offsets)
        for i in 0..<rowCount { for c in 0..<count { scores[i * count + c] -= offsets[c] } }
        return scores
    }
}
