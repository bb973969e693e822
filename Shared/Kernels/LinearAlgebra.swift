import COpenBLAS

/// Products of whole float64 matrices, row-major, one thread per call.
///
/// The bits depend on the shapes and on the core type (see `BLAS.profile`), not on where the memory lies.
package enum LinearAlgebra {
    /// c = scale * op(a) * op(b) + keep * c, where op transposes the side that says so.
    ///
    /// - Parameters:
    ///   - a: `rows` x `depth`, or `depth` x `rows` if transposed; its memory rows are `aStep` elements apart.
    ///   - b: `depth` x `columns`, or `columns` x `depth` if transposed; rows `bStep` apart.
    ///   - c: `rows` x `columns`, rows `cStep` apart; not read when `keep` is 0.
    package static func multiply(
        _ a: UnsafePointer<Double>, step aStep: Int, by b: UnsafePointer<Double>, step bStep: Int,
        into c: UnsafeMutablePointer<Double>, step cStep: Int, rows: Int, columns: Int, depth: Int,
        leftTransposed: Bool = false, rightTransposed: Bool = false, scale: Double = 1, keep: Double = 0
    ) {
        guard rows > 0, columns > 0 else { return }
        BLAS.configure()
        cblas_dgemm(
            CblasRowMajor, leftTransposed ? CblasTrans : CblasNoTrans, rightTransposed ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns), blasint(depth), scale, a, blasint(max(1, aStep)), b, blasint(max(1, bStep)), keep,
            c, blasint(max(1, cStep)))
    }

    /// y = scale * op(a) * x + keep * y; a is `rows` x `columns` in memory, its rows next to each other.
    package static func multiply(
        _ a: UnsafePointer<Double>, rows: Int, columns: Int, transposed: Bool = false, vector x: UnsafePointer<Double>,
        into y: UnsafeMutablePointer<Double>, scale: Double = 1, keep: Double = 0
    ) {
        guard rows > 0, columns > 0 else { return }
        BLAS.configure()
        cblas_dgemv(
            CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns), scale, a, blasint(columns),
            x, 1, keep, y, 1)
    }
}
