/// Series on a common scale, for methods that measure distances between whole series: PCA and k-means.
package enum StandardisedRows {
    /// Replaces each row by (x - mean) / sd over its own values, and missing ones (NaN) by 0, which is the mean.
    ///
    /// sd has ddof 1. A row with fewer than two values, or whose values differ by no more than 2^-50 of the largest
    /// magnitude among them, is constant: all of it becomes 0.
    ///
    /// - Parameter rows: `count` x `width`, row-major.
    package static func standardise(_ rows: UnsafeMutablePointer<Double>, count: Int, width: Int) {
        for i in 0..<count { standardise(row: rows + i * width, width: width) }
    }

    private static func standardise(row: UnsafeMutablePointer<Double>, width: Int) {
        var (sum, known) = (0.0, 0)
        var (low, high) = (Double.infinity, -Double.infinity)
        for t in 0..<width where !row[t].isNaN {
            sum += row[t]
            known += 1
            low = min(low, row[t])
            high = max(high, row[t])
        }
        let mean = sum / Double(known)
        // The second sum takes up what the mean lost to rounding.
        var (squares, rest) = (0.0, 0.0)
        for t in 0..<width where !row[t].isNaN {
            squares += (row[t] - mean) * (row[t] - mean)
            rest += row[t] - mean
        }
        let variance = known > 1 ? (squares - rest * rest / Double(known)) / Double(known - 1) : 0
        let isConstant = known < 2 || high - low <= 0x1p-50 * max(abs(low), abs(high)) || !(variance > 0)
        let scale = isConstant ? 0 : 1 / variance.squareRoot()
        for t in 0..<width { row[t] = isConstant || row[t].isNaN ? 0 : (row[t] - mean) * scale }
    }
}
