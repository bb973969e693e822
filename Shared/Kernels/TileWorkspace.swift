import CKernels
import ClusterModel

/// The memory one tile is computed in, kept from tile to tile.
struct TileWorkspace {
    let edge: Int
    /// Panel days the pair buffers have room for.
    let dayCount: Int
    /// Common returns of each pair; see ckernels.h.
    let days: AlignedBuffer<UInt32>
    let wide: TileProducts<Double>
    let narrow: TileProducts<Float>
    private let rows: AlignedBuffer<Double>
    private let pairX: AlignedBuffer<Double>
    private let pairY: AlignedBuffer<Double>

    init(edge: Int, days dayCount: Int) {
        self.edge = edge
        self.dayCount = dayCount
        days = AlignedBuffer(count: edge * edge)
        wide = TileProducts(edge: edge)
        narrow = TileProducts(edge: edge)
        rows = AlignedBuffer(count: 8 * edge)
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
        tile.pair_x = pairX.pointer
        tile.pair_y = pairY.pointer
        return tile
    }
}

/// Room for up to five products of `edge` x `edge`, made when first needed: most tiles of complete data need one.
final class TileProducts<Element: GemmElement> {
    private let edge: Int
    private var buffers: [AlignedBuffer<Element>] = []

    init(edge: Int) {
        self.edge = edge
    }

    /// The product of two standardised blocks. Returns how many products were computed, here and below.
    func multiplyStandard(
        _ a: AlignedBuffer<Element>, _ b: AlignedBuffer<Element>, depth: Int, into products: inout ag_products
    ) -> Int {
        products.standard = 1
        products.xy = product(0, a, b, depth: depth)
        return 1
    }

    /// The products of two blocks; those that a covering block makes unnecessary stay nil.
    ///
    /// Where every series of the column block has a return whenever one of the row block has, the overlap of a pair is
    /// the row series' own days: sums of x over it are known. Likewise for the row block.
    func multiply(
        _ a: OperandSet<Element>, _ b: OperandSet<Element>, rowCovers: Bool, columnCovers: Bool, depth: Int,
        into products: inout ag_products
    ) -> Int {
        products.xy = product(0, a.x, b.x, depth: depth)
        if !columnCovers {
            products.x = product(1, a.x, b.mask, depth: depth)
            products.xx = product(2, a.squared, b.mask, depth: depth)
        }
        if !rowCovers {
            products.y = product(3, a.mask, b.x, depth: depth)
            products.yy = product(4, a.mask, b.squared, depth: depth)
        }
        return 1 + (columnCovers ? 0 : 2) + (rowCovers ? 0 : 2)
    }

    private func product(
        _ index: Int, _ a: AlignedBuffer<Element>, _ b: AlignedBuffer<Element>, depth: Int
    ) -> UnsafeRawPointer {
        while buffers.count <= index { buffers.append(AlignedBuffer(count: edge * edge)) }
        let target = buffers[index].pointer
        Element.multiplyTransposed(a.pointer, b.pointer, into: target, edge: edge, depth: depth)
        return UnsafeRawPointer(target)
    }
}
