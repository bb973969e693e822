import ClusterModel
import Foundation
import Kernels
import Testing

/// A small generator with a seed, so that every failure replays.
struct Generator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func normal() -> Double {
        (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
    }
}

/// Cumulative PnL of alphas that share a factor, start late, end early and have gaps; NaN where missing.
func syntheticPanel(alphas: Int, days: Int, seed: UInt64, gaps: Double = 0.03) -> [[Double]] {
    var random = Generator(seed: seed)
    let factor = (0..<days).map { _ in random.normal() }
    return (0..<alphas).map { alpha in
        let start = alpha % 3 == 0 ? 0 : Int(random.uniform() * Double(days) * 0.6)
        let end = alpha % 5 == 0 ? days - Int(random.uniform() * Double(days) * 0.3) : days
        let (loading, volatility) = (random.normal(), 1000 * exp(random.normal()))
        var total = 0.0
        return (0..<days).map { day in
            total += volatility * (loading * factor[day] + random.normal())
            return day < start || day >= end || random.uniform() < gaps ? .nan : total
        }
    }
}

/// Cuts series into prepared blocks, as a worker does with the blocks it fetched.
func preparedBlocks(
    _ series: [[Double]], edge: Int, convention: Convention, precision: Precision, firstDay: Int = 0
) -> [PreparedBlock] {
    let days = series[0].count
    return stride(from: 0, to: series.count, by: edge).map { start in
        let rows = series[start..<min(start + edge, series.count)]
        var values: [Double] = []
        for row in rows { values += row }
        values += [Double](repeating: .nan, count: (edge - rows.count) * days)
        return values.withUnsafeBufferPointer {
            PreparedBlock(
                cumulative: $0, alphaCount: rows.count, blockEdge: edge, dayCount: days, convention: convention,
                precision: precision, firstDay: firstDay)
        }
    }
}

/// The whole matrix as the kernel computes it, tile by tile.
struct KernelMatrix {
    var values: [[Double]]
    var days: [[Int]]
    var twinPairs: UInt64 = 0

    init(
        _ series: [[Double]], edge: Int, convention: Convention, precision: Precision, firstDay: Int = 0, minOverlap: Int
    ) {
        let blocks = preparedBlocks(series, edge: edge, convention: convention, precision: precision, firstDay: firstDay)
        let kernel = CorrelationKernel(blockEdge: edge)
        values = Array(repeating: Array(repeating: .nan, count: series.count), count: series.count)
        days = Array(repeating: Array(repeating: 0, count: series.count), count: series.count)
        for i in blocks.indices {
            for j in i..<blocks.count {
                // Whatever the data are, the check of the product must not take them for a broken machine.
                guard let tile = try? kernel.correlations(row: blocks[i], column: blocks[j], minOverlap: minOverlap) else {
                    Issue.record("the product of blocks \(i) and \(j) passes for damaged")
                    continue
                }
                twinPairs += tile.twinPairs
                for a in 0..<blocks[i].alphaCount {
                    for b in 0..<blocks[j].alphaCount {
                        let (row, column) = (i * edge + a, j * edge + b)
                        values[row][column] = tile.values[a * edge + b]
                        values[column][row] = tile.values[a * edge + b]
                        days[row][column] = Int(tile.days[a * edge + b])
                        days[column][row] = Int(tile.days[a * edge + b])
                    }
                }
            }
        }
    }
}

/// Largest difference between the kernel and the slow twin over all pairs; infinite when they disagree on which pairs are
/// defined or on the number of common returns of a defined pair.
func largestError(
    _ series: [[Double]], _ convention: Convention, _ precisions: [Precision] = Precision.allCases, firstDay: Int = 0,
    minOverlap: Int = 2, edge: Int = 16
) -> [Precision: Double] {
    let reference = ReferenceCorrelation(convention: convention, firstDay: firstDay, minOverlap: minOverlap)
    let matrices = precisions.map {
        KernelMatrix(
            series, edge: edge, convention: convention, precision: $0, firstDay: firstDay, minOverlap: minOverlap)
    }
    var worst = Dictionary(uniqueKeysWithValues: precisions.map { ($0, 0.0) })
    for i in series.indices {
        for j in series.indices where j > i {
            let (r, days) = reference(series[i], series[j])
            for (precision, matrix) in zip(precisions, matrices) {
                let value = matrix.values[i][j]
                var error = r.map { abs($0 - value) } ?? (value.isNaN ? 0 : .infinity)
                if error.isNaN || (r != nil && days != matrix.days[i][j]) { error = .infinity }
                worst[precision] = max(worst[precision]!, error)
            }
        }
    }
    return worst
}

/// A task over some blocks of a panel, with all brackets open unless given.
func correlationTask(
    _ blocks: [PreparedBlock], of chosen: [Int], tiles: [(Int, Int)], ranks: [UInt32], mode: CorrelationTask.Mode = .full,
    minOverlap: Int = 2, low: [Double]? = nil, high: [Double]? = nil
) -> CorrelationTask {
    let first = blocks[chosen[0]]
    let edge = first.blockEdge
    return CorrelationTask(
        mode: mode, convention: first.convention, precision: first.precision, blockEdge: edge, dayCount: first.dayCount,
        firstDay: first.firstDay, minOverlap: minOverlap,
        blocks: chosen.map { block in
            let alphas = (block * edge)..<(block * edge + blocks[block].alphaCount)
            return CorrelationTask.Block(
                index: UInt32(block), name: BlockName(BlockHash(words: (0, 0, 0, UInt64(block))), dayCount: first.dayCount),
                alphaCount: alphas.count, ranks: Array(ranks[alphas]),
                bracketLow: low.map { Array($0[alphas]) } ?? alphas.map { _ in -Double.infinity },
                bracketHigh: high.map { Array($0[alphas]) } ?? alphas.map { _ in Double.infinity })
        },
        tiles: tiles.map { row, column in
            CorrelationTask.Tile(
                row: UInt16(chosen.firstIndex(of: row)!), column: UInt16(chosen.firstIndex(of: column)!))
        })
}
