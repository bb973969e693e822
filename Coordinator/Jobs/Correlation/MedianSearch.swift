import CKernels
import ClusterModel

/// What is kept of one alpha's correlations to find their exact median: those inside a bracket, and how many lie below it.
struct MedianSearch: Sendable {
    /// Both ends belong to the bracket.
    private(set) var low = -Double.infinity
    private(set) var high = Double.infinity
    private(set) var below = 0
    private(set) var inside: CorrelationValues

    init(_ precision: Precision) {
        inside = CorrelationValues(precision)
    }

    /// One that was written down.
    init(low: Double, high: Double, below: Int, inside: CorrelationValues) {
        (self.low, self.high, self.below, self.inside) = (low, high, below, inside)
    }

    /// Takes in a number of values below the bracket.
    mutating func add(below count: Int) { below += count }

    /// Takes in values inside the bracket: of each of some arrays one range.
    mutating func add(inside ranges: [Range<Int>], of values: some Collection<CorrelationValues>) {
        inside.append(ranges, of: values)
    }

    /// Narrows the bracket to where the median of all values will be, given that those seen are a random part of them.
    ///
    /// The number of seen values below the final median is hypergeometric with mean m / 2 and variance at most
    /// (m / 4)(1 - m / total); so the order statistics m / 2 +- deviations * sqrt of that enclose it. A bracket that
    /// misses costs time, never exactness. When all have been seen, `reserve` on either side stay, for the alphas that a
    /// later job adds.
    ///
    /// - Parameters:
    ///   - seen: number of values so far, m.
    ///   - fraction: part of all values that has been seen, 0 ... 1.
    ///   - deviations: half width in standard deviations.
    mutating func narrow(seen: Int, fraction: Double, deviations: Double) {
        guard seen > 0, inside.count > 0 else { return }
        let slack = fraction < 1 ? deviations * (Double(seen) / 4 * (1 - fraction)).squareRoot() + 1 : Self.reserve
        let first = Int((Double(seen) / 2 - slack).rounded(.down)) - below
        let last = Int((Double(seen) / 2 + slack).rounded(.up)) - below
        // An order statistic that lies outside leaves its side as it is.
        if first > 0, first < inside.count { low = inside.select(first) }
        if last >= 0, last < inside.count - 1 { high = inside.select(last) }
        below += inside.keep(from: low, to: high)
    }

    /// Half of m new values fall on either side of the median, give or take sqrt(m) / 2: enough for thousands of them.
    private static let reserve = 64.0

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
    func median(count: Int) -> Outcome {
        guard count > 0 else { return .undefined }
        let lower = (count - 1) / 2 - below
        let upper = count / 2 - below
        if lower < 0 { return .missedBelow }
        if upper >= inside.count { return .missedAbove }
        let a = inside.select(lower)
        let b = upper == lower ? a : inside.select(upper)
        return .value(a == b ? a : a / 2 + b / 2)
    }

    /// Opens the bracket on the side where the median was missed, and says which values to fetch.
    ///
    /// - Throws: `GridError(.failed)` when that side is open already: then the counts do not agree with the values, and looking
    ///   again would never end.
    mutating func reopen(_ miss: Outcome) throws(GridError) -> (low: Double, high: Double) {
        guard miss == .missedBelow ? low > -.infinity : high < .infinity else {
            throw GridError(.failed, "the correlations that workers returned do not agree with their counts")
        }
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

extension CorrelationValues {
    /// The value that sorting would put at `position`.
    func select(_ position: Int) -> Double {
        switch self {
        case .float64(let values):
            withUnsafeTemporaryAllocation(of: Double.self, capacity: values.count) {
                ag_select_f64(values, values.count, position, $0.baseAddress)
            }
        case .float32(let values):
            withUnsafeTemporaryAllocation(of: Float.self, capacity: values.count) {
                Double(ag_select_f32(values, values.count, position, $0.baseAddress))
            }
        }
    }

    /// - Precondition: all are of one precision.
    fileprivate mutating func append(_ ranges: [Range<Int>], of others: some Collection<CorrelationValues>) {
        let added = ranges.reduce(0) { $0 + $1.count }
        switch self {
        case .float64(var values):
            self = .float64([])
            values.reserveCapacity(values.count + added)
            for (range, other) in zip(ranges, others) {
                guard case .float64(let more) = other else { preconditionFailure("correlations of one job have one precision") }
                values.append(contentsOf: more[range])
            }
            self = .float64(values)
        case .float32(var values):
            self = .float32([])
            values.reserveCapacity(values.count + added)
            for (range, other) in zip(ranges, others) {
                guard case .float32(let more) = other else { preconditionFailure("correlations of one job have one precision") }
                values.append(contentsOf: more[range])
            }
            self = .float32(values)
        }
    }

    /// Drops the values outside `low ... high`; returns how many were smaller.
    mutating func keep(from low: Double, to high: Double) -> Int {
        var below = 0
        switch self {
        case .float64(var values):
            self = .float64([])
            values.removeLast(values.count - ag_select_f64_keep(&values, values.count, low, high, &below))
            self = .float64(values)
        case .float32(var values):
            self = .float32([])
            // The ends are values themselves or infinite.
            values.removeLast(values.count - ag_select_f32_keep(&values, values.count, Float(low), Float(high), &below))
            self = .float32(values)
        }
        return below
    }
}
