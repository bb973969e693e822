import CKernels
import ClusterModel
import Kernels
import Testing

/// Conventions whose returns depend on the gaps of both series.
struct PairwiseConventionTests {
    static let conventions = Convention.allCases.filter(\.isPairwise)

    @Test("Series that are never missing on neighbouring days still share returns over common dates", arguments: conventions)
    func alternating(_ convention: Convention) {
        var random = Generator(seed: 31)
        // No series has two days in a row; the first two have every fourth day in common.
        let panel = (0..<4).map { alpha in
            (0..<120).map { day in day % 2 == alpha % 2 || (alpha == 2 && day % 4 == 1) ? 1e4 * random.normal() : .nan }
        }
        let worst = largestError(panel, convention, edge: 3)
        #expect(worst[.float64]! <= 1e-12)
        let matrix = KernelMatrix(panel, edge: 3, convention: convention, precision: .float64, minOverlap: 2)
        #expect(matrix.days[0][2] == 59 && matrix.values[0][1].isNaN)
    }

    @Test("A gap that reaches back beyond the window is spanned by the window's first return", arguments: conventions)
    func gapAcrossWindowStart(_ convention: Convention) {
        var random = Generator(seed: 32)
        var panel = (0..<5).map { _ in (0..<100).map { _ in 1e4 * random.normal() } }
        for day in 40..<60 { panel[1][day] = .nan }
        for day in 49..<52 { panel[2][day] = .nan }
        for day in 0..<50 { panel[3][day] = .nan }
        for day in 10..<20 { panel[4][day] = .nan }
        for firstDay in [1, 15, 20, 21, 49, 50, 51, 52, 60, 61] {
            let worst = largestError(panel, convention, firstDay: firstDay, edge: 3)
            #expect(worst[.float64]! <= 1e-12, "from day \(firstDay)")
        }
    }

    @Test("A day on which the whole region is missing is no reason for other returns", arguments: conventions)
    func holiday(_ convention: Convention) {
        var random = Generator(seed: 33)
        let panel = (0..<6).map { _ in (0..<60).map { day in day == 30 || day == 31 ? .nan : 1e4 * random.normal() } }
        let worst = largestError(panel, convention, edge: 3)
        #expect(worst[.float64]! <= 1e-12)
        let matrix = KernelMatrix(panel, edge: 3, convention: convention, precision: .float64, minOverlap: 2)
        #expect(matrix.days[0][4] == 57)
    }

    @Test("Only pairs with a gap inside their common dates are decided one by one", arguments: conventions)
    func gaplessPairs(_ convention: Convention) {
        var random = Generator(seed: 34)
        // Starts and ends differ; one alpha has a gap before one other begins.
        var panel = [(0, 100), (20, 100), (40, 90), (0, 70)].map { start, end in
            (0..<100).map { day in day < start || day >= end ? Double.nan : 1e4 * random.normal() }
        }
        panel[0][30] = .nan
        let matrix = KernelMatrix(panel, edge: 4, convention: convention, precision: .float64, minOverlap: 2)
        #expect(matrix.twinPairs == 2, "the first with the second and the fourth")
        #expect(largestError(panel, convention, edge: 4)[.float64]! <= 1e-12)
        for (firstDay, pairs) in [(31, 2), (32, 0)] {
            let matrix = KernelMatrix(
                panel, edge: 4, convention: convention, precision: .float64, firstDay: firstDay, minOverlap: 2)
            #expect(matrix.twinPairs == pairs, "from day \(firstDay)")
        }
    }

    @Test("The flops of a task are those of its products and of the pairs decided one by one", arguments: Convention.allCases)
    func flops(_ convention: Convention) throws {
        var random = Generator(seed: 35)
        // Two blocks of three; only the first alpha lacks days, 8 of its 100.
        var panel = (0..<6).map { _ in (0..<100).map { _ in 1e4 * random.normal() } }
        for day in 40..<48 { panel[0][day] = .nan }
        let blocks = preparedBlocks(panel, edge: 3, convention: convention, precision: .float64)
        let task = correlationTask(blocks, of: [0, 1], tiles: [(0, 0), (0, 1), (1, 1)], ranks: Array(0..<6))
        let (partial, flops) = try CorrelationKernel(blockEdge: 3).run(task, blocks: blocks)
        // Days are padded to 16.
        let products = 3 * 2 * 3 * 3 * 112.0
        let pairs = convention.isPairwise ? 5 * 91 * Double(convention.pairFlopsPerDay) : 0
        #expect(partial.twinPairs == (convention.isPairwise ? 5 : 0) && flops == products + pairs)
    }

    @Test("Common days are gathered as the slow twin gathers them, wherever runs begin and end")
    func gathering() {
        var random = Generator(seed: 36)
        let (days, words) = (259, 5)
        let values = (0..<2).map { side in (0..<days).map { Double($0 + 1_000 * side) } }
        for share in [0.0, 0.02, 0.3, 0.97, 1] {
            // The second and third word of one side are full and empty; the last has 3 days.
            let bits = (0..<2).map { side in
                var bits = [UInt64](repeating: 0, count: words)
                for day in 0..<days where (64..<128).contains(day) || random.uniform() >= share {
                    if side == 0 || !(128..<192).contains(day) { bits[day / 64] |= 1 << UInt64(day % 64) }
                }
                return bits
            }
            func gathered(
                _ gather: (
                    UnsafePointer<Double>, UnsafePointer<Double>, UnsafePointer<UInt64>, UnsafePointer<UInt64>, Int,
                    UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>
                ) -> Int
            ) -> [[Double]] {
                var (x, y) = ([Double](repeating: 0, count: days + 8), [Double](repeating: 0, count: days + 8))
                let count = gather(values[0], values[1], bits[0], bits[1], words, &x, &y)
                return [Array(x[..<count]), Array(y[..<count])]
            }
            let common = (0..<days).filter { (bits[0][$0 / 64] & bits[1][$0 / 64]) >> UInt64($0 % 64) & 1 == 1 }
            let expected = values.map { side in common.map { side[$0] } }
            #expect(gathered { ag_gather($0, $1, $2, $3, $4, $5, $6) } == expected, "a share of \(share)")
            #expect(gathered { ag_gather_plain($0, $1, $2, $3, $4, $5, $6) } == expected, "a share of \(share)")
        }
    }
}
