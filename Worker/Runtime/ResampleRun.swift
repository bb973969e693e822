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
            let found = kernel.correlations(row: blocks[row], column: blocks[column], minOverlap: task.tiles.minOverlap)
            flops += 2 * Double(kernel.blockEdge * kernel.blockEdge) * Double(task.tiles.dayCount)
            for (i, a) in task.tiles.blocks[row].ranks.enumerated() {
                for (j, b) in task.tiles.blocks[column].ranks.enumerated() where row != column || j > i {
                    let distance = CorrelationDistance.euclidean(found.values[i * kernel.blockEdge + j])
                    memory[CondensedDistances.index(Int(a), Int(b), of: count)] = distance
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
        let count = own.ranks.first.map { task.days(rank: $0).count } ?? 0
        var drawn = [Double](repeating: .nan, count: edge * count)
        var returns = [Double](repeating: 0, count: width)
        for (alpha, rank) in own.ranks.enumerated() {
            let series = UnsafeBufferPointer(rebasing: cumulative[(alpha * width)..<((alpha + 1) * width)])
            returns.withUnsafeMutableBufferPointer { task.tiles.convention.returns(of: series, into: $0) }
            for (place, day) in task.days(rank: rank).enumerated() { drawn[alpha * count + place] = returns[day] }
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
