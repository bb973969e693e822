import CKernels
import ClusterModel
import Panel

extension Convention {
    /// Returns of a series that differ by no more than this are constant.
    func tolerance(of series: UnsafeBufferPointer<Double>) -> Double {
        tolerance(largest: ag_largest_magnitude(series.baseAddress, series.count))
    }

    /// As `returns(of:into:)`, but without any where those from a day on are constant: whoever brings series to one scale would
    /// make a series of what rounding has left of them.
    package func movingReturns(
        of cumulative: UnsafeBufferPointer<Double>, from firstDay: Int, into returns: UnsafeMutableBufferPointer<Double>
    ) {
        self.returns(of: cumulative, into: returns)
        let tolerance = tolerance(of: cumulative)
        var (low, high) = (Double.infinity, -Double.infinity)
        var day = firstDay
        // Nearly always the first few tell.
        while day < returns.count, !(high - low > tolerance) {
            if returns[day] < low { low = returns[day] }
            if returns[day] > high { high = returns[day] }
            day += 1
        }
        if !(high - low > tolerance) { returns.update(repeating: .nan) }
    }
}
