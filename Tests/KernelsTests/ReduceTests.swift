import CKernels
import ClusterModel
import Testing

@testable import Kernels

/// The fast epilogue and selection against their slow twins and against sorting.
struct ReduceTests {
    private func block(_ count: Int, index: UInt32, _ random: inout Generator) -> CorrelationTask.Block {
        let low = (0..<count).map { _ in random.uniform() - 0.6 }
        return CorrelationTask.Block(
            index: index, hash: BlockHash(words: (0, 0, 0, 0)), alphaCount: count,
            ranks: (0..<UInt32(count)).map { $0 * 2 + index }.shuffled(using: &random), bracketLow: low,
            bracketHigh: low.map { $0 + random.uniform() * 0.4 - 0.05 }, mostFrom: low.map { $0 + 0.2 },
            leastTo: low.map { $0 + 0.1 })
    }

    @Test(
        "Vectors and plain loops give the same bits, with ties, undefined pairs and any number of columns",
        .enabled(if: ag_has_vector_reduce() != 0), arguments: [1, 7, 8, 31, 64], [false, true])
    func twins(columns: Int, medianOnly: Bool) {
        var random = Generator(seed: UInt64(columns))
        let (rows, step) = (12, (columns + 7) / 8 * 8)
        let (rowBlock, columnBlock) = (block(rows, index: 0, &random), block(columns, index: 1, &random))
        var days = [UInt32](repeating: 0, count: rows * columns)
        for k in days.indices { days[k] = UInt32(random.next() % 1000) }
        var r = [Double](repeating: .nan, count: rows * step)
        for i in 0..<rows {
            for j in 0..<columns where random.uniform() > 0.1 {
                // Few levels, so that equal values are common, and values with all their bits.
                r[i * step + j] = i % 2 == 0 ? (random.uniform() * 20).rounded() / 10 - 1 : random.uniform() * 2 - 1
            }
        }
        let partials = [false, true].map { isFast in
            let (row, column) = (BlockSummary(rowBlock, neighbours: 3), BlockSummary(columnBlock, neighbours: 3))
            var (rowView, columnView) = (row.view, column.view)
            withExtendedLifetime((row, column)) {
                for first in stride(from: 0, to: rows, by: Int(AG_ROWS)) {
                    r.withUnsafeBufferPointer { r in
                        days.withUnsafeBufferPointer { days in
                            var part = ag_rows(
                                r: r.baseAddress! + first * step, days: days.baseAddress! + first * columns, step: step,
                                days_step: columns, first: first, count: Int(AG_ROWS), columns: columns)
                            // Makes room in the logs, which the plain loops leave to their caller.
                            if isFast {
                                ag_reduce(&part, &rowView, &columnView, medianOnly ? 1 : 0, nil)
                            } else {
                                part.count = 1
                                for k in 0..<Int(AG_ROWS) {
                                    // One row at a time is what the fast version leaves to the plain one.
                                    part.r = r.baseAddress! + (first + k) * step
                                    part.days = days.baseAddress! + (first + k) * columns
                                    part.first = first + k
                                    ag_reduce(&part, &rowView, &columnView, medianOnly ? 1 : 0, nil)
                                }
                            }
                        }
                    }
                }
            }
            return [row.partial(.float64), column.partial(.float64)]
        }
        #expect(partials[0] == partials[1])
        #expect(partials[1][0].count.contains { $0 > 0 } != medianOnly)
        #expect(columns < 8 || partials[1][1].insideCount.contains { $0 > 0 })
    }

    @Test("Edges are the pairs that reach the threshold, signed or by magnitude, each once", arguments: [false, true])
    func edges(absolute: Bool) {
        let panel = syntheticPanel(alphas: 40, days: 120, seed: 61)
        let ranks = (0..<UInt32(40)).reversed().map { $0 }
        let matrix = KernelMatrix(panel, edge: 16, convention: .ffillShift, precision: .float64, minOverlap: 20)
        let blocks = preparedBlocks(panel, edge: 16, convention: .ffillShift, precision: .float64)
        var task = correlationTask(
            blocks, of: [0, 1, 2], tiles: [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)], ranks: ranks, minOverlap: 20)
        task.edges = EdgeRule(from: 0.3, absolute: absolute)
        let found = CorrelationKernel(blockEdge: 16).run(task, blocks: blocks).partial
        var expected: Set<CorrelationPartial.Edge> = []
        for a in 0..<40 {
            for b in (a + 1)..<40 where (absolute ? abs(matrix.values[a][b]) : matrix.values[a][b]) >= 0.3 {
                expected.insert(
                    CorrelationPartial.Edge(
                        r: matrix.values[a][b], rankA: ranks[a], rankB: ranks[b], days: UInt32(matrix.days[a][b])))
            }
        }
        #expect(expected.count > 10 && found.edgesDropped == 0)
        #expect(found.edges.count == expected.count && Set(found.edges) == expected)
    }

    @Test("Selection finds what sorting finds, whatever the order, ties and infinities", arguments: [1, 2, 40, 41, 100, 5000])
    func selection(count: Int) {
        var random = Generator(seed: UInt64(count))
        let kinds: [(inout Generator, Int) -> Double] = [
            { random, _ in random.normal() }, { _, k in Double(k) }, { _, k in Double(-k) }, { _, _ in 0.25 },
            { random, _ in (random.uniform() * 3).rounded() }, { random, k in k % 50 == 0 ? random.normal() * 1e9 : 0 },
            { random, _ in random.uniform() < 0.3 ? .infinity : random.normal() },
        ]
        for kind in kinds {
            let values = (0..<count).map { kind(&random, $0) }
            let narrow = values.map { Float($0) }
            let sorted = values.sorted()
            let sortedNarrow = narrow.sorted()
            var scratch = [Double](repeating: 0, count: count)
            var scratchNarrow = [Float](repeating: 0, count: count)
            for position in Set([0, count / 3, (count - 1) / 2, count / 2, count - 1]) {
                #expect(ag_select_f64(values, count, position, &scratch) == sorted[position])
                #expect(ag_select_f32(narrow, count, position, &scratchNarrow) == sortedNarrow[position])
            }
            let (low, high) = (sorted[count / 4], sorted[count * 3 / 4])
            var kept = values
            var below = 0
            kept.removeLast(count - ag_select_f64_keep(&kept, count, low, high, &below))
            #expect(kept == values.filter { $0 >= low && $0 <= high })
            #expect(below == values.count { $0 < low })
        }
    }
}
