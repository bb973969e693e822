import CKernels
import ClusterModel

/// Computes pair tasks: the tiles of correlation tasks, whose values are looked at one by one. One per slot, used by one
/// thread.
package final class PairKernel {
    private let kernel: CorrelationKernel

    /// - Parameter kernel: computes the tiles; used by nobody else during a call.
    package init(_ kernel: CorrelationKernel) { self.kernel = kernel }

    /// - Parameter blocks: `blocks[i]` holds the operands of `task.tiles.blocks[i]`.
    /// - Returns: the partial, and the floating-point operations, as those of `CorrelationKernel.run`.
    /// - Throws: `.damaged` when a product is wrong.
    package func run(
        _ task: PairTask, blocks: [PreparedBlock]
    ) throws(GridError) -> (partial: PairPartial, flops: Double) {
        var flops = 0.0
        /// Calls `line` with every line of every tile, and `end` behind each tile.
        func eachLine(
            _ line: (CorrelationTask.Tile, _ i: Int, _ r: UnsafePointer<Double>) -> Void,
            end: (CorrelationTask.Tile) -> Void = { _ in }
        ) throws(GridError) {
            for tile in task.tiles.tiles {
                let (row, column) = (blocks[Int(tile.row)], blocks[Int(tile.column)])
                flops += try kernel.lines(row: row, column: column, minOverlap: task.tiles.minOverlap) { line(tile, $0, $1) }
                end(tile)
            }
        }
        switch task.reduction {
        case .values:
            var values = TileLines(task.tiles)
            try eachLine({ values.take($2, $0) }, end: { values.endTile($0) })
            return (.values(values.tiles), flops)
        case .nearestOutside(let reaches, let absolute):
            let search = NearestSearch(task.tiles, reaches, absolute: absolute)
            try eachLine { search.take($2, $1, $0) }
            return (.nearestOutside(search.nearest), flops)
        case .distanceSums(let labels, let clusterCount):
            let sums = DistanceSums(task.tiles, labels, clusterCount)
            try eachLine { sums.take($2, $1, $0) }
            return (.distanceSums(sums.sums), flops)
        }
    }
}

/// The values themselves.
private struct TileLines {
    private let task: CorrelationTask
    private(set) var tiles: [CorrelationValues] = []
    private var wide: [Double] = []
    private var narrow: [Float] = []

    init(_ task: CorrelationTask) { self.task = task }

    mutating func take(_ r: UnsafePointer<Double>, _ tile: CorrelationTask.Tile) {
        let line = UnsafeBufferPointer(start: r, count: task.blocks[Int(tile.column)].alphaCount)
        if task.precision == .float64 { wide += line } else { narrow += line.lazy.map { Float($0) } }
    }

    mutating func endTile(_ tile: CorrelationTask.Tile) {
        tiles.append(task.precision == .float64 ? .float64(wide) : .float32(narrow))
        wide.removeAll(keepingCapacity: true)
        narrow.removeAll(keepingCapacity: true)
    }
}

/// The most alike alpha of another component, of every alpha of a task.
private final class NearestSearch {
    /// One block's part of the search in memory that C works on.
    private final class Side {
        let counts: AlignedBuffer<UInt32>  // components, ranks, partners
        let values: AlignedBuffer<Double>  // cores, likeness
        let count: Int
        let view: ag_reach

        init(_ block: CorrelationTask.Block, _ reach: PairTask.Reach) {
            count = block.alphaCount
            counts = AlignedBuffer(count: 3 * count)
            values = AlignedBuffer(count: 2 * count)
            counts.pointer.update(from: reach.components, count: count)
            (counts.pointer + count).update(from: block.ranks, count: count)
            (counts.pointer + 2 * count).update(repeating: .max, count: count)
            values.pointer.update(from: reach.cores, count: count)
            (values.pointer + count).update(repeating: -.infinity, count: count)
            view = ag_reach(
                components: counts.pointer, ranks: counts.pointer + count, cores: values.pointer,
                likeness: values.pointer + count, partners: counts.pointer + 2 * count)
        }

        var nearest: PairPartial.Nearest {
            var nearest = PairPartial.Nearest(alphaCount: 0)
            nearest.likeness = Array(UnsafeBufferPointer(start: view.likeness, count: count))
            nearest.rank = Array(UnsafeBufferPointer(start: view.partners, count: count))
            return nearest
        }
    }

    private let sides: [Side]
    private let scratch: AlignedBuffer<Double>
    /// |r| of a line, where that is what counts.
    private let magnitudes: AlignedBuffer<Double>?

    init(_ task: CorrelationTask, _ reaches: [PairTask.Reach], absolute: Bool) {
        sides = zip(task.blocks, reaches).map(Side.init)
        scratch = AlignedBuffer(count: task.blockEdge)
        magnitudes = absolute ? AlignedBuffer(count: task.blockEdge) : nil
    }

    func take(_ r: UnsafePointer<Double>, _ i: Int, _ tile: CorrelationTask.Tile) {
        let (row, column) = (sides[Int(tile.row)], sides[Int(tile.column)])
        var (rowView, columnView) = (row.view, column.view)
        if let magnitudes { for j in 0..<column.count { magnitudes.pointer[j] = r[j].magnitude } }
        ag_nearest_outside(
            magnitudes.map { UnsafePointer($0.pointer) } ?? r, column.count, &rowView, i, &columnView, scratch.pointer)
    }

    var nearest: [PairPartial.Nearest] { sides.map(\.nearest) }
}

/// Sums of the distances from every alpha of a task to the members of each cluster.
private final class DistanceSums {
    private let labels: [[Int32]]
    private let clusterCount: Int
    private let sumsOf: [AlignedBuffer<Int64>]
    private let countsOf: [AlignedBuffer<UInt32>]
    private let scratch: AlignedBuffer<Int64>

    init(_ task: CorrelationTask, _ labels: [[Int32]], _ clusterCount: Int) {
        self.labels = labels
        self.clusterCount = clusterCount
        sumsOf = labels.map { AlignedBuffer(count: max(1, $0.count * clusterCount)) }
        countsOf = labels.map { AlignedBuffer(count: max(1, $0.count * clusterCount)) }
        scratch = AlignedBuffer(count: task.blockEdge)
    }

    func take(_ r: UnsafePointer<Double>, _ i: Int, _ tile: CorrelationTask.Tile) {
        let (row, column) = (Int(tile.row), Int(tile.column))
        labels[column].withUnsafeBufferPointer { columnLabels in
            ag_distance_sums(
                r, columnLabels.count, labels[row][i], columnLabels.baseAddress, clusterCount,
                sumsOf[row].pointer + i * clusterCount, countsOf[row].pointer + i * clusterCount, sumsOf[column].pointer,
                countsOf[column].pointer, scratch.pointer)
        }
    }

    var sums: [PairPartial.Sums] {
        labels.indices.map { block in
            let count = labels[block].count * clusterCount
            var sums = PairPartial.Sums(alphaCount: 0, clusterCount: 0)
            sums.sum = Array(UnsafeBufferPointer(start: sumsOf[block].pointer, count: count))
            sums.count = Array(UnsafeBufferPointer(start: countsOf[block].pointer, count: count))
            return sums
        }
    }
}
