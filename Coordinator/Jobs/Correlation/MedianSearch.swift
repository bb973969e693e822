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
    ///   - all: the values inside the bracket, those kept so far among them; they change their order.
    ///   - scratch: room for as many.
    ///   - seen: number of values so far, m.
    ///   - fraction: part of all values that has been seen, 0 ... 1.
    ///   - deviations: half width in standard deviations.
    mutating func narrow<Value: MedianValue>(
        _ all: UnsafeMutableBufferPointer<Value>, scratch: UnsafeMutablePointer<Value>, seen: Int, fraction: Double,
        deviations: Double
    ) {
        guard seen > 0, !all.isEmpty else { return }
        let slack = fraction < 1 ? deviations * (Double(seen) / 4 * (1 - fraction)).squareRoot() + 1 : Self.reserve
        let first = Int((Double(seen) / 2 - slack).rounded(.down)) - below
        let last = Int((Double(seen) / 2 + slack).rounded(.up)) - below
        // An order statistic that lies outside leaves its end as it is.
        if first > 0, first < all.count { low = Value.select(first, of: UnsafeBufferPointer(all), scratch: scratch) }
        if last >= 0, last < all.count - 1 { high = Value.select(last, of: UnsafeBufferPointer(all), scratch: scratch) }
        let (keptCount, belowCount) = Value.keep(from: low, to: high, of: all)
        below += belowCount
        keep(all[..<keptCount])
    }

    /// Keeps the memory too where it is not much too large: memory of another thread is freed only after waiting for it.
    private mutating func keep<Value: MedianValue>(_ values: Slice<UnsafeMutableBufferPointer<Value>>) {
        var kept = Value.array(inside) ?? []
        inside = Value.values([])
        if kept.capacity < values.count || kept.capacity > 4 * values.count {
            // An array that grows by itself takes twice as much.
            kept = Array(values)
        } else {
            kept.removeAll(keepingCapacity: true)
            kept.append(contentsOf: values)
        }
        inside = Value.values(kept)
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
    /// - Parameters:
    ///   - count: number of values.
    ///   - scratch: room for as many as are inside.
    func median<Value: MedianValue>(count: Int, scratch: UnsafeMutablePointer<Value>) -> Outcome {
        guard count > 0 else { return .undefined }
        let lower = (count - 1) / 2 - below
        let upper = count / 2 - below
        if lower < 0 { return .missedBelow }
        if upper >= inside.count { return .missedAbove }
        return (Value.array(inside) ?? []).withUnsafeBufferPointer { values in
            let a = Value.select(lower, of: values, scratch: scratch)
            let b = upper == lower ? a : Value.select(upper, of: values, scratch: scratch)
            return .value(a == b ? a : a / 2 + b / 2)
        }
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

/// A precision in which values are selected by counting, without sorting.
protocol MedianValue: BitwiseCopyable {
    /// nil for values of another precision.
    static func array(_ values: CorrelationValues) -> [Self]?
    static func values(_ array: [Self]) -> CorrelationValues
    /// The value that sorting would put at `position`. `scratch` has room for as many as there are values.
    static func select(
        _ position: Int, of values: UnsafeBufferPointer<Self>, scratch: UnsafeMutablePointer<Self>
    ) -> Double
    /// Moves the values of `low ... high` to the front; returns how many they are, and how many were smaller.
    static func keep(from low: Double, to high: Double, of values: UnsafeMutableBufferPointer<Self>) -> (kept: Int, below: Int)
}

extension Double: MedianValue {
    static func array(_ values: CorrelationValues) -> [Double]? {
        guard case .float64(let array) = values else { return nil }
        return array
    }

    static func values(_ array: [Double]) -> CorrelationValues { .float64(array) }

    static func select(
        _ position: Int, of values: UnsafeBufferPointer<Double>, scratch: UnsafeMutablePointer<Double>
    ) -> Double {
        ag_select_f64(values.baseAddress, values.count, position, scratch)
    }

    static func keep(
        from low: Double, to high: Double, of values: UnsafeMutableBufferPointer<Double>
    ) -> (kept: Int, below: Int) {
        var below = 0
        let kept = ag_select_f64_keep(values.baseAddress, values.count, low, high, &below)
        return (kept, below)
    }
}

extension Float: MedianValue {
    static func array(_ values: CorrelationValues) -> [Float]? {
        guard case .float32(let array) = values else { return nil }
        return array
    }

    static func values(_ array: [Float]) -> CorrelationValues { .float32(array) }

    static func select(
        _ position: Int, of values: UnsafeBufferPointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        Double(ag_select_f32(values.baseAddress, values.count, position, scratch))
    }

    static func keep(
        from low: Double, to high: Double, of values: UnsafeMutableBufferPointer<Float>
    ) -> (kept: Int, below: Int) {
        var below = 0
        // The ends are values themselves or infinite.
        let kept = ag_select_f32_keep(values.baseAddress, values.count, Float(low), Float(high), &below)
        return (kept, below)
    }
}
