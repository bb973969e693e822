/// Correlations in the type they were computed in: half the bytes for float32.
package enum CorrelationValues: Equatable, Sendable {
    case float64([Double])
    case float32([Float])

    package init(_ precision: Precision) {
        self = precision == .float64 ? .float64([]) : .float32([])
    }

    package var precision: Precision {
        switch self {
        case .float64: .float64
        case .float32: .float32
        }
    }

    package var count: Int {
        switch self {
        case .float64(let values): values.count
        case .float32(let values): values.count
        }
    }

    package subscript(index: Int) -> Double {
        switch self {
        case .float64(let values): values[index]
        case .float32(let values): Double(values[index])
        }
    }

    /// - Precondition: both are of one precision.
    package mutating func append(_ range: Range<Int>, of other: CorrelationValues) {
        switch (self, other) {
        case (.float64(var values), .float64(let more)):
            self = .float64([])
            values.append(contentsOf: more[range])
            self = .float64(values)
        case (.float32(var values), .float32(let more)):
            self = .float32([])
            values.append(contentsOf: more[range])
            self = .float32(values)
        default:
            preconditionFailure("correlations of one job have one precision")
        }
    }
}
