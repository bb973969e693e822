import CKernels
import ClusterModel

/// Computes the tiles of correlation tasks. One per slot: it owns the memory a tile needs, and is used by one thread.
///
/// Three ways lead to a pair's r, and which one is taken depends on the two blocks and the pair alone:
/// 1. All series that count have returns on the same days: they are standardised once, r is one product.
/// 2. Otherwise r comes from products of centred series and masks, with a bound on its error.
/// 3. Pairs that 2 cannot bound, that may be exactly 1, or whose returns depend on the gaps of both series are decided
///    one by one by the two-pass kernel.
package final class CorrelationKernel {
    /// Alphas per block this kernel was made for.
    package let blockEdge: Int
    private var workspace: TileWorkspace

    /// - Parameter blockEdge: alphas per block of every task to come, 1 ... `Limits.blockEdgeMax`.
    package init(blockEdge: Int) {
        precondition((1...Limits.blockEdgeMax).contains(blockEdge))
        BLAS.configure()
        self.blockEdge = blockEdge
        workspace = TileWorkspace(edge: blockEdge, days: 0)
    }

    /// Computes all tiles of a task.
    ///
    /// - Parameter blocks: `blocks[i]` holds the operands of `task.blocks[i]`, made with the task's convention,
    ///   precision and first day.
    /// - Returns: the partial with one block per task block, in the task's order; and the floating-point operations of
    ///   the matrix products, padding included.
    package func run(_ task: CorrelationTask, blocks: [PreparedBlock]) -> (partial: CorrelationPartial, flops: Double) {
        precondition(task.blockEdge == blockEdge && task.blocks.count == blocks.count)
        for (block, prepared) in zip(task.blocks, blocks) {
            precondition(prepared.fits(task) && prepared.alphaCount == block.alphaCount, "a block was made for another task")
        }
        let summaries = task.blocks.map { BlockSummary($0, neighbours: task.neighbours) }
        let edges = task.edges.map(EdgeLog.init)
        var twinPairs: UInt64 = 0
        var flops = 0.0
        for tile in task.tiles {
            let (row, column) = (Int(tile.row), Int(tile.column))
            let outcome = compute(
                row: blocks[row], column: blocks[column], diagonal: row == column, minOverlap: task.minOverlap,
                output: .summaries(row: summaries[row], column: summaries[column], medianOnly: task.mode == .medianOnly, edges))
            twinPairs += outcome.twinPairs
            flops += outcome.flops
        }
        let partial = CorrelationPartial(
            blocks: summaries.map { $0.partial(task.precision) }, twinPairs: twinPairs, edges: edges?.edges ?? [],
            edgesDropped: edges?.log.pointee.dropped ?? 0)
        return (partial, flops)
    }

    /// All correlations of one tile.
    ///
    /// - Returns: `values` and `days` are row-major `blockEdge` x `blockEdge`: r, NaN where undefined or padding, and the
    ///   common returns. A block against itself is symmetric, with 1 and 0 days on the diagonal of its alphas.
    package func correlations(row: PreparedBlock, column: PreparedBlock, minOverlap: Int) -> TileCorrelations {
        precondition(row.blockEdge == blockEdge && row.fits(column), "blocks of one tile are made alike")
        var values = [Double](repeating: .nan, count: blockEdge * blockEdge)
        let outcome = values.withUnsafeMutableBufferPointer { buffer in
            compute(
                row: row, column: column, diagonal: row === column, minOverlap: minOverlap,
                output: .values(buffer.baseAddress!))
        }
        var days = Array(UnsafeBufferPointer(start: workspace.days.pointer, count: blockEdge * blockEdge))
        for i in 0..<blockEdge {
            for j in 0..<blockEdge where i >= row.alphaCount || j >= column.alphaCount { days[i * blockEdge + j] = 0 }
        }
        if row === column {
            for i in 0..<row.alphaCount {
                values[i * blockEdge + i] = 1
                days[i * blockEdge + i] = 0
                for j in 0..<i { days[i * blockEdge + j] = days[j * blockEdge + i] }
            }
        }
        return TileCorrelations(values: values, days: days, twinPairs: outcome.twinPairs)
    }

    private enum Output {
        case summaries(row: BlockSummary, column: BlockSummary, medianOnly: Bool, EdgeLog?)
        case values(UnsafeMutablePointer<Double>)
    }

    private func compute(
        row: PreparedBlock, column: PreparedBlock, diagonal: Bool, minOverlap: Int, output: Output
    ) -> (twinPairs: UInt64, flops: Double) {
        if !workspace.fits(row) {
            workspace = TileWorkspace(edge: blockEdge, days: row.dayCount)
        }
        let rule = Self.rule(minOverlap: minOverlap, precision: row.precision, depth: row.depth)
        return withExtendedLifetime((row, column)) {
            var rowView = row.view
            var columnView = column.view
            return withUnsafePointer(to: &rowView) { rowView in
                withUnsafePointer(to: &columnView) { columnView in
                    var tile = workspace.tile(row: rowView, column: columnView, diagonal: diagonal, rule: rule)
                    let (products, flops) = multiply(&tile, row: row, column: column)
                    return (finish(&tile, products, output), flops)
                }
            }
        }
    }

    /// Plans the tile and computes the products it needs.
    private func multiply(
        _ tile: inout ag_tile, row: PreparedBlock, column: PreparedBlock
    ) -> (products: ag_products, flops: Double) {
        let rowCovers = row.covers(column)
        let columnCovers = column.covers(row)
        // Gaps of a pairwise convention leave their trace in the returns of both series, so blocks of one pattern may
        // still be full of pairs that need a look of their own.
        let gapless = tile.row.pointee.has_gaps == 0 && tile.column.pointee.has_gaps == 0
        let standard = rowCovers && columnCovers && gapless
        let pending: Int
        if standard {
            let common = row.unionBits.reduce(0) { $0 + $1.nonzeroBitCount }
            pending = ag_plan_uniform_tile(&tile, UInt32(common))
        } else {
            pending = ag_plan_tile(&tile)
        }
        var products = ag_products()
        products.is_float = row.precision == .float32 ? 1 : 0
        guard pending > 0, row.liveCount > 0, column.liveCount > 0 else { return (products, 0) }
        products.standard = standard ? 1 : 0
        switch (row.operands, column.operands) {
        case (.float64(let a), .float64(let b)):
            products.xy = multiply(a, b, in: workspace.wide, standard, depth: row.depth)
        case (.float32(let a), .float32(let b)):
            products.xy = multiply(a, b, in: workspace.narrow, standard, depth: row.depth)
        default:
            preconditionFailure("blocks of one tile have one precision")
        }
        if !standard { workspace.sums.fill(&products, tile, rowCovers: rowCovers, columnCovers: columnCovers) }
        return (products, 2 * Double(blockEdge * blockEdge) * Double(row.depth))
    }

    private func multiply<Element>(
        _ a: OperandSet<Element>, _ b: OperandSet<Element>, in room: TileProduct<Element>, _ standard: Bool, depth: Int
    ) -> UnsafeRawPointer {
        if standard, let left = a.standard, let right = b.standard {
            return room.multiply(left, right, depth: depth)
        }
        return room.multiply(a.x, b.x, depth: depth)
    }

    private func finish(_ tile: inout ag_tile, _ products: ag_products, _ output: Output) -> UInt64 {
        var products = products
        switch output {
        case .values(let values):
            return ag_finish_tile(&tile, &products, nil, nil, 0, nil, values)
        case .summaries(let row, let column, let medianOnly, let edges):
            var rowView = row.view
            var columnView = column.view
            return withExtendedLifetime(edges) {
                ag_finish_tile(&tile, &products, &rowView, &columnView, medianOnly ? 1 : 0, edges?.log, nil)
            }
        }
    }

    /// Error of the sums of one series, whichever way they are computed: relative to the sum of squares, and to the root
    /// of n times it. Sums over a series' own days have chains of at most 64 + words roundings, 2^-53 each.
    static let sumsError = 1e-13

    /// Turns the tolerated error of r into what the C kernels compare; see `combine` in tile.c for the bound.
    private static func rule(minOverlap: Int, precision: Precision, depth: Int) -> ag_rule {
        let tolerated = precision == .float64 ? 1e-11 : 1e-5
        // float32 operands are rounded before they are multiplied, which the products' own bound does not see.
        let rounding = precision == .float64 ? 0 : 8 * 0x1p-24
        let product = Panels.relativeError(precision, depth: depth)
        var rule = ag_rule()
        rule.min_overlap = UInt32(minOverlap)
        rule.rounds_to_float = precision == .float32 ? 1 : 0
        rule.offset_limit = (tolerated - rounding - product - 1.5 * sumsError) / (0.5 * product + 4.75 * sumsError)
        rule.variance_min = max(ag_sums_floor(depth) / sumsError, precision == .float64 ? 0 : 0x1p-60)
        rule.near_one = 1 - tolerated
        return rule
    }
}

/// Correlations of one tile; see `CorrelationKernel.correlations`.
package struct TileCorrelations: Sendable {
    package var values: [Double]
    package var days: [UInt32]
    /// Pairs above the diagonal that the two-pass kernel decided.
    package var twinPairs: UInt64
}

extension PreparedBlock {
    func fits(_ task: CorrelationTask) -> Bool {
        blockEdge == task.blockEdge && dayCount == task.dayCount && firstDay == task.firstDay
            && convention == task.convention && precision == task.precision
    }

    func fits(_ other: PreparedBlock) -> Bool {
        blockEdge == other.blockEdge && dayCount == other.dayCount && firstDay == other.firstDay
            && convention == other.convention && precision == other.precision
    }
}
