import ClusterModel
import Kernels
import Panel

/// SplitMix64: the same seed gives the same values everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A few alphas with late starts and gaps, and the tasks that correlate them.
struct SmallPanel {
    static let days = 64
    let panel: Panel
    let series: [[Double]]

    init(alphas: Int = 10, blockEdge: Int = 4, seed: UInt64 = 1) throws {
        var random = SeededGenerator(seed: seed)
        let dates = (0..<Self.days).map { Day(rawValue: Int32(18_000 + $0)) }
        let ids = (0..<alphas).map { "alpha\($0)" }
        let builder = try PanelBuilder(alphaIDs: ids, dates: dates, blockEdge: blockEdge)
        for alpha in 0..<alphas {
            var total = 0.0
            let start = Int.random(in: 0..<8, using: &random)
            for day in start..<Self.days {
                total += Double.random(in: -1...1.1, using: &random)
                let isGap = Double.random(in: 0...1, using: &random) < 0.05
                if !isGap { builder.set(alpha: alpha, day: day, value: total) }
            }
        }
        panel = try builder.finish()
        let panel = panel
        series = (0..<alphas).map { Array(panel.series($0)) }
    }

    /// All tiles of the panel as one task.
    func task(convention: Convention = .ffillShift, precision: Precision = .float64) -> CorrelationTask {
        let blocks = (0..<panel.blockCount).map { index in
            let alphas = panel.alphas(inBlock: index)
            return CorrelationTask.Block(
                index: UInt32(index), name: panel.blockNames[index], alphaCount: alphas.count,
                ranks: Array(panel.ranks[alphas]), bracketLow: Array(repeating: -0.1, count: alphas.count),
                bracketHigh: Array(repeating: 0.1, count: alphas.count))
        }
        var tiles: [CorrelationTask.Tile] = []
        for row in blocks.indices {
            for column in row..<blocks.count { tiles.append(CorrelationTask.Tile(row: UInt16(row), column: UInt16(column))) }
        }
        return CorrelationTask(
            mode: .full, convention: convention, precision: precision, blockEdge: panel.blockEdge, dayCount: Self.days,
            firstDay: 0, minOverlap: 20, blocks: blocks, tiles: tiles)
    }

    /// What the kernel gives when nothing is between it and the panel.
    func expected(_ task: CorrelationTask) throws -> CorrelationPartial {
        let blocks = task.blocks.map { block in
            PreparedBlock(
                cumulative: panel.block(Int(block.index)), alphaCount: block.alphaCount, blockEdge: task.blockEdge,
                dayCount: task.dayCount, convention: task.convention, precision: task.precision, firstDay: task.firstDay)
        }
        return try CorrelationKernel(blockEdge: task.blockEdge).run(task, blocks: blocks).partial
    }

    /// Pearson's r of the returns both have, by the formula; the convention is `ffill-shift`.
    func pearson(_ a: Int, _ b: Int) -> Double {
        func returns(_ values: [Double]) -> [Double] {
            var last = Double.nan
            return values.map { value in
                defer { if !value.isNaN { last = value } }
                return value - last
            }
        }
        let pairs = zip(returns(series[a]), returns(series[b])).filter { !$0.isNaN && !$1.isNaN }
        let n = Double(pairs.count)
        let (x, y) = (pairs.map(\.0).reduce(0, +) / n, pairs.map(\.1).reduce(0, +) / n)
        let xy = pairs.map { ($0 - x) * ($1 - y) }.reduce(0, +)
        let xx = pairs.map { ($0.0 - x) * ($0.0 - x) }.reduce(0, +)
        let yy = pairs.map { ($0.1 - y) * ($0.1 - y) }.reduce(0, +)
        return xy / (xx * yy).squareRoot()
    }
}
