import ClusterModel
import Kernels

/// The leading eigenvectors of D^-1/2 W D^-1/2 of a connected graph: those of its normalised Laplacian with the smallest
/// eigenvalues, in reverse.
///
/// Lanczos iteration with full reorthogonalisation, from a seeded start, orthogonal to the one that is known: D^1/2 1, of
/// eigenvalue 1. The iteration stops when all wanted residuals are below `tolerance`, or at `stepsMax`, or where its basis
/// reaches `Limits.krylovValuesMax`; what it has then is what a layout starts from, so that more would be waste. Of an
/// eigenvalue with several eigenvectors it finds one.
struct Krylov {
    private static let tolerance = 1e-4
    private static let stepsMax = 256
    private static let checkEvery = 32

    private let graph: SparseGraph
    private let scale: [Double]
    private let trivial: [Double]

    init(_ graph: SparseGraph) {
        self.graph = graph
        var degrees = [Double](repeating: 0, count: graph.count)
        for i in 0..<graph.count { for edge in graph.row(i) { degrees[i] += graph.weights[edge] } }
        scale = degrees.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
        let norm = degrees.reduce(0, +).squareRoot()
        trivial = degrees.map { norm > 0 ? $0.squareRoot() / norm : 0 }
    }

    /// - Returns: at most `wanted` unit vectors, the one of the largest eigenvalue first; fewer where the graph has fewer.
    func leadingVectors(_ wanted: Int, seed: UInt64) throws -> [[Double]] {
        let n = graph.count
        let steps = min(Self.stepsMax, n - 1, Limits.krylovValuesMax / max(1, n) - 1)
        guard steps >= 1, wanted >= 1 else { return [] }
        var basis = [Double](repeating: 0, count: (steps + 2) * n)
        basis.replaceSubrange(0..<n, with: trivial)
        var generator = SeededGenerator(seed: seed)
        var next = (0..<n).map { _ in generator.normal() }
        orthogonalise(&next, against: basis, rows: 1)
        guard normalise(&next) > 0 else { return [] }
        basis.replaceSubrange(n..<(2 * n), with: next)
        var (diagonal, beside): ([Double], [Double]) = ([], [])
        for step in 1...steps {
            var image = apply(next)
            var along = 0.0
            for i in 0..<n { along += image[i] * next[i] }
            orthogonalise(&image, against: basis, rows: step + 1)
            let left = normalise(&image)
            diagonal.append(along)
            beside.append(left)
            let ended = left < 1e-12 || step == steps
            if ended || step % Self.checkEvery == 0 {
                let ritz = try Self.ritz(diagonal, beside, wanted: min(wanted, step))
                let settled = ritz.values.indices.allSatisfy { v in
                    abs(left * ritz.vectors[(v + 1) * step - 1]) < Self.tolerance
                }
                if ended || (settled && step >= wanted) { return combine(basis, ritz) }
            }
            next = image
            basis.replaceSubrange(((step + 1) * n)..<((step + 2) * n), with: next)
        }
        return []
    }

    /// D^-1/2 W D^-1/2 x.
    private func apply(_ x: [Double]) -> [Double] {
        let scaled = zip(x, scale).map { $0 * $1 }
        return graph.offsets.withUnsafeBufferPointer { offsets in
            graph.columns.withUnsafeBufferPointer { columns in
                graph.weights.withUnsafeBufferPointer { weights in
                    (0..<graph.count).map { i in
                        var sum = 0.0
                        for edge in offsets[i]..<offsets[i + 1] { sum += weights[edge] * scaled[Int(columns[edge])] }
                        return sum * scale[i]
                    }
                }
            }
        }
    }

    /// Twice, because once leaves rounding of the size of what was taken away.
    private func orthogonalise(_ x: inout [Double], against basis: [Double], rows: Int) {
        var shares = [Double](repeating: 0, count: rows)
        for _ in 0..<2 {
            LinearAlgebra.multiply(basis, rows: rows, columns: x.count, vector: x, into: &shares)
            LinearAlgebra.multiply(
                basis, rows: rows, columns: x.count, transposed: true, vector: shares, into: &x, scale: -1, keep: 1)
        }
    }

    private func normalise(_ x: inout [Double]) -> Double {
        var sum = 0.0
        for value in x { sum += value * value }
        let norm = sum.squareRoot()
        if norm > 0 { for i in x.indices { x[i] /= norm } }
        return norm
    }

    private static func ritz(_ diagonal: [Double], _ beside: [Double], wanted: Int) throws -> SymmetricEigen {
        let m = diagonal.count
        var matrix = [Double](repeating: 0, count: m * m)
        for i in 0..<m {
            matrix[i * m + i] = diagonal[i]
            if i > 0 { matrix[i * m + i - 1] = beside[i - 1] }
        }
        return try SymmetricEigen(matrix, order: m, count: wanted)
    }

    private func combine(_ basis: [Double], _ ritz: SymmetricEigen) -> [[Double]] {
        let n = graph.count
        return basis.withUnsafeBufferPointer { basis in
            ritz.vectors.withUnsafeBufferPointer { vectors in
                (0..<ritz.values.count).map { v in
                    var sum = [Double](repeating: 0, count: n)
                    guard let rows = basis.baseAddress, let shares = vectors.baseAddress else { return sum }
                    LinearAlgebra.multiply(
                        rows + n, rows: ritz.order, columns: n, transposed: true, vector: shares + v * ritz.order, into: &sum)
                    let sign = SymmetricEigen.sign(of: sum[...])
                    return sum.map { sign * $0 }
                }
            }
        }
    }
}
