import CKernels
import ClusterModel

/// The memory one tile is computed in, kept from tile to tile.
struct TileWorkspace {
    let edge: Int
    /// Panel days the pair buffers have room for.
    let dayCount: Int
    /// Common returns of each pair; see ckernels.h.
    let days: AlignedBuffer<UInt32>
    private let wide: TileValues<Double>
    private let narrow: TileValues<Float>
    let sums: TileSums
    /// Values from one row of a tile to the next.
    let step: Int
    private let scratch: AlignedBuffer<Double>
    private let pairX: AlignedBuffer<Double>
    private let pairY: AlignedBuffer<Double>

    init(edge: Int, days dayCount: Int) {
        self.edge = edge
        self.dayCount = dayCount
        days = AlignedBuffer(count: edge * edge)
        step = (edge + 15) / 16 * 16
        wide = TileValues(step: step)
        narrow = TileValues(step: step)
        sums = TileSums(edge: edge)
        scratch = AlignedBuffer(count: 24 * step)
        pairX = AlignedBuffer(count: dayCount + 8)
        pairY = AlignedBuffer(count: dayCount + 8)
    }

    func value(row: Int, column: Int, _ precision: Precision) -> Double {
        let at = row * step + column
        return precision == .float32 ? Double(narrow.pointer[at]) : wide.pointer[at]
    }

    /// The first values of a row as doubles; valid until the next call.
    func line(_ row: Int, count: Int, _ precision: Precision) -> UnsafePointer<Double> {
        guard precision == .float32 else { return UnsafePointer(wide.pointer + row * step) }
        let line = narrow.pointer + row * step
        for j in 0..<count { scratch.pointer[j] = Double(line[j]) }
        return UnsafePointer(scratch.pointer)
    }

    func fits(_ block: PreparedBlock) -> Bool {
        dayCount >= block.dayCount && edge == block.blockEdge
    }

    /// - Parameter common: the common returns of all pairs of series that count, where they are the same.
    func tile(
        row: UnsafePointer<ag_block>, column: UnsafePointer<ag_block>, diagonal: Bool, rule: ag_rule, common: Int?
    ) -> ag_tile {
        var tile = ag_tile()
        tile.row = row
        tile.column = column
        tile.diagonal = diagonal ? 1 : 0
        tile.rule = rule
        tile.is_float = row.pointee.is_float
        tile.days = common == nil ? days.pointer : nil
        tile.common = UInt32(common ?? 0)
        tile.values = tile.is_float != 0 ? UnsafeMutableRawPointer(narrow.pointer) : UnsafeMutableRawPointer(wide.pointer)
        tile.scratch = scratch.pointer
        tile.step = step
        tile.pair_x = pairX.pointer
        tile.pair_y = pairY.pointer
        return tile
    }
}

/// Room for a tile's correlations in one precision, made when first needed.
final class TileValues<Element: BitwiseCopyable> {
    private let step: Int
    private lazy var values = AlignedBuffer<Element>(count: step * step)

    init(step: Int) {
        self.step = step
    }

    var pointer: UnsafeMutablePointer<Element> { values.pointer }
}

/// Room for the sums of both sides over the other's days, made when first needed: complete data needs none.
final class TileSums {
    private let edge: Int
    private lazy var room = AlignedBuffer<Double>(count: ag_sums_room(edge))
    private lazy var rows = AlignedBuffer<Double>(count: 2 * edge * edge)
    private lazy var columns = AlignedBuffer<Double>(count: 2 * edge * edge)

    init(edge: Int) {
        self.edge = edge
    }

    /// Sums that a covering block makes unnecessary stay nil: where every series of the column block has a return
    /// whenever one of the row block has, the overlap of a pair is the row series' own days. Likewise for the row block.
    func fill(_ products: inout ag_products, _ tile: ag_tile, rowCovers: Bool, columnCovers: Bool) {
        let count = edge * edge
        if !columnCovers {
            let (sums, squares) = (rows.pointer, rows.pointer + count)
            ag_sum_over(tile.row, tile.column, 1, CorrelationKernel.sumsError, tile.rule.min_overlap, room.pointer, sums, squares)
            products.x = UnsafePointer(sums)
            products.xx = UnsafePointer(squares)
        }
        if !rowCovers {
            let (sums, squares) = (columns.pointer, columns.pointer + count)
            ag_sum_over(tile.column, tile.row, 0, CorrelationKernel.sumsError, tile.rule.min_overlap, room.pointer, sums, squares)
            products.y = UnsafePointer(sums)
            products.yy = UnsafePointer(squares)
        }
    }
}
