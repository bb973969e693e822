import CKernels
import ClusterModel

// The matrix product of a tile, in the layout and precision of its operands, and the check of it.

extension CorrelationKernel {
    /// Leaves the product of two blocks in the tile.
    ///
    /// - Returns: what is wrong with it; nil when it is right.
    func multiply(
        _ tile: inout ag_tile, row: PreparedBlock, column: PreparedBlock, _ centred: (CentredSeries?, CentredSeries?)
    ) -> String? {
        let operands = (centred.0?.x ?? row.standard, centred.1?.x ?? column.standard)
        switch operands {
        case (.float64(let a), .float64(let b)):
            return multiplyChecked(a, b, &tile, row.series)
        case (.float32(let a), .float32(let b)):
            return multiplyChecked(a, b, &tile, row.series)
        default:
            preconditionFailure("blocks of one tile have one precision")
        }
    }

    private func multiplyChecked<Element>(
        _ a: Operand<Element>, _ b: Operand<Element>, _ tile: inout ag_tile, _ series: SurveyedSeries
    ) -> String? {
        multiply(a, b, tile, series)
        let check = ProductCheck(
            row: a.sums, column: b.sums, operands: (a.view, b.view), isDiagonal: tile.diagonal != 0,
            alphas: (tile.row.pointee.alphas, tile.column.pointee.alphas))
        let isFull = a.rows != nil && b.rows != nil
        return check.fault(of: tile.values, step: workspace.step, isFull: isFull) { [tile] in multiply(a, b, tile, series) }
    }

    private func multiply<Element>(
        _ a: Operand<Element>, _ b: Operand<Element>, _ tile: ag_tile, _ series: SurveyedSeries
    ) {
        defer { disturbProduct?(tile.values) }
        if let left = a.rows, let right = b.rows {
            Element.multiplyTransposed(
                left.pointer, right.pointer, into: tile.values.assumingMemoryBound(to: Element.self), edge: blockEdge,
                step: workspace.step, depth: series.depth)
            return
        }
        guard let left = a.strips, let right = b.strips else { preconditionFailure("an operand without any layout") }
        var product = ag_product()
        product.rows = UnsafeRawPointer(left.pointer)
        product.columns = UnsafeRawPointer(right.pointer)
        product.depth = series.depth
        product.days = series.keptDays
        product.panel = Panels.depth(of: series.depth)
        product.row_count = tile.row.pointee.alphas
        product.column_count = tile.column.pointee.alphas
        product.step = workspace.step
        product.is_float = tile.is_float
        product.diagonal = tile.diagonal
        ag_multiply(&product, tile.values)
    }
}
