import COpenBLAS
import ClusterModel

/// Eigenvalues, largest first, and unit eigenvectors of a real symmetric matrix (LAPACK's `dsyevr`).
package struct SymmetricEigen: Sendable {
    /// Rows of the matrix.
    package let order: Int
    /// Descending; as many as were asked for.
    package let values: [Double]
    /// Vector v is at [v * order ..< (v + 1) * order]; its entry of largest magnitude (the first of equals) is positive.
    package let vectors: [Double]

    /// The `count` largest eigenvalues with their vectors.
    ///
    /// - Parameters:
    ///   - matrix: `order` x `order`, of which the lower triangle (column index <= row index) is read.
    ///   - count: 1 to `order`; nil for all.
    /// - Throws: GridError when the order is beyond `Limits.eigenOrderMax`, a value is not finite, or LAPACK gives up.
    package init(_ matrix: [Double], order: Int, count: Int? = nil) throws {
        let wanted = count ?? order
        guard order > 0, matrix.count == order * order, wanted > 0, wanted <= order else {
            throw GridError(.failed, "\(wanted) eigenvalues were asked of \(matrix.count) values as a matrix of \(order) rows")
        }
        guard order <= Limits.eigenOrderMax else {
            throw GridError(
                .usage, "an eigenvalue problem of \(order) rows is beyond the limit of \(Limits.eigenOrderMax)")
        }
        guard matrix.allSatisfy(\.isFinite) else {
            throw GridError(.failed, "a matrix of an eigenvalue problem has a value that is not finite")
        }
        self.order = order
        let solution = try Self.solve(matrix, order: order, wanted: wanted)
        values = solution.values.reversed()
        var vectors = [Double](repeating: 0, count: wanted * order)
        for v in 0..<wanted {
            let source = solution.vectors[((wanted - 1 - v) * order)..<((wanted - v) * order)]
            let sign = Self.sign(of: source)
            for (t, value) in source.enumerated() { vectors[v * order + t] = sign * value }
        }
        self.vectors = vectors
    }

    /// -1 when the first entry of the largest magnitude is negative, else 1.
    package static func sign(of vector: ArraySlice<Double>) -> Double {
        var largest = 0.0
        for value in vector where abs(value) > abs(largest) { largest = value }
        return largest < 0 ? -1 : 1
    }

    /// Ascending, as LAPACK has them. Row-major and column-major are the same for a symmetric matrix, but for which
    /// triangle is which: our lower one is Fortran's upper one.
    private static func solve(_ matrix: [Double], order: Int, wanted: Int) throws -> (values: [Double], vectors: [Double]) {
        BLAS.configure()
        var a = matrix
        var n = blasint(order)
        var (low, high) = (blasint(order - wanted + 1), blasint(order))
        var (unused, tolerance) = (0.0, 0.0)
        var (found, info) = (blasint(0), blasint(0))
        var values = [Double](repeating: 0, count: order)
        var vectors = [Double](repeating: 0, count: wanted * order)
        var support = [blasint](repeating: 0, count: 2 * order)
        var (work, workCount) = ([0.0], blasint(-1))
        var (integers, integerCount) = ([blasint(0)], blasint(-1))
        // The first call asks how much room the second one would like.
        for _ in 0..<2 {
            dsyevr_(
                "V", wanted == order ? "A" : "I", "U", &n, &a, &n, &unused, &unused, &low, &high, &tolerance, &found, &values,
                &vectors, &n, &support, &work, &workCount, &integers, &integerCount, &info, 1, 1, 1)
            guard info == 0 else { break }
            if workCount == -1 {
                (workCount, integerCount) = (blasint(work[0]), integers[0])
                work = [Double](repeating: 0, count: Int(workCount))
                integers = [blasint](repeating: 0, count: Int(integerCount))
            }
        }
        guard info == 0, Int(found) == wanted else {
            throw GridError(.failed, "LAPACK found \(found) of \(wanted) eigenvalues of a matrix of \(order) rows (info \(info))")
        }
        return (Array(values.prefix(wanted)), vectors)
    }
}
