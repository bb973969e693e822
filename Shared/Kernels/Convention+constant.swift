import CKernels
import ClusterModel
import Panel

extension Convention {
    /// Returns of a series that differ by no more than this are constant.
    func tolerance(of series: UnsafeBufferPointer<Double>) -> Double {
        tolerance(largest: ag_largest_magnitude(series.baseAddress, series.count))
    }
}
