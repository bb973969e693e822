import ClusterModel
import Dispatch
import Kernels
import Panel
import Synchronization

/// The whole matrix of a panel, in the order of the input, computed when it is asked for.
///
/// The tiles are computed once more, since a job keeps none. Rows of one block at a time are in memory: `blockEdge` x n
/// values; and every tile is computed for both its sides, so that rows can be written one after another.
package struct CorrelationMatrix: Sendable {
    let panel: Panel
    let parameters: CorrelationParameters
    let firstDay: Int
    /// Tiles computed at once.
    let slots: Int

    /// Writes an NPY file of n x n values in the precision of the job: NaN where undefined, 1 on the diagonal.
    ///
    /// - Parameter progress: told how many of so many steps are done.
    /// - Throws: `GridError` when the file cannot be written; it does not appear then.
    package func write(to file: consuming AtomicFile, progress: (_ done: Int, _ of: Int) -> Void) throws(GridError) {
        let n = panel.alphaCount
        progress(0, panel.blockCount)
        var file = try NPYWriter(file, rows: n, columns: n, precision: parameters.precision)
        let blocks = prepared()
        let kernels = (0..<max(1, min(slots, panel.blockCount))).map { _ in CorrelationKernel(blockEdge: panel.blockEdge) }
        // Where the alpha at each layout position stands in the input.
        var input = Array(repeating: 0, count: n)
        for (position, layout) in panel.inputOrder.enumerated() { input[layout] = position }
        var rows = Array(repeating: Double.nan, count: panel.blockEdge * n)
        for row in 0..<panel.blockCount {
            try fill(&rows, row: row, blocks, input, kernels)
            for (slot, alpha) in panel.alphas(inBlock: row).enumerated() {
                let failed = rows.withUnsafeBufferPointer { values -> GridError? in
                    do throws(GridError) {
                        let values = UnsafeBufferPointer(rebasing: values[(slot * n)..<((slot + 1) * n)])
                        try file.write(values, row: input[alpha], column: 0)
                        return nil
                    } catch { return error }
                }
                if let failed { throw failed }
            }
            progress(row + 1, panel.blockCount)
        }
        try file.finish()
    }

    private func prepared() -> [PreparedBlock] {
        let blocks = Mutex<[PreparedBlock?]>(Array(repeating: nil, count: panel.blockCount))
        DispatchQueue.concurrentPerform(iterations: panel.blockCount) { index in
            let block = PreparedBlock(
                cumulative: panel.block(index), alphaCount: panel.alphas(inBlock: index).count, blockEdge: panel.blockEdge,
                dayCount: panel.dayCount, convention: parameters.convention, precision: parameters.precision,
                firstDay: firstDay)
            blocks.withLock { $0[index] = block }
        }
        return blocks.withLock { $0.compactMap { $0 } }
    }

    /// All values of one block's alphas, row after row, columns in the order of the input.
    private func fill(
        _ rows: inout [Double], row: Int, _ blocks: [PreparedBlock], _ input: [Int], _ kernels: [CorrelationKernel]
    ) throws(GridError) {
        let (n, edge) = (panel.alphaCount, panel.blockEdge)
        let ownCount = panel.alphas(inBlock: row).count
        let next = Atomic(0)
        let failure = Mutex<GridError?>(nil)
        rows.withUnsafeMutableBufferPointer { buffer in
            // Every column of it belongs to one tile only.
            nonisolated(unsafe) let rows = buffer
            // Each is used by one thread at a time.
            nonisolated(unsafe) let kernels = kernels
            DispatchQueue.concurrentPerform(iterations: kernels.count) { slot in
                let kernel = kernels[slot]
                while case let column = next.wrappingAdd(1, ordering: .relaxed).oldValue, column < blocks.count {
                    // A tile has the bits of the job only with the earlier block as its rows.
                    let isUpper = row <= column
                    let tile: TileCorrelations
                    do throws(GridError) {
                        tile = try kernel.correlations(
                            row: blocks[min(row, column)], column: blocks[max(row, column)], minOverlap: parameters.minOverlap)
                    } catch {
                        failure.withLock { $0 = error }
                        return
                    }
                    for (j, alpha) in panel.alphas(inBlock: column).enumerated() {
                        for i in 0..<ownCount {
                            rows[i * n + input[alpha]] = tile.values[isUpper ? i * edge + j : j * edge + i]
                        }
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
