/// What makes a correlation a distance; stored with every result by its name, because thresholds mean something else in each.
package enum CorrelationDistance: String, CaseIterable, Sendable, Codable {
    /// sqrt(2 (1 - r)), 0...2: the distance between two standardised series of unit length; the default.
    case euclidean = "sqrt(2(1-r))"
    /// sqrt((1 - r) / 2), 0...1: half of it, as hierarchical risk parity uses it.
    case halved = "sqrt((1-r)/2)"
    /// 1 - r, 0...2: the squared distance halved; the one that DBSCAN's customary eps of 0.3 speaks of.
    case oneMinus = "1-r"

    /// - Parameter r: a correlation, or NaN where the pair is undefined.
    /// - Returns: at least 0, also when rounding brought r above 1; NaN where the pair is undefined.
    package func callAsFunction(_ r: Double) -> Double {
        let apart = 1 - r < 0 ? 0 : 1 - r
        return switch self {
        case .euclidean: (2 * apart).squareRoot()
        case .halved: (apart / 2).squareRoot()
        case .oneMinus: apart
        }
    }

    /// The correlation a distance stands for.
    package func correlation(_ distance: Double) -> Double {
        switch self {
        case .euclidean: 1 - distance * distance / 2
        case .halved: 1 - 2 * distance * distance
        case .oneMinus: 1 - distance
        }
    }
}
