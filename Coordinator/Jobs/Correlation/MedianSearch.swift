/// What is kept of one alpha's correlations to find their exact median: those inside a bracket, and how many lie below it.
struct MedianSearch: Sendable {
    /// Both ends belong to the bracket.
    private(set) var low = -Double.infinity
    private(set) var high = Double.infinity
    private var below = 0
    private var inside: [Double] = []

    /// Takes in values inside the bracket and a number of values below it.
    mutating func add(inside values: ArraySlice<Double>, below count: Int) {
        inside.append(contentsOf: values)
        below += count
    }

    /// Narrows the bracket to where the median of all values will be, given that those seen are a random part of them.
    ///
    /// The number of seen values below the final median is hypergeometric with mean m / 2 and variance at most
    /// (m / 4)(1 - m / total); so the order statistics m / 2 +- deviations * sqrt of that enclose it. A bracket that
    /// misses costs time, never exactness.
    ///
    /// - Parameters:
    ///   - seen: number of values so far, m.
    ///   - fraction: part of all values that has been seen, 0 ... 1.
    ///   - deviations: half width in standard deviations.
    mutating func narrow(seen: Int, fraction: Double, deviations: Double) {
        guard seen > 0, !inside.isEmpty else { return }
        let slack = deviations * (Double(seen) / 4 * max(0, 1 - fraction)).squareRoot() + 1
        let first = Int((Double(seen) / 2 - slack).rounded(.down)) - below
        let last = Int((Double(seen) / 2 + slack).rounded(.up)) - below
        // An order statistic that lies outside leaves its side as it is.
        if first > 0, first < inside.count { low = inside.select(first) }
        if last >= 0, last < inside.count - 1 { high = inside.select(last) }
        let (low, high) = (low, high)
        below += inside.count { $0 < low }
        inside.removeAll { $0 < low || $0 > high }
    }

    enum Outcome: Equatable {
        case undefined
        case value(Double)
        /// The bracket lies above the median: values below it are needed.
        case missedBelow
        /// The bracket lies below the median: values above it are needed.
        case missedAbove
    }

    /// Exact median once all values have been seen: the mean of the two middle ones when their number is even.
    ///
    /// - Parameter count: number of values.
    mutating func median(count: Int) -> Outcome {
        guard count > 0 else { return .undefined }
        let lower = (count - 1) / 2 - below
        let upper = count / 2 - below
        if lower < 0 { return .missedBelow }
        if upper >= inside.count { return .missedAbove }
        let (a, b) = (inside.select(lower), inside.select(upper))
        return .value(a == b ? a : a / 2 + b / 2)
    }

    /// Opens the bracket on the side where the median was missed, and says which values to fetch.
    mutating func reopen(_ miss: Outcome) -> (low: Double, high: Double) {
        if miss == .missedBelow {
            let fetch = (-Double.infinity, low.nextDown)
            low = -.infinity
            below = 0
            return fetch
        }
        let fetch = (high.nextUp, Double.infinity)
        high = .infinity
        return fetch
    }
}

extension [Double] {
    /// The value that sorting would put at `position`, in linear time on average; reorders the array (Hoare's selection).
    mutating func select(_ position: Int) -> Double {
        withUnsafeMutableBufferPointer { values in
            var left = 0
            var right = values.count - 1
            while left < right {
                let pivot = Swift.max(
                    Swift.min(values[left], values[right]),
                    Swift.min(Swift.max(values[left], values[right]), values[(left + right) / 2]))
                var i = left
                var j = right
                while i <= j {
                    while values[i] < pivot { i += 1 }
                    while pivot < values[j] { j -= 1 }
                    if i <= j {
                        values.swapAt(i, j)
                        i += 1
                        j -= 1
                    }
                }
                if position <= j {
                    right = j
                } else if position >= i {
                    left = i
                } else {
                    break
                }
            }
            return values[position]
        }
    }
}
