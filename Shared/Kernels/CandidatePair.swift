import CKernels
import ClusterModel
import Panel

/// The returns that two series have in common under a convention, and r over all or some of them: exact, for pairs that
/// are looked at one by one.
package struct CommonReturns: Sendable {
    package let x: [Double]
    package let y: [Double]
    /// Day on which each return ends, by position.
    package let ends: [Int]
    /// Returns that differ by no more than this are constant.
    private let tolerances: (x: Double, y: Double)

    /// - Parameters:
    ///   - a, b: PnL by day over the same days, NaN where missing.
    ///   - firstDay: position of the first day whose return counts.
    package init(
        _ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>, _ convention: Convention, firstDay: Int
    ) {
        precondition(a.count == b.count)
        tolerances = (convention.tolerance(of: a), convention.tolerance(of: b))
        let (days, left, right): ([Int], [Double], [Double])
        if convention.isPairwise {
            // Once only the common days are left, neighbours are what returns are between.
            days = a.indices.filter { !a[$0].isNaN && !b[$0].isNaN }
            (left, right) = (convention.returns(of: days.map { a[$0] }), convention.returns(of: days.map { b[$0] }))
        } else {
            days = Array(a.indices)
            (left, right) = (convention.returns(of: Array(a)), convention.returns(of: Array(b)))
        }
        let kept = days.indices.filter { days[$0] >= firstDay && !left[$0].isNaN && !right[$0].isNaN }
        x = kept.map { left[$0] }
        y = kept.map { right[$0] }
        ends = kept.map { days[$0] }
    }

    package init(_ a: [Double], _ b: [Double], _ convention: Convention, firstDay: Int) {
        self = a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { CommonReturns(a, $0, convention, firstDay: firstDay) }
        }
    }

    package var count: Int { ends.count }

    /// r over some of the returns (default: all), nil where it is undefined.
    package func correlation(_ part: Range<Int>? = nil, minOverlap: Int) -> Double? {
        let part = part ?? 0..<count
        guard part.count >= max(2, minOverlap) else { return nil }
        let room = [Double](repeating: 0, count: 8)
        var (left, right) = (x[part] + room, y[part] + room)
        let r = left.withUnsafeMutableBufferPointer { left in
            right.withUnsafeMutableBufferPointer { right in
                ag_two_pass(left.baseAddress, right.baseAddress, part.count, tolerances.x, tolerances.y)
            }
        }
        return r.isNaN ? nil : r
    }

    /// Why r over some of the returns is undefined, as the rest of a sentence that begins "undefined:"; nil where it is not.
    package func reason(_ part: Range<Int>? = nil, minOverlap: Int, names: (a: String, b: String)) -> String? {
        let part = part ?? 0..<count
        guard part.count > 0 else { return "no common return" }
        guard part.count >= max(2, minOverlap) else { return "fewer than \(minOverlap) common returns" }
        guard correlation(part, minOverlap: minOverlap) == nil else { return nil }
        func isConstant(_ returns: ArraySlice<Double>, _ tolerance: Double) -> Bool {
            !((returns.max() ?? 0) - (returns.min() ?? 0) > tolerance)
        }
        let still =
            (isConstant(x[part], tolerances.x) ? [names.a] : []) + (isConstant(y[part], tolerances.y) ? [names.b] : [])
        return "the returns of \(still.joined(separator: " and of ")) are constant"
    }
}

extension Convention {
    func returns(of values: [Double]) -> [Double] {
        var out = [Double](repeating: .nan, count: values.count)
        values.withUnsafeBufferPointer { values in
            out.withUnsafeMutableBufferPointer { returns(of: values, into: $0) }
        }
        return out
    }
}
