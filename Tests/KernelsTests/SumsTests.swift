import CKernels
import ClusterModel
import Foundation
import Kernels
import Testing

/// Sums over the days of another block, against sums in extended precision, day by day.
struct SumsTests {
    /// What `ag_sum_over` reads of a block, in memory that lives as long as this object.
    private final class Block {
        let x: [[Double]]
        let present: [[Bool]]
        private(set) var view = ag_block()
        private var freed: [UnsafeMutableRawPointer] = []

        init(x: [[Double]], present: [[Bool]], edge: Int, isFloat: Bool) {
            self.x = x
            self.present = present
            let depth = x[0].count
            let words = (depth + 63) / 64
            let padded = (edge + AG_STRIP - 1) / AG_STRIP * AG_STRIP
            let flat = x.flatMap(\.self) + [Double](repeating: 0, count: (padded - x.count) * depth)
            view.edge = edge
            view.alphas = x.count
            view.depth = depth
            view.words = words
            view.is_float = isFloat ? 1 : 0
            if isFloat {
                let strips = make(padded * depth, Float(0))
                let step = Int(AG_STRIP) * depth
                for k in 0..<(padded / Int(AG_STRIP)) { ag_fill_strip_f32(Array(flat[(k * step)...]), depth, strips + k * step) }
                view.strips = UnsafeRawPointer(strips)
            } else {
                let strips = make(padded * depth, 0.0)
                let step = Int(AG_STRIP) * depth
                for k in 0..<(padded / Int(AG_STRIP)) { ag_fill_strip_f64(Array(flat[(k * step)...]), depth, strips + k * step) }
                view.strips = UnsafeRawPointer(strips)
            }
            let (start, end) = (make(edge, UInt32(0)), make(edge, UInt32(0)))
            let (from, lists) = (make(edge + 1, UInt32(0)), make(edge, UInt8(0)))
            let listed = make(edge * depth, UInt16(0))
            for (series, days) in present.enumerated() {
                var bits = [UInt64](repeating: 0, count: words)
                for day in 0..<depth where days[day] { bits[day / 64] |= 1 << UInt64(day % 64) }
                var count = 0
                ag_list_days(
                    bits, words, UInt32(days.count { $0 }), listed + Int(from[series]), &count, start + series, end + series,
                    lists + series)
                from[series + 1] = from[series] + UInt32(count)
            }
            for series in x.count..<max(x.count, edge) { from[series + 1] = from[series] }
            view.run_start = UnsafePointer(start)
            view.run_end = UnsafePointer(end)
            view.by_start = ordered(x.count, by: start)
            view.by_end = ordered(x.count, by: end)
            view.listed_from = UnsafePointer(from)
            view.listed = UnsafePointer(listed)
            view.lists_returns = UnsafePointer(lists)
        }

        private func make<T: BitwiseCopyable>(_ count: Int, _ value: T) -> UnsafeMutablePointer<T> {
            let memory = UnsafeMutablePointer<T>.allocate(capacity: max(1, count))
            memory.initialize(repeating: value, count: max(1, count))
            freed.append(UnsafeMutableRawPointer(memory))
            return memory
        }

        private func ordered(_ count: Int, by key: UnsafeMutablePointer<UInt32>) -> UnsafePointer<UInt32> {
            let order = make(count, UInt32(0))
            for (place, series) in (0..<count).sorted(by: { key[$0] < key[$1] }).enumerated() { order[place] = UInt32(series) }
            return UnsafePointer(order)
        }

        deinit { for memory in freed { memory.deallocate() } }
    }

    /// Sums of both layouts, which have to be the same bits.
    private func sums(of series: Block, over other: Block, minOverlap: Int) -> (sum: [[Double]], squares: [[Double]]) {
        let edge = series.view.edge
        var room = [Double](repeating: .nan, count: ag_sums_room(edge))
        var tables = [[Double]](repeating: [Double](repeating: -1, count: edge * edge), count: 4)
        var (a, b) = (series.view, other.view)
        withExtendedLifetime((series, other)) {
            for transposed in 0..<2 {
                var (sums, squares) = (tables[2 * transposed], tables[2 * transposed + 1])
                ag_sum_over(&a, &b, Int32(transposed), 1e-13, UInt32(minOverlap), &room, &sums, &squares)
                (tables[2 * transposed], tables[2 * transposed + 1]) = (sums, squares)
            }
        }
        func table(_ k: Int) -> [[Double]] {
            series.x.indices.map { i in other.x.indices.map { j in tables[k][j * edge + i] } }
        }
        for i in series.x.indices {
            for j in other.x.indices {
                #expect(tables[0][j * edge + i].bitPattern == tables[2][i * edge + j].bitPattern)
                #expect(tables[1][j * edge + i].bitPattern == tables[3][i * edge + j].bitPattern)
            }
        }
        return (table(0), table(1))
    }

