import CKernels
import ClusterModel
import Panel

/// The rule that decides whether a candidate may be submitted.
package enum CandidateVerdict {
    /// A candidate that reaches this correlation with an alpha has to be better than it.
    package static let threshold = 0.7
    /// How much better.
    package static let margin = 0.1

    /// Whether a Sharpe ratio is at least 10 % above another one: by a tenth of the other one's magnitude, and by
    /// something at least.
    ///
    /// Above 1.5 that is from 1.65 on, above -1 from -0.9 on (1.1 times -1 would let a worse one pass), and above 0
    /// everything positive. The last digits do not decide, since 1.1 times 1.5 is a little more than 1.65 in binary. A
    /// ratio that is not known is never shown to be above, nor to be surpassed.
    package static func surpasses(_ candidate: Double?, _ alpha: Double?) -> Bool {
        guard let candidate, let alpha else { return false }
        return candidate > alpha && candidate >= alpha + alpha.magnitude * (margin - 1e-12)
    }

    private static let tradingDays = 252.0

    /// Annual Sharpe ratio of a series: sqrt(252) mean / standard deviation (ddof = 1) of its daily changes, over all its
    /// days. A change spans the days between two values, as it does for whoever drops missing days first. The book, a
    /// fixed one of 10,000,000, scales both and cancels.
    ///
    /// - Parameter series: PnL by date, NaN where missing; cumulative, or daily under `daily-pnl`.
    /// - Returns: nil with fewer than two changes, or when they do not vary beyond rounding.
    package static func sharpe(_ series: UnsafeBufferPointer<Double>, _ convention: Convention) -> Double? {
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

    package static func sharpe(_ series: [Double], _ convention: Convention) -> Double? {
        series.withUnsafeBufferPointer { sharpe($0, convention) }
    }
}
