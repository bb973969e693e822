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

    /// Narrows the bracket to where the median of all values will be, given that those seen are a random part of them.
    ///
    /// The number of seen values below the final median is hypergeometric with mean m / 2 and variance at most
    /// (m / 4)(1 - m / total); so the order statistics m / 2 +- deviations * sqrt of that enclose it. A bracket that
    /// misses costs time, never exactness. When all have been seen, `reserve` on either side stay, for the alphas that a
    /// later job adds.
    ///
    /// - Parameters:
    ///   - portions: values inside the bracket that are not among those kept yet.
    ///   - seen: number of values so far, m.
    ///   - fraction: part of all values that has been seen, 0 ... 1.
    ///   - deviations: half width in standard deviations.
    mutating func narrow(taking portions: [ArrivedValues.Portion] = [], seen: Int, fraction: Double, deviations: Double) {
        guard seen > 0, inside.count + portions.count > 0 else { return }
        let slack = fraction < 1 ? deviations * (Double(seen) / 4 * (1 - fraction)).squareRoot() + 1 : Self.reserve
        let first = Int((Double(seen) / 2 - slack).rounded(.down)) - below
        let last = Int((Double(seen) / 2 + slack).rounded(.up)) - below
        // Most values fall out again, so they are put together in passing and only the others get memory of their own.
        switch inside {
        case .float64(let kept):
            inside = .float64([])
            inside = .float64(narrow(kept, portions.compactMap(\.float64), first, last))
        case .float32(let kept):
            inside = .float32([])
            inside = .float32(narrow(kept, portions.compactMap(\.float32), first, last))
        }
    }

    /// The values between two order statistics of all of them, counted from 0; one that lies outside leaves its end as it is.
    private mutating func narrow<Value: SelectableValue>(
        _ kept: [Value], _ portions: [ArraySlice<Value>], _ first: Int, _ last: Int
    ) -> [Value] {
        let count = portions.reduce(kept.count) { $0 + $1.count }
        return withUnsafeTemporaryAllocation(of: Value.self, capacity: count) { all in
            var next = all.initialize(fromContentsOf: kept)
            for portion in portions { next = all[next...].initialize(fromContentsOf: portion) }
            if first > 0, first < count { low = Value.select(first, of: all) }
            if last >= 0, last < count - 1 { high = Value.select(last, of: all) }
            let (keptCount, belowCount) = Value.keep(from: low, to: high, of: all)
            below += belowCount
            return Array(all[..<keptCount])
        }
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
        case .float64(let values): values.withUnsafeBufferPointer { Double.select(position, of: $0) }
        case .float32(let values): values.withUnsafeBufferPointer { Float.select(position, of: $0) }
        }
    }
}

/// A precision in which values are selected by counting, without sorting.
private protocol SelectableValue: BitwiseCopyable {
    /// The value that sorting would put at `position`.
    static func select(_ position: Int, of values: UnsafeBufferPointer<Self>) -> Double
    /// Moves the values of `low ... high` to the front; returns how many they are, and how many were smaller.
    static func keep(from low: Double, to high: Double, of values: UnsafeMutableBufferPointer<Self>) -> (kept: Int, below: Int)
}

extension SelectableValue {
    fileprivate static func select(_ position: Int, of values: UnsafeMutableBufferPointer<Self>) -> Double {
        select(position, of: UnsafeBufferPointer(values))
    }
}

extension Double: SelectableValue {
    fileprivate static func select(_ position: Int, of values: UnsafeBufferPointer<Double>) -> Double {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: values.count) {
            ag_select_f64(values.baseAddress, values.count, position, $0.baseAddress)
        }
    }

    fileprivate static func keep(
        from low: Double, to high: Double, of values: UnsafeMutableBufferPointer<Double>
    ) -> (kept: Int, below: Int) {
        var below = 0
        let kept = ag_select_f64_keep(values.baseAddress, values.count, low, high, &below)
        return (kept, below)
    }
}

extension Float: SelectableValue {
    fileprivate static func select(_ position: Int, of values: UnsafeBufferPointer<Float>) -> Double {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: values.count) {
            Double(ag_select_f32(values.baseAddress, values.count, position, $0.baseAddress))
        }
    }

    fileprivate static func keep(
        from low: Double, to high: Double, of values: UnsafeMutableBufferPointer<Float>
    ) -> (kept: Int, below: Int) {
        var below = 0
        // The ends are values themselves or infinite.
        let kept = ag_select_f32_keep(values.baseAddress, values.count, Float(low), Float(high), &below)
        return (kept, below)
    }
}
