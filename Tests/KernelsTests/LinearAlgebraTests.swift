import ClusterModel
import Kernels
import Testing

/// Matrix products and eigenvalues against sums written out.
struct LinearAlgebraTests {
    @Test(
        "A product is what the sums say, with either side transposed, scaled and added to what was there",
        arguments: [(false, false), (true, false), (false, true), (true, true)])
    func product(_ aTransposed: Bool, _ bTransposed: Bool) {
        let (rows, columns, depth) = (5, 7, 9)
        let a = values(rows * depth, seed: 1)
        let b = values(depth * columns, seed: 2)
        let before = values(rows * columns, seed: 3)
        var c = before
        LinearAlgebra.multiply(
            a, step: aTransposed ? rows : depth, by: b, step: bTransposed ? depth : columns, into: &c, step: columns, rows: rows,
            columns: columns, depth: depth, leftTransposed: aTransposed, rightTransposed: bTransposed, scale: 2, keep: 3)
        for i in 0..<rows {
            for j in 0..<columns {
                var sum = 0.0
                for t in 0..<depth {
                    let left = aTransposed ? a[t * rows + i] : a[i * depth + t]
                    sum += left * (bTransposed ? b[j * depth + t] : b[t * columns + j])
                }
                #expect(abs(c[i * columns + j] - (2 * sum + 3 * before[i * columns + j])) < 1e-13)
            }
        }
    }

    @Test("A matrix times a vector is what the sums say, transposed or not", arguments: [false, true])
    func vectorProduct(_ transposed: Bool) {
        let (rows, columns) = (6, 11)
        let a = values(rows * columns, seed: 4)
        let x = values(transposed ? rows : columns, seed: 5)
        var y = [Double](repeating: .nan, count: transposed ? columns : rows)
        LinearAlgebra.multiply(a, rows: rows, columns: columns, transposed: transposed, vector: x, into: &y)
        for i in y.indices {
            let terms = x.indices.map { x[$0] * (transposed ? a[$0 * columns + i] : a[i * columns + $0]) }
            #expect(abs(y[i] - terms.reduce(0, +)) < 1e-13)
        }
    }

    @Test("Where the memory lies does not change a bit of a product")
    func alignment() {
        let (rows, columns) = (37, 101)
        let a = values(rows * columns, seed: 6)
        let x = values(columns, seed: 7)
        var results: Set<[UInt64]> = []
        for offset in 0..<8 {
            let shifted = [Double](repeating: 0, count: offset) + a
            let shiftedX = [Double](repeating: 0, count: 7 - offset) + x
            var y = [Double](repeating: 0, count: rows)
            shifted.withUnsafeBufferPointer { a in
                shiftedX.withUnsafeBufferPointer { x in
                    LinearAlgebra.multiply(
                        a.baseAddress! + offset, rows: rows, columns: columns, vector: x.baseAddress! + 7 - offset, into: &y)
                }
            }
            results.insert(y.map(\.bitPattern))
        }
        #expect(results.count == 1)
    }

    @Test("Eigenvalues come largest first, with unit vectors whose largest entry is positive", arguments: [nil, 1, 3] as [Int?])
    func eigen(_ count: Int?) throws {
        let n = 12
        let half = values(n * n, seed: 8)
        var matrix = [Double](repeating: 0, count: n * n)
        for i in 0..<n { for j in 0..<n { matrix[i * n + j] = half[i * n + j] + half[j * n + i] } }
        // What lies above the diagonal is not read.
        var lower = matrix
        for i in 0..<n { for j in (i + 1)..<max(n, i + 1) { lower[i * n + j] = 99 } }
        let eigen = try SymmetricEigen(lower, order: n, count: count)
        #expect(eigen.values.count == count ?? n)
        #expect(eigen.values == eigen.values.sorted(by: >))
        for v in eigen.values.indices {
            let vector = Array(eigen.vectors[(v * n)..<((v + 1) * n)])
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-13)
            #expect(vector.max { abs($0) < abs($1) }! > 0)
            for i in 0..<n {
                let image = (0..<n).reduce(0.0) { $0 + matrix[i * n + $1] * vector[$1] }
                #expect(abs(image - eigen.values[v] * vector[i]) < 1e-13)
            }
        }
        if count == nil {
            let trace = (0..<n).reduce(0.0) { $0 + matrix[$1 * n + $1] }
            #expect(abs(eigen.values.reduce(0, +) - trace) < 1e-13)
        }
    }

    @Test("A matrix with a value that is not finite, and one beyond the limit, are refused")
    func refused() {
        #expect(throws: GridError.self) { try SymmetricEigen([1, .nan, .nan, 1], order: 2) }
        #expect(throws: GridError.self) { try SymmetricEigen([1, 0, 0, 1], order: 2, count: 3) }
    }

    private func values(_ count: Int, seed: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in 2 * generator.uniform() - 1 }
    }
}
