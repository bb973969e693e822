import CKernels
import ClusterModel
import Panel

/// What is known of an alpha's worth from its PnL alone.
package enum SharpeRatio {
    private static let tradingDays = 252.0

    /// Annual Sharpe ratio of a series: sqrt(252) mean / standard deviation (ddof = 1) of its daily changes, over all its
    /// days. A change spans the days between two values, as it does for whoever drops missing days first. The book, a
    /// fixed one of 10,000,000, scales both and cancels.
    ///
    /// - Parameter series: PnL by date, NaN where missing; cumulative, or daily under `daily-pnl`.
    /// - Returns: nil with fewer than two changes, or when they do not vary beyond rounding.
    package static func annual(_ series: UnsafeBufferPointer<Double>, _ convention: Convention) -> Double? {
        let present = series.filter { !$0.isNaN }
        let changes =
            convention == .dailyPnL ? present : present.indices.dropFirst().map { present[$0] - present[$0 - 1] }
        guard changes.count >= 2, let low = changes.min(), let high = changes.max(),
            high - low > ag_largest_magnitude(present, present.count) * 0x1p-50
        else { return nil }
        // Values up to 1e150 have squares that are too large.
        let scale = max(low.magnitude, high.magnitude)
        let count = Double(changes.count)
        let mean = changes.reduce(0) { $0 + $1 / scale } / count
        let squares = changes.reduce(0) { $0 + ($1 / scale - mean) * ($1 / scale - mean) }
        return tradingDays.squareRoot() * mean / (squares / (count - 1)).squareRoot()
    }

    package static func annual(_ series: [Double], _ convention: Convention) -> Double? {
        series.withUnsafeBufferPointer { annual($0, convention) }
    }
}
