import ClusterModel
import Panel

#if arch(x86_64)
package typealias ReferenceFloat = Float80
#else
package typealias ReferenceFloat = Double
#endif

/// The slow, obvious twin of the correlation kernel: pair by pair, two passes, extended precision. Tests only.
///
///     r = sum((x - mean x) (y - mean y)) / sqrt(sum((x - mean x)^2) sum((y - mean y)^2))
///
/// over the returns both series have; undefined with fewer than `minOverlap` of them, or when max - min of either side
/// is at most 2^-50 of that series' largest |input value|, under `alphadatabank` as a share of 10,000,000 and at most 1.
package struct ReferenceCorrelation {
    package var convention: Convention
    package var firstDay: Int
    package var minOverlap: Int

    package init(convention: Convention, firstDay: Int = 0, minOverlap: Int) {
        self.convention = convention
        self.firstDay = firstDay
        self.minOverlap = minOverlap
    }

    /// - Parameters: two cumulative series (daily for `daily-pnl`) over the same panel dates, NaN where missing.
    /// - Returns: r, nil where undefined, and the number of common returns.
    package func callAsFunction(_ a: [Double], _ b: [Double]) -> (r: Double?, days: Int) {
        let (x, y) = pairs(a, b)
        let days = x.count
        guard days >= max(2, minOverlap), !isConstant(x, of: a), !isConstant(y, of: b) else { return (nil, days) }
        let dx = deviations(x)
        let dy = deviations(y)
        var (sxy, sxx, syy): (ReferenceFloat, ReferenceFloat, ReferenceFloat) = (0, 0, 0)
        for t in 0..<days {
            sxy += dx[t] * dy[t]
            sxx += dx[t] * dx[t]
            syy += dy[t] * dy[t]
        }
        let r = sxy / (sxx.squareRoot() * syy.squareRoot())
        return (Double(min(1, max(-1, r))), days)
    }

    /// The returns both series have.
    package func pairs(_ a: [Double], _ b: [Double]) -> (x: [Double], y: [Double]) {
        var x: [Double] = []
        var y: [Double] = []
        if convention.isPairwise {
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    convention.forEachPairReturn(of: a, and: b, firstDay: firstDay) {
                        x.append($0)
                        y.append($1)
                    }
                }
            }
            return (x, y)
        }
        let (left, right) = (returns(of: a), returns(of: b))
        for t in left.indices where t >= firstDay && !left[t].isNaN && !right[t].isNaN {
            x.append(left[t])
            y.append(right[t])
        }
        return (x, y)
    }

    private func returns(of series: [Double]) -> [Double] {
        var out = [Double](repeating: .nan, count: series.count)
        series.withUnsafeBufferPointer { series in
            out.withUnsafeMutableBufferPointer { convention.returns(of: series, into: $0) }
        }
        return out
    }

    private func isConstant(_ returns: [Double], of series: [Double]) -> Bool {
        let largest = series.lazy.filter { !$0.isNaN }.map(\.magnitude).max() ?? 0
        guard let low = returns.min(), let high = returns.max() else { return true }
        let scale = convention == .alphadatabank ? min(largest / 10_000_000, 1) : largest
        return high - low <= scale * 0x1p-50
    }

    private func deviations(_ values: [Double]) -> [ReferenceFloat] {
        let wide = values.map { ReferenceFloat($0) }
        let mean = wide.reduce(0, +) / ReferenceFloat(wide.count)
        return wide.map { $0 - mean }
    }
}
