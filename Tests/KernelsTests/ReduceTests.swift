import CKernels
import ClusterModel
import Testing

@testable import Kernels

/// The fast epilogue and selection against their slow twins and against sorting.
struct ReduceTests {
    private func block(_ count: Int, index: UInt32, _ random: inout Generator) -> CorrelationTask.Block {
        let low = (0..<count).map { _ in random.uniform() - 0.6 }
        return CorrelationTask.Block(
            index: index, name: BlockName(BlockHash(words: (0, 0, 0, 0)), dayCount: 1), alphaCount: count,
            ranks: (0..<UInt32(count)).map { $0 * 2 + index }.shuffled(using: &random), bracketLow: low,
            bracketHigh: low.map { $0 + random.uniform() * 0.4 - 0.05 }, mostFrom: low.map { $0 + 0.2 },
            leastTo: low.map { $0 + 0.1 })
    }

    @Test(
        "Vectors and plain loops give the same bits, with ties, undefined pairs, any number of partners and of neighbours",
        .enabled(if: ag_has_vector_reduce() != 0), arguments: [1, 7, 16, 31, 64, 200], [1, 3, 10, 16, 20])
    func twins(partners: Int, kept: Int) {
        for (precision, medianOnly, isOpen) in [
            (Precision.float64, false, false), (.float64, true, false), (.float64, false, true), (.float32, false, false),
            (.float32, true, false), (.float32, false, true),
        ] {
            let (found, plain) = reduceLines(partners, kept, precision, medianOnly: medianOnly, isOpen: isOpen)
            #expect(found == plain)
            #expect(plain.count.contains { $0 > 0 } != medianOnly)
            #expect(partners < 7 || plain.insideCount.contains { $0 > 0 })
            #expect(medianOnly || partners < 7 || plain.mostCount.contains { $0 > 0 } && plain.leastCount.contains { $0 > 0 })
        }
    }

    /// The same lines, two for each of 12 alphas, taken in by the fast and by the plain version.
    private func reduceLines(
        _ partners: Int, _ kept: Int, _ precision: Precision, medianOnly: Bool, isOpen: Bool
    ) -> (fast: CorrelationPartial.Block, plain: CorrelationPartial.Block) {
        var random = Generator(seed: UInt64(partners * 100 + kept))
        let (alphas, step) = (12, (partners + 15) / 16 * 16)
        var alphaBlock = block(alphas, index: 0, &random)
        if isOpen {
            alphaBlock.mostFrom = alphaBlock.mostFrom.map { _ in -.infinity }
            alphaBlock.leastTo = alphaBlock.leastTo.map { _ in .infinity }
        }
        let ranks = (0..<UInt32(partners)).shuffled(using: &random)
        let days = (0..<(2 * partners)).map { _ in UInt32(random.next() % 1000) }
        var lines = [[Double]](repeating: [Double](repeating: .nan, count: step), count: 2 * alphas)
        for i in lines.indices {
            for j in 0..<partners where random.uniform() > 0.1 {
                // Few levels, so that equal values are common, and values with all their bits.
                let r = i % 2 == 0 ? (random.uniform() * 20).rounded() / 10 - 1 : random.uniform() * 2 - 1
                lines[i][j] = precision == .float32 ? Double(Float(r)) : r
            }
        }
        let logs = [BracketLog(), BracketLog()]
        let summaries = logs.map { BlockSummary(alphaBlock, neighbours: kept, precision: precision, log: $0) }
        for (isFast, summary) in zip([true, false], summaries) {
            var view = summary.view
            ag_log_reserve(view.log, view.is_float, lines.count, lines.count * partners)
            for (i, values) in lines.enumerated() {
                let narrow = values.map { Float($0) }
                days.withUnsafeBufferPointer { days in
                    ranks.withUnsafeBufferPointer { ranks in
                        values.withUnsafeBytes { wide in
                            narrow.withUnsafeBytes { narrow in
                                var line = ag_line()
                                line.r = precision == .float32 ? narrow.baseAddress : wide.baseAddress
                                line.count = partners
                                line.ranks = ranks.baseAddress
                                if i % 3 > 0 { line.days = days.baseAddress }
                                line.days_step = i % 3
                                line.common = 777
                                if isFast {
                                    ag_reduce_line(&line, &view, i % alphas, medianOnly ? 1 : 0)
                                } else {
                                    ag_reduce_line_plain(&line, &view, i % alphas, medianOnly ? 1 : 0)
                                }
                            }
                        }
                    }
                }
            }
        }
        return (summaries[0].partial(), summaries[1].partial())
    }

    @Test("Edges are the pairs that reach the threshold, signed or by magnitude, each once", arguments: [false, true])
    func edges(absolute: Bool) throws {
        let panel = syntheticPanel(alphas: 40, days: 120, seed: 61)
        let ranks = (0..<UInt32(40)).reversed().map { $0 }
        let matrix = KernelMatrix(panel, edge: 16, convention: .ffillShift, precision: .float64, minOverlap: 20)
        let blocks = preparedBlocks(panel, edge: 16, convention: .ffillShift, precision: .float64)
        var task = correlationTask(
            blocks, of: [0, 1, 2], tiles: [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)], ranks: ranks, minOverlap: 20)
        task.edges = EdgeRule(from: 0.3, absolute: absolute)
        let found = try CorrelationKernel(blockEdge: 16).run(task, blocks: blocks).partial
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
