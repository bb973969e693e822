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
    private(set) var workspace: TileWorkspace
    /// Kept from task to task, since fresh memory is slow memory.
    private var logs: [BracketLog] = []
    /// Tests do here to a product what a broken machine would.
    var disturbProduct: ((UnsafeMutableRawPointer) -> Void)?

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
    ///   the matrix products, padding included, and of the pairs that the two-pass kernel decided.
    /// - Throws: `.damaged` when a product is wrong.
    package func run(
        _ task: CorrelationTask, blocks: [PreparedBlock]
    ) throws(GridError) -> (partial: CorrelationPartial, flops: Double) {
        precondition(task.blockEdge == blockEdge && task.blocks.count == blocks.count)
        for (block, prepared) in zip(task.blocks, blocks) {
            precondition(prepared.fits(task) && prepared.alphaCount == block.alphaCount, "a block was made for another task")
        }
        while logs.count < blocks.count { logs.append(BracketLog()) }
        defer { for log in logs { log.reset() } }
        let summaries = zip(task.blocks, logs).map {
            BlockSummary($0, neighbours: task.neighbours, precision: task.precision, log: $1)
        }
        let edges = task.edges.map(EdgeLog.init)
        var twinPairs: UInt64 = 0
        var flops = 0.0
        for tile in task.tiles {
            let (row, column) = (Int(tile.row), Int(tile.column))
            let outcome = try compute(
                row: blocks[row], column: blocks[column], diagonal: row == column, minOverlap: task.minOverlap,
                output: Output(
                    row: summaries[row], column: summaries[column], medianOnly: task.mode == .medianOnly, edges: edges))
            twinPairs += outcome.twinPairs
            flops += outcome.flops
        }
        let partial = CorrelationPartial(
            blocks: summaries.map { $0.partial() }, twinPairs: twinPairs, edges: edges?.edges ?? [],
            edgesDropped: edges?.log.pointee.dropped ?? 0)
        return (partial, flops)
    }

    /// All correlations of one tile.
    ///
    /// - Returns: `values` and `days` are row-major `blockEdge` x `blockEdge`: r, NaN where undefined or padding, and the
    ///   common returns. A block against itself is symmetric, with 1 and 0 days on the diagonal of its alphas.
    /// - Throws: `.damaged` when the product is wrong.
    package func correlations(
        row: PreparedBlock, column: PreparedBlock, minOverlap: Int
    ) throws(GridError) -> TileCorrelations {
        precondition(row.blockEdge == blockEdge && row.fits(column), "blocks of one tile are made alike")
        let outcome = try compute(row: row, column: column, diagonal: row === column, minOverlap: minOverlap, output: nil)
        var values = [Double](repeating: .nan, count: blockEdge * blockEdge)
        var days = [UInt32](repeating: 0, count: blockEdge * blockEdge)
        for i in 0..<row.alphaCount {
            for j in (row === column ? i + 1 : 0)..<max(i + 1, column.alphaCount) where j < column.alphaCount {
                let at = i * blockEdge + j
                values[at] = workspace.value(row: i, column: j, row.precision)
                days[at] = outcome.common.map { row.counts(i) && column.counts(j) ? UInt32($0) : 0 } ?? workspace.days.pointer[at]
                if row === column { values[j * blockEdge + i] = values[at] }
            }
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

    /// Goes through the correlations of one tile line by line.
    ///
    /// - Parameter body: called with each alpha of the row block and its r with every alpha of the column block; NaN where
    ///   undefined, and on and below the diagonal of a block with itself. The memory is the kernel's.
    /// - Returns: the floating-point operations, as those of `run`.
    /// - Throws: `.damaged` when the product is wrong; `body` is not called then.
    package func lines(
        row: PreparedBlock, column: PreparedBlock, minOverlap: Int, _ body: (Int, UnsafePointer<Double>) -> Void
    ) throws(GridError) -> Double {
        precondition(row.blockEdge == blockEdge && row.fits(column), "blocks of one tile are made alike")
        let outcome = try compute(row: row, column: column, diagonal: row === column, minOverlap: minOverlap, output: nil)
        for i in 0..<row.alphaCount { body(i, workspace.line(i, count: column.alphaCount, row.precision)) }
        return outcome.flops
    }

    /// Where the correlations of a tile go.
    private struct Output {
        var row: BlockSummary
        var column: BlockSummary
        var medianOnly: Bool
        var edges: EdgeLog?
    }

    private struct TileOutcome {
        var twinPairs: UInt64 = 0
        var flops = 0.0
        /// Common returns of every pair of series that count, where they are the same.
        var common: Int?
        /// What is wrong with the product.
        var fault: String?
    }

    /// Leaves the correlations in the workspace, and hands them to `output`.
    private func compute(
        row: PreparedBlock, column: PreparedBlock, diagonal: Bool, minOverlap: Int, output: Output?
    ) throws(GridError) -> TileOutcome {
        if !workspace.fits(row) {
            workspace = TileWorkspace(edge: blockEdge, days: row.dayCount)
        }
        let rule = Self.rule(minOverlap: minOverlap, precision: row.precision, depth: row.depth)
        // Gaps of a pairwise convention leave their trace in the returns of both series, so blocks of one pattern may
        // still be full of pairs that need a look of their own.
        let standard = row.isUniform(with: column) && !row.hasPairGaps && !column.hasPairGaps
        let (rowSeries, columnSeries) = standard ? (nil, nil) : (row.centred, column.centred)
        let outcome = withExtendedLifetime((row, column, rowSeries, columnSeries)) {
            var rowView = row.view(rowSeries)
            var columnView = column.view(columnSeries)
            return withUnsafePointer(to: &rowView) { rowView in
                withUnsafePointer(to: &columnView) { columnView in
                    var tile = workspace.tile(
                        row: rowView, column: columnView, diagonal: diagonal, rule: rule,
                        common: standard ? row.uniformDays : nil)
                    var outcome = TileOutcome(common: standard ? row.uniformDays : nil)
                    var products = ag_products()
                    products.standard = standard ? 1 : 0
                    let pending = standard ? Int(tile.common) >= minOverlap : ag_plan_tile(&tile) > 0
                    if pending, row.liveCount > 0, column.liveCount > 0 {
                        products.is_made = 1
                        outcome.flops = 2 * Double(blockEdge * blockEdge) * Double(row.depth)
                        outcome.fault = multiply(&tile, row: row, column: column, (rowSeries, columnSeries))
                        // Nothing may be taken in of a product that is wrong.
                        if outcome.fault != nil { return outcome }
                        if !standard {
                            workspace.sums.fill(
                                &products, tile, rowCovers: row.covers(column), columnCovers: column.covers(row))
                        }
                    }
                    let decided = finish(&tile, &products, output)
                    outcome.twinPairs = decided.pairs
                    outcome.flops += Double(decided.days) * Double(row.convention.pairFlopsPerDay)
                    return outcome
                }
            }
        }
        if let fault = outcome.fault { throw GridError(.damaged, "\(fault): this machine's memory or CPU is suspect") }
        return outcome
    }

    private func finish(_ tile: inout ag_tile, _ products: inout ag_products, _ output: Output?) -> ag_decided {
        guard let output else { return ag_finish_tile(&tile, &products, nil, nil, 0, nil) }
        var rowView = output.row.view
        var columnView = output.column.view
        return withExtendedLifetime(output) {
            ag_finish_tile(&tile, &products, &rowView, &columnView, output.medianOnly ? 1 : 0, output.edges?.log)
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

extension Convention {
    /// Floating-point operations of the two-pass kernel on each common return of a pair: on either side a scaling, two
    /// means taken off and three sums; three sums of products; and before, under the conventions that are defined per
    /// pair, the returns themselves.
    package var pairFlopsPerDay: Int {
        switch self {
        case .ffillShift, .ffillDiff, .dailyPnL: 2 * 6 + 3 * 2
        case .commonDates: 2 * 6 + 3 * 2 + 2
        case .alphadatabank: 2 * 6 + 3 * 2 + 2 * 3
        }
    }
}

extension PreparedBlock {
    var hasPairGaps: Bool { pairwise?.hasGaps ?? false }

    func counts(_ alpha: Int) -> Bool { series.counts.pointer[alpha] > 0 }

    func fits(_ task: CorrelationTask) -> Bool {
        blockEdge == task.blockEdge && dayCount == task.dayCount && firstDay == task.firstDay
            && convention == task.convention && precision == task.precision
    }

    func fits(_ other: PreparedBlock) -> Bool {
        blockEdge == other.blockEdge && dayCount == other.dayCount && firstDay == other.firstDay
            && convention == other.convention && precision == other.precision
    }
}