    /// Days of one series: late and early ends, and each day between lacking with some probability.
    private func days(_ depth: Int, lacking: Double, _ random: inout Generator) -> [Bool] {
        let start = Int(random.uniform() * Double(depth) * 0.6)
        let end = depth - Int(random.uniform() * Double(depth) * 0.3)
        return (0..<depth).map { $0 >= start && $0 < end && random.uniform() >= lacking }
    }

    @Test(
        "Sums over runs, runs with gaps and scattered days are as exact as promised, and spikes outside do no harm",
        arguments: [(1, 16), (7, 64), (16, 144), (40, 1264), (19, 4000)], [false, true])
    func exact(shape: (edge: Int, depth: Int), isFloat: Bool) {
        let (edge, depth) = shape
        let minOverlap = depth > 1_000 ? 60 : 2
        var random = Generator(seed: UInt64(edge * depth))
        for lacking in [0, 0.02, 0.3, 0.5, 0.95] {
            for spikes in [0, 1, 3] {
                func block(count: Int) -> Block {
                    let present = (0..<count).map { _ in days(depth, lacking: lacking, &random) }
                    // Largest magnitude in [1/2, 1), as operands are; a spike makes everything else small.
                    let x = present.map { days in
                        var values = days.map { $0 ? random.normal() : 0 }
                        for _ in 0..<spikes {
                            let day = Int(random.uniform() * Double(depth))
                            if days[day] { values[day] = pow(10, 2 + 2 * random.uniform()) * random.normal() }
                        }
                        let largest = values.reduce(1e-300) { max($0, abs($1)) }
                        let scaled = values.map { $0 / largest * 0.99 }
                        return isFloat ? scaled.map { Double(Float($0)) } : scaled
                    }
                    return Block(x: x, present: present, edge: edge, isFloat: isFloat)
                }
                let (series, other) = (block(count: edge), block(count: max(1, edge - 2)))
                let (sum, squares) = sums(of: series, over: other, minOverlap: minOverlap)
                var (given, refused) = (0, 0)
                for i in series.x.indices {
                    for j in other.x.indices {
                        let common = (0..<depth).filter { series.present[i][$0] && other.present[j][$0] }
                        guard common.count >= minOverlap else { continue }
                        let values = common.map { Float80(series.x[i][$0]) }
                        let exact = values.reduce(0, +)
                        let exactSquares = values.reduce(0) { $0 + $1 * $1 }
                        let all = series.x[i].reduce(Float80(0)) { $0 + Float80($1 * $1) }
                        if squares[i][j].isNaN {
                            refused += 1
                            #expect(exactSquares < all / 4, "refused with a quarter of the weight on common days")
                            continue
                        }
                        given += 1
                        let floor = Float80(ag_sums_floor(depth))
                        let scale = (Float80(common.count) * exactSquares).squareRoot()
                        #expect(abs(Float80(sum[i][j]) - exact) <= 1e-13 * scale + floor)
                        #expect(abs(Float80(squares[i][j]) - exactSquares) <= 1e-13 * exactSquares + floor)
                    }
                }
                #expect(given > 0 || depth < 100 || lacking > 0.5)
                if spikes == 0 || lacking == 0 { #expect(refused * 50 <= given, "\(refused) of \(given + refused) refused") }
            }
        }
    }

    @Test("A tick on a day the partner lacks does no harm, and is left to the two-pass kernel only where it must be")
    func tickInTheOthersGap() {
        for (tick, needsTwin) in [(30.0, false), (1e8, true)] {
            var random = Generator(seed: 5)
            var panel = (0..<16).map { _ in (0..<200).map { _ in random.normal() } }
            for alpha in panel.indices {
                for gap in 0..<3 { panel[alpha][10 + 17 * gap + alpha] = .nan }
                // The day that the next alpha lacks.
                panel[alpha][10 + (alpha + 1) % 16] = tick
            }
            let worst = largestError(panel, .dailyPnL, minOverlap: 20, edge: 16)
            #expect(worst[.float64]! <= 1e-11)
            #expect(worst[.float32]! <= 1e-5)
            let matrix = KernelMatrix(panel, edge: 16, convention: .dailyPnL, precision: .float64, minOverlap: 20)
            #expect((matrix.twinPairs > 0) == needsTwin, "a tick of \(tick): \(matrix.twinPairs) pairs")
        }
    }
}
