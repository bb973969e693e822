import CKernels
import ClusterModel

/// The memory one tile is computed in, kept from tile to tile.
struct TileWorkspace {
    let edge: Int
    /// Panel days the pair buffers have room for.
    let dayCount: Int
    /// Common returns of each pair; see ckernels.h.
    let days: AlignedBuffer<UInt32>
    let wide: TileProduct<Double>
    let narrow: TileProduct<Float>
    let sums: TileSums
    private let step: Int
    private let rows: AlignedBuffer<Double>
    private let pairX: AlignedBuffer<Double>
    private let pairY: AlignedBuffer<Double>

    init(edge: Int, days dayCount: Int) {
        self.edge = edge
        self.dayCount = dayCount
        days = AlignedBuffer(count: edge * edge)
        wide = TileProduct(edge: edge)
        narrow = TileProduct(edge: edge)
        sums = TileSums(edge: edge)
        step = (edge + 7) / 8 * 8
        rows = AlignedBuffer(count: 8 * step)
        pairX = AlignedBuffer(count: dayCount + 8)
        pairY = AlignedBuffer(count: dayCount + 8)
    }

    func fits(_ block: PreparedBlock) -> Bool {
        dayCount >= block.dayCount && edge == block.blockEdge
    }

    func tile(
        row: UnsafePointer<ag_block>, column: UnsafePointer<ag_block>, diagonal: Bool, rule: ag_rule
    ) -> ag_tile {
        var tile = ag_tile()
        tile.row = row
        tile.column = column
        tile.diagonal = diagonal ? 1 : 0
        tile.rule = rule
        tile.days = days.pointer
        tile.rows = rows.pointer
        tile.step = step
        tile.pair_x = pairX.pointer
        tile.pair_y = pairY.pointer
        return tile
    }
}

/// Room for a tile's matrix product, made when first needed.
final class TileProduct<Element: GemmElement> {
    private let edge: Int
    private lazy var values = AlignedBuffer<Element>(count: edge * edge)

    init(edge: Int) {
        self.edge = edge
    }

    func multiply(_ a: AlignedBuffer<Element>, _ b: AlignedBuffer<Element>, depth: Int) -> UnsafeRawPointer {
        Element.multiplyTransposed(a.pointer, b.pointer, into: values.pointer, edge: edge, depth: depth)
        return UnsafeRawPointer(values.pointer)
    }
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
