import ClusterModel

extension Convention {
    /// Turns one cumulative series into the returns that are correlated; NaN stands for a missing day in both.
    ///
    /// For the pairwise conventions these are the returns of a pair without gaps: a return exists where the day and
    /// the panel's day before are both present. Pairs with a gap inside their common range need
    /// `forEachPairReturn` instead.
    ///
    /// - Parameters:
    ///   - cumulative: PnL per panel date.
    ///   - returns: as many elements; `returns[t]` belongs to date t, its end date.
    package func returns(of cumulative: UnsafeBufferPointer<Double>, into returns: UnsafeMutableBufferPointer<Double>) {
        precondition(cumulative.count == returns.count)
        var last = Double.nan
        switch self {
        case .dailyPnL:
            for t in cumulative.indices { returns[t] = cumulative[t] }
        case .ffillShift:
            for t in cumulative.indices {
                let value = cumulative[t]
                returns[t] = value - last
                if !value.isNaN { last = value }
            }
        case .ffillDiff:
            for t in cumulative.indices {
                let filled = cumulative[t].isNaN ? last : cumulative[t]
                returns[t] = filled - last
                last = filled
            }
        case .commonDates:
            for t in cumulative.indices {
                returns[t] = cumulative[t] - last
                last = cumulative[t]
            }
        case .alphadatabank:
            for t in cumulative.indices {
                returns[t] = Self.bookReturn(from: last, to: cumulative[t])
                last = cumulative[t]
            }
        }
    }

    /// Returns that differ by no more than this are constant, since rounding of the values alone may make them differ so.
    ///
    /// Under `alphadatabank` they are shares of a book of 10,000,000 plus the PnL so far, and so is what rounding does.
    ///
    /// - Parameter largest: |value| of the whole series.
    package func tolerance(largest: Double) -> Double {
        (self == .alphadatabank ? min(largest / 10_000_000, 1) : largest) * 0x1p-50
    }

    /// Returns of one pair under a pairwise convention: the dates both series have, then differences.
    ///
    /// - Parameters:
    ///   - firstDay: returns that end before this date are computed from but left out.
    ///   - output: called with the two returns of each common date from the second on, in date order.
    /// - Precondition: `isPairwise`.
    package func forEachPairReturn(
        of a: UnsafeBufferPointer<Double>, and b: UnsafeBufferPointer<Double>, firstDay: Int,
        _ output: (Double, Double) -> Void
    ) {
        precondition(isPairwise && a.count == b.count)
        var lastA = Double.nan
        var lastB = Double.nan
        for t in a.indices where !a[t].isNaN && !b[t].isNaN {
            if t >= firstDay {
                let (x, y) =
                    self == .commonDates
                    ? (a[t] - lastA, b[t] - lastB)
                    : (Self.bookReturn(from: lastA, to: a[t]), Self.bookReturn(from: lastB, to: b[t]))
                if !x.isNaN && !y.isNaN { output(x, y) }
            }
            lastA = a[t]
            lastB = b[t]
        }
    }

    /// Change relative to a book of 10,000,000 plus the PnL so far; a zero denominator counts as missing.
    private static func bookReturn(from last: Double, to value: Double) -> Double {
        let book = 10_000_000 + last
        return book == 0 ? .nan : (value - last) / book
    }
}
