import CKernels
import ClusterModel

/// What is remembered of one side of a product to see later whether the product is right.
///
/// Made from the operand when it is prepared, so that bits of it that change in memory later show too. Read-only from then on.
final class OperandSums {
    fileprivate let signs: AlignedBuffer<Double>
    fileprivate let sums: AlignedBuffer<Double>
    fileprivate let squares: AlignedBuffer<Double>
    /// Of the norms of the series: their sum, and the root of the sum of their squares.
    fileprivate let normSum: Double
    fileprivate let frobenius: Double

    /// - Parameter seed: decides the signs; blocks differ in it so that no pattern of errors cancels in every tile.
    init(_ operand: ag_operand, seed: UInt64) {
        signs = AlignedBuffer(count: operand.edge)
        sums = AlignedBuffer(count: operand.depth)
        squares = AlignedBuffer(count: operand.edge)
        ag_check_signs(seed, operand.edge, signs.pointer)
        withUnsafePointer(to: operand) { [signs, sums, squares] in
            ag_check_sums($0, signs.pointer, sums.pointer, squares.pointer)
        }
        let all = UnsafeBufferPointer(start: squares.pointer, count: operand.edge)
        normSum = all.reduce(0) { $0 + $1.squareRoot() }
        frobenius = all.reduce(0, +).squareRoot()
    }

    /// Whether the operand still gives the same sums, to the bit.
    fileprivate func fits(_ operand: ag_operand) -> Bool {
        let again = AlignedBuffer<Double>(count: sums.count + squares.count)
        withUnsafePointer(to: operand) {
            ag_check_sums($0, signs.pointer, again.pointer, again.pointer + sums.count)
        }
        let isSame = { (old: AlignedBuffer<Double>, new: UnsafeMutablePointer<Double>) in
            (0..<old.count).allSatisfy { old.pointer[$0].bitPattern == new[$0].bitPattern }
        }
        return isSame(sums, again.pointer) && isSame(squares, again.pointer + sums.count)
    }

    var byteCount: Int { signs.byteCount + sums.byteCount + squares.byteCount }
}

/// Checks the product of one tile against the sums of its operands.
///
/// The error of one value c_ij is at most e |x_i| |y_j| (see `Panels`), so that of a signed sum over a tile is at most
/// e (sum |x_i|) (sum |y_j|), and as errors do not know the signs, hardly ever more than a few times e |X| |Y| with
/// Frobenius norms. float64 has room for the first bound, float32 only for the second, and a bit that flips may well be
/// smaller. Hence two limits: what is beyond `suspicion` is multiplied once more, since the same operands give the same
/// bits again; what is beyond `certainty` is wrong whatever the second product says.
struct ProductCheck {
    let row: OperandSums
    let column: OperandSums
    /// The operands as they are now.
    let operands: (row: ag_operand, column: ag_operand)
    let isDiagonal: Bool
    let alphas: (rows: Int, columns: Int)

    /// - Parameters:
    ///   - values: the product, rows `step` apart.
    ///   - isFull: whether what lies below the diagonal of a diagonal tile was computed too.
    ///   - multiplyAgain: makes the same product once more, in the same place.
    /// - Returns: what is wrong, as a part of a sentence; nil when the product is right as far as one can tell.
    func fault(
        of values: UnsafeRawPointer, step: Int, isFull: Bool, multiplyAgain: () -> Void
    ) -> String? {
        if isDiagonal, let fault = diagonalFault(of: values, step: step, isFull: isFull) { return fault }
        let expected = expectedSum
        // Operands that cannot be summed up, such as none that have a number at all, tell nothing.
        guard expected.isFinite, suspicion.isFinite else { return nil }
        let found = signedSum(values, step)
        if abs(found - expected) <= suspicion { return nil }
        guard row.fits(operands.row), column.fits(operands.column) else {
            return "the operands of a matrix product have changed in memory"
        }
        multiplyAgain()
        let again = signedSum(values, step)
        if again.bitPattern != found.bitPattern { return "a matrix product computed twice differs by \(abs(again - found))" }
        if abs(found - expected) <= certainty { return nil }
        return "a matrix product is wrong by \(abs(found - expected)), of which rounding explains \(certainty)"
    }

    private func diagonalFault(of values: UnsafeRawPointer, step: Int, isFull: Bool) -> String? {
        guard row.frobenius.isFinite else { return nil }
        let isFloat = operands.row.is_float
        let wrong = ag_wrong_diagonal(values, step, alphas.rows, isFloat, row.squares.pointer, entryError)
        if wrong > 0 { return "\(wrong) values on the diagonal of a matrix product are wrong" }
        guard isFull else { return nil }
        let pairs = ag_asymmetric_pairs(values, step, alphas.rows, isFloat, row.squares.pointer, 2 * entryError)
        return pairs > 0 ? "\(pairs) pairs of a symmetric matrix product differ" : nil
    }

    private func signedSum(_ values: UnsafeRawPointer, _ step: Int) -> Double {
        ag_signed_sum(
            values, step, alphas.rows, alphas.columns, operands.row.is_float, isDiagonal ? 1 : 0, row.signs.pointer,
            column.signs.pointer)
    }

    /// Of a diagonal tile only half is computed by every kind of product: without the diagonal, whose signs cancel.
    private var expectedSum: Double {
        let whole = ag_check_dot(row.sums.pointer, column.sums.pointer, row.sums.count)
        guard isDiagonal else { return whole }
        return (whole - row.frobenius * row.frobenius) / 2
    }

    private var unit: Double { operands.row.is_float != 0 ? 0x1p-24 : 0x1p-53 }
    private var depth: Int { operands.row.depth }

    /// Bound on the error of one value relative to its norms, every rounding at its worst, those of the float64 sums that it
    /// is compared with included.
    private var entryError: Double { Double(Panels.chain(depth: depth) + 16) * unit + Double(2 * depth) * 0x1p-53 }

    private var suspicion: Double {
        let sums = 4 * (Double(depth + 4 * operands.row.edge)).squareRoot() * 0x1p-53
        return (4 * Double(Panels.chain(depth: depth)).squareRoot() * unit + sums) * row.frobenius * column.frobenius
    }

    private var certainty: Double {
        let error = entryError + Double(2 * depth + 4 * operands.row.edge) * 0x1p-53
        let worst = error * row.normSum * column.normSum
        return operands.row.is_float != 0 ? min(worst, 8 * error * row.frobenius * column.frobenius) : worst
    }
}
