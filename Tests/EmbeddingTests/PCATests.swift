import ClusterModel
import Embedding
import Kernels
import Testing

struct PCATests {
    @Test("Components of the blocks' sums are eigenvectors of the covariance, as written out, and scores are projections")
    func components() throws {
        let (n, t) = (30, 7)
        let rows = randomRows(n, t)
        var merged = GramPartial(width: t)
        for first in stride(from: 0, to: n, by: 8) {
            merged.merge(rows.block(first, min(8, n - first), t) { GramPartial(block: $0, count: min(8, n - first), width: t) })
        }
        #expect(merged.count == n)
        let basis = try PCABasis(merged, components: t)
        let mean = (0..<t).map { s in (0..<n).reduce(0.0) { $0 + rows[$1 * t + s] } / Double(n) }
        var covariance = [Double](repeating: 0, count: t * t)
        for i in 0..<n {
            for a in 0..<t {
                for b in 0..<t {
                    covariance[a * t + b] += (rows[i * t + a] - mean[a]) * (rows[i * t + b] - mean[b]) / Double(n - 1)
                }
            }
        }
        for c in 0..<t {
            let v = Array(basis.components[(c * t)..<((c + 1) * t)])
            #expect(abs(v.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
            #expect(v.max { abs($0) < abs($1) }! > 0)
            for a in 0..<t {
                let image = (0..<t).reduce(0.0) { $0 + covariance[a * t + $1] * v[$1] }
                #expect(abs(image - basis.variances[c] * v[a]) < 1e-11)
            }
        }
        #expect(basis.variances == basis.variances.sorted(by: >))
        #expect(abs(basis.shares.reduce(0, +) - 1) < 1e-12)
        let scores = basis.scores(rows, count: n)
        for c in 0..<t {
            let column = (0..<n).map { scores[$0 * t + c] }
            #expect(abs(column.reduce(0, +)) < 1e-11)
            #expect(abs(column.reduce(0) { $0 + $1 * $1 } / Double(n - 1) - basis.variances[c]) < 1e-11)
            let first = (0..<t).reduce(0.0) { $0 + (rows[$1] - mean[$1]) * basis.components[c * t + $1] }
            #expect(abs(scores[c] - first) < 1e-12)
        }
    }

    @Test("Points on a line have one component, along it")
    func line() throws {
        // (1, 2), (3, 6), (5, 10): direction (1, 2) / sqrt(5), variance 4 + 16.
        let basis = try PCABasis(GramPartial(block: [1, 2, 3, 6, 5, 10], count: 3, width: 2), components: 5)
        #expect(basis.count == 2)
        #expect(abs(basis.variances[0] - 20) < 1e-12)
        #expect(abs(basis.shares[0] - 1) < 1e-12)
        #expect(abs(basis.components[0] - 1 / 5.0.squareRoot()) < 1e-12)
        #expect(abs(basis.components[1] - 2 / 5.0.squareRoot()) < 1e-12)
    }

    @Test("Too few rows and no components are refused")
    func refused() {
        #expect(throws: GridError.self) { try PCABasis(GramPartial(block: [1, 2], count: 1, width: 2), components: 1) }
        #expect(throws: GridError.self) { try PCABasis(GramPartial(block: [1, 2, 3, 4], count: 2, width: 2), components: 0) }
    }

    @Test("Correlations that do not fit together are repaired, and it is said by how much: by hand")
    func repair() throws {
        // Eigenvalues 1.9, 1.9, -0.8, the last along (-1, 1, 1) / sqrt(3): the repair adds 0.8/3 to the diagonal and takes
        // as much off the others, 1.2667 and 0.6333, and scaling makes that 1 and 0.5.
        let spectrum = try CorrelationSpectrum([1, 0.9, 0.9, 0.9, 1, -0.9, 0.9, -0.9, 1], order: 3, components: 3)
        let expected = [1, 0.5, 0.5, 0.5, 1, -0.5, 0.5, -0.5, 1]
        #expect(zip(spectrum.matrix, expected).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(abs(spectrum.residual - 0.4) < 1e-12)
        #expect(spectrum.clipped == 1)
        #expect(abs(spectrum.smallest + 0.8) < 1e-12)
        #expect(zip(spectrum.eigen.values, [1.5, 1.5, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test("Correlations that fit together are left as they are, also when some series are the same")
    func noRepair() throws {
        let matrix = [1, 0.3, 1, 0.3, 1, 0.3, 1, 0.3, 1]
        let spectrum = try CorrelationSpectrum(matrix, order: 3, components: 1)
        #expect(spectrum.matrix == matrix)
        #expect(spectrum.residual == 0)
        #expect(spectrum.clipped == 0)
        #expect(spectrum.eigen.values.count == 1)
        #expect(throws: GridError.self) { try CorrelationSpectrum([1, .nan, .nan, 1], order: 2, components: 1) }
    }

    @Test("Rows are standardised over their own values; missing ones and constant rows are 0")
    func standardised() {
        let steady = (0..<4).map { 0.1 + Double($0) * 1e-17 }
        var rows = [1, .nan, 3, 5] + steady + [.nan, 7, .nan, .nan] + [1e9, 1e9 + 2, .nan, 1e9 + 4]
        StandardisedRows.standardise(&rows, count: 4, width: 4)
        #expect(rows == [-1, 0, 0, 1] + [Double](repeating: 0, count: 8) + [-1, 0, 0, 1])
    }
}

/// Values between -1 and 1, some columns wider than others.
func randomRows(_ count: Int, _ width: Int, seed: UInt64 = 11) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<(count * width)).map { Double($0 % width + 1) * (2 * generator.uniform() - 1) + 0.5 }
}

extension [Double] {
    /// Some rows as a kernel sees them.
    func block<T>(_ first: Int, _ count: Int, _ width: Int, _ body: (UnsafePointer<Double>) -> T) -> T {
        precondition(self.count >= (first + count) * width)
        return withUnsafeBufferPointer { body($0.baseAddress! + first * width) }
    }
}
