import ClusterModel
import Kernels

/// The principal components of a correlation matrix, repaired first where it is none.
///
/// Correlations of pairs with different days need not fit together: the matrix may have negative eigenvalues, which no
/// covariance has. The repair sets these to 0 and scales the outcome back to a unit diagonal, R_ij / sqrt(R_ii R_jj): the
/// result is positive semi-definite, near but not nearest to what was given, and `residual` says how far off.
package struct CorrelationSpectrum: Sendable {
    /// What the components belong to: n x n, row-major, symmetric, diagonal 1.
    package let matrix: [Double]
    /// The largest |change| of an element by the repair; 0 when there was none.
    package let residual: Double
    /// Negative eigenvalues that were set to 0, and the smallest of them (0 when there was none).
    package let clipped: Int
    package let smallest: Double
    /// Components of the largest eigenvalues; the sum of all eigenvalues is n.
    package let eigen: SymmetricEigen

    /// Eigenvalues above minus this times the largest one and n are 0 but for rounding.
    private static let rounding = 0x1p-50

    /// - Parameters:
    ///   - matrix: n x n correlations, row-major; the lower triangle counts. Undefined pairs must have been left out.
    ///   - components: 1 to n.
    /// - Throws: GridError for a value that is not finite, or more rows than `Limits.eigenOrderMax`.
    package init(_ matrix: [Double], order n: Int, components wanted: Int) throws {
        guard wanted >= 1, wanted <= n else {
            throw GridError(.usage, "a correlation matrix of \(n) alphas has 1 to \(n) components, not \(wanted)")
        }
        var symmetric = matrix
        if matrix.count == n * n {
            for i in 0..<n {
                symmetric[i * n + i] = 1
                for j in 0..<i { symmetric[j * n + i] = matrix[i * n + j] }
            }
        }
        let whole = try SymmetricEigen(symmetric, order: n)
        let negative = whole.values.indices.filter { whole.values[$0] < -Self.rounding * Double(n) * whole.values[0] }
        clipped = negative.count
        smallest = negative.isEmpty ? 0 : whole.values[n - 1]
        guard !negative.isEmpty else {
            self.matrix = symmetric
            residual = 0
            eigen = wanted == n ? whole : try SymmetricEigen(symmetric, order: n, count: wanted)
            return
        }
        let repaired = Self.repair(symmetric, whole, negative)
        residual = zip(symmetric, repaired).reduce(0) { max($0, abs($1.0 - $1.1)) }
        self.matrix = repaired
        eigen = try SymmetricEigen(repaired, order: n, count: wanted)
    }

    /// Takes the negative part off and scales the diagonal back to 1.
    private static func repair(_ matrix: [Double], _ whole: SymmetricEigen, _ negative: [Int]) -> [Double] {
        let n = whole.order
        var (roots, repaired) = ([Double](), matrix)
        roots.reserveCapacity(negative.count * n)
        for v in negative {
            let root = (-whole.values[v]).squareRoot()
            for value in whole.vectors[(v * n)..<((v + 1) * n)] { roots.append(root * value) }
        }
        LinearAlgebra.multiply(
            roots, step: n, by: roots, step: n, into: &repaired, step: n, rows: n, columns: n, depth: negative.count,
            leftTransposed: true, keep: 1)
        // The diagonal can only have grown, so that it is at least 1.
        let scale = (0..<n).map { 1 / repaired[$0 * n + $0].squareRoot() }
        for i in 0..<n {
            for j in 0..<i {
                let value = min(1, max(-1, repaired[i * n + j] * scale[i] * scale[j]))
                repaired[i * n + j] = value
                repaired[j * n + i] = value
            }
            repaired[i * n + i] = 1
        }
        return repaired
    }
}
