import CKernels
import ClusterModel
import Testing

@testable import Kernels

/// The matrix product from strips against its slow twin and against OpenBLAS.
struct ProductTests {
    /// Strips of some series with values of both signs; padding is zero.
    private func strips<Element: GemmElement>(_: Element.Type, count: Int, depth: Int, _ random: inout Generator) -> [Element] {
        var rows = [Double](repeating: 0, count: (count + 15) / 16 * 16 * depth)
        for k in 0..<(count * depth) { rows[k] = random.normal() }
        var strips = [Element](repeating: Element(0.0), count: rows.count)
        strips.withUnsafeMutableBufferPointer { strips in
            rows.withUnsafeBufferPointer { rows in
                for at in stride(from: 0, to: rows.count, by: 16 * depth) {
                    Element.fill(strip: strips.baseAddress! + at, from: rows.baseAddress! + at, depth: depth)
                }
            }
        }
        return strips
    }

    private func product<Element: GemmElement>(
        _ rows: [Element], _ columns: [Element], _ shape: (Int, Int, Int), panel: Int, diagonal: Bool,
        _ multiply: (UnsafePointer<ag_product>, UnsafeMutableRawPointer) -> Void
    ) -> [Element] {
        let step = 48
        var out = [Element](repeating: Element(7.0), count: step * step)
        rows.withUnsafeBytes { rows in
            columns.withUnsafeBytes { columns in
                var product = ag_product(
                    rows: rows.baseAddress, columns: columns.baseAddress, depth: (shape.2 + 15) / 16 * 16, days: shape.2,
                    panel: panel, row_count: shape.0, column_count: shape.1, step: step, is_float: Element.isFloat ? 1 : 0,
                    diagonal: diagonal ? 1 : 0)
                out.withUnsafeMutableBytes { multiply(&product, $0.baseAddress!) }
            }
        }
        return out
    }

    private func check<Element: GemmElement & BinaryFloatingPoint>(
        _ type: Element.Type, _ shape: (Int, Int, Int), panel: Int, diagonal: Bool
    ) {
        var random = Generator(seed: UInt64(shape.0 * 1_000 + shape.2))
        let depth = (shape.2 + 15) / 16 * 16
        let rows = strips(type, count: shape.0, depth: depth, &random)
        let columns = diagonal ? rows : strips(type, count: shape.1, depth: depth, &random)
        let fast = product(rows, columns, shape, panel: panel, diagonal: diagonal) { ag_multiply($0, $1) }
        let plain = product(rows, columns, shape, panel: panel, diagonal: diagonal) { ag_multiply_plain($0, $1) }
        var different = 0
        var worst = Float80(0)
        for i in 0..<shape.0 {
            for j in (diagonal ? i : 0)..<shape.1 {
                let (found, twin) = (fast[i * 48 + j], plain[i * 48 + j])
                if found != twin { different += 1 }
                var (exact, magnitude) = (Float80(0), Float80(0))
                for t in 0..<shape.2 {
                    let a = Float80(rows[(i / 16 * depth + t) * 16 + i % 16])
                    let term = a * Float80(columns[(j / 16 * depth + t) * 16 + j % 16])
                    exact += term
                    magnitude += abs(term)
                }
                worst = max(worst, abs(Float80(found) - exact) / magnitude)
            }
        }
        #expect(different == 0)
        #expect(worst <= Float80(shape.2) * Float80(Element.ulpOfOne))
    }

    @Test(
        "Vectors give the bits of plain loops, whatever the shape, the days and their panels",
        .enabled(if: ag_has_vector_product() != 0),
        arguments: [(1, 1, 1), (8, 16, 40), (7, 33, 100), (48, 48, 64), (33, 17, 203), (16, 41, 16)], [false, true])
    func twins(shape: (Int, Int, Int), diagonal: Bool) {
        let square = diagonal ? (shape.1, shape.1, shape.2) : shape
        for panel in [1_536, 48] {
            check(Double.self, square, panel: panel, diagonal: diagonal)
            check(Float.self, square, panel: panel, diagonal: diagonal)
        }
    }

    @Test(
        "OpenBLAS and strips agree on every pair, complete or not, also over several panels of days",
        .enabled(if: ag_has_vector_product() != 0), arguments: Precision.allCases, [300, 3_200])
    func openBLAS(precision: Precision, days: Int) throws {
        for gaps in [0.0, 0.02] {
            let panel =
                gaps > 0
                ? syntheticPanel(alphas: 37, days: days, seed: 5, gaps: gaps)
                : completePanel(alphas: 37, days: days, seed: 6)
            let tiles = try [true, false].map { strips in
                let blocks = blocks(panel, edge: 20, precision, strips: strips)
                let kernel = CorrelationKernel(blockEdge: 20)
                return try [(0, 0), (0, 1), (1, 1)].map {
                    try kernel.correlations(row: blocks[$0.0], column: blocks[$0.1], minOverlap: 20)
                }
            }
            var defined = 0
            for (ours, theirs) in zip(tiles[0], tiles[1]) {
                #expect(ours.days == theirs.days)
                for (a, b) in zip(ours.values, theirs.values) {
                    #expect(a.isNaN == b.isNaN)
                    if a.isNaN { continue }
                    defined += 1
                    #expect(abs(a - b) <= (precision == .float64 ? 1e-13 : 4e-6))
                }
            }
            #expect(defined > 600)
        }
    }

    private func completePanel(alphas: Int, days: Int, seed: UInt64) -> [[Double]] {
        var random = Generator(seed: seed)
        return (0..<alphas).map { _ in
            var total = 0.0
            return (0..<days).map { _ in
                total += random.normal()
                return total
            }
        }
    }

    private func blocks(_ series: [[Double]], edge: Int, _ precision: Precision, strips: Bool) -> [PreparedBlock] {
        stride(from: 0, to: series.count, by: edge).map { start in
            let rows = series[start..<min(start + edge, series.count)]
            let values = rows.flatMap(\.self) + [Double](repeating: .nan, count: (edge - rows.count) * series[0].count)
            return values.withUnsafeBufferPointer {
                PreparedBlock(
                    cumulative: $0, alphaCount: rows.count, blockEdge: edge, dayCount: series[0].count,
                    convention: .ffillShift, precision: precision, firstDay: 0, multipliesStrips: strips)
            }
        }
    }
}
