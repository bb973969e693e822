import ClusterModel
import Clustering
import Kernels
import Panel

/// One sample of the days of a panel, correlated and clustered on one slot.
struct ResampleRun {
    let task: ResampleTask
    let kernel: CorrelationKernel

    /// - Parameter block: gives the cumulative values of the task's blocks by their index there, checked for their size.
    /// - Returns: what the task asks for (see `ResampleTask.result`), and the floating-point operations of the matrix products.
    func run(block: (Int) throws -> Payload) throws -> (bytes: [UInt8], flops: Double) {
        let blocks = try task.tiles.blocks.indices.map { prepared($0, try block($0)) }
        let count = task.tiles.blocks.reduce(0) { $0 + $1.alphaCount }
        let distances = try CondensedDistances(count: count) { _ in }
        let memory = UnsafeMutablePointer(mutating: distances.values.baseAddress!)
        var flops = 0.0
        for tile in task.tiles.tiles {
            let (row, column) = (Int(tile.row), Int(tile.column))
            let (rowRanks, columnRanks) = (task.tiles.blocks[row].ranks, task.tiles.blocks[column].ranks)
            flops += try kernel.lines(row: blocks[row], column: blocks[column], minOverlap: task.tiles.minOverlap) { i, r in
                for j in (row == column ? i + 1 : 0)..<max(columnRanks.count, i + 1) where j < columnRanks.count {
                    let place = CondensedDistances.index(Int(rowRanks[i]), Int(columnRanks[j]), of: count)
                    memory[place] = CorrelationDistance.euclidean(r[j])
                }
            }
        }
        return (try task.result(distances), flops)
    }

    /// The returns of the days taken, as a block of daily PnL.
    private func prepared(_ index: Int, _ payload: Payload) -> PreparedBlock {
        let (edge, width) = (task.tiles.blockEdge, task.tiles.dayCount)
        let cumulative = payload.bytes.assumingMemoryBound(to: Double.self)
        let own = task.tiles.blocks[index]
        // A bootstrap draws the same days for all alphas.
        let first = task.days(rank: own.ranks.first ?? 0)
        let isShared = if case .bootstrap = task.purpose { true } else { false }
        let count = first.count
        var drawn = [Double](repeating: .nan, count: edge * count)
        var returns = [Double](repeating: 0, count: width)
        for (alpha, rank) in own.ranks.enumerated() {
            let series = UnsafeBufferPointer(rebasing: cumulative[(alpha * width)..<((alpha + 1) * width)])
            returns.withUnsafeMutableBufferPointer {
                task.tiles.convention.movingReturns(of: series, from: task.tiles.firstDay, into: $0)
            }
            let days = isShared ? first : task.days(rank: rank)
            for (place, day) in days.enumerated() { drawn[alpha * count + place] = returns[day] }
        }
        return withExtendedLifetime(payload) {
            drawn.withUnsafeBufferPointer {
                PreparedBlock(
                    cumulative: $0, alphaCount: own.alphaCount, blockEdge: edge, dayCount: count, convention: .dailyPnL,
                    precision: task.tiles.precision, firstDay: 0)
            }
        }
    }
}
