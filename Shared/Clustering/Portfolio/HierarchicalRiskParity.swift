import ClusterModel

/// The covariances of all pairs, in the order of `CondensedDistances`.
package typealias CondensedCovariances = CondensedDistances

/// Portfolio weights by hierarchical risk parity (López de Prado, "Building diversified portfolios that outperform out of
/// sample", 2016), as PyPortfolioOpt's `HRPOpt(returns=...).optimize(linkage_method)` gives them.
package struct HierarchicalRiskParity: Equatable, Sendable {
    /// A group whose covariances cannot be right.
    package struct Repair: Equatable, Sendable {
        /// The points of the group.
        package let points: [Int]
        /// The variance its covariances give, not above 0.
        package let variance: Double
        /// The variance used instead: that of uncorrelated points.
        package let used: Double

        package init(points: [Int], variance: Double, used: Double) {
            self.points = points
            self.variance = variance
            self.used = used
        }
    }

    /// Per point its share, together 1.
    package let weights: [Double]
    /// The points in the order in which they were split.
    package let order: [Int]
    /// Pairwise complete covariances need not belong together; what was done where that showed. Empty as a rule.
    package let repairs: [Repair]

    /// - Parameters:
    ///   - distances: `CorrelationDistance.halved` of every pair: sqrt((1 - r) / 2).
    ///   - covariances: of every pair over its common days, ddof 1.
    ///   - variances: of every point over its own days, ddof 1.
    /// - Throws: `GridError` when a distance or covariance is undefined (leave such points out before) or a variance is not
    ///   above 0.
    package init(
        distances: CondensedDistances, covariances: CondensedCovariances, variances: [Double],
        method: Linkage.Method = .single
    ) throws {
        let count = distances.count
        guard covariances.count == count, variances.count == count else {
            throw GridError(
                .failed,
                "risk parity of \(count) alphas has covariances of \(covariances.count) and variances of \(variances.count)")
        }
        if let constant = variances.firstIndex(where: { !($0 > 0 && $0 < .infinity) }) {
            throw GridError(.usage, "the variance of alpha \(constant) is \(variances[constant]): expected a number above 0")
        }
        if let place = covariances.values.firstIndex(where: { !$0.isFinite }) {
            throw GridError(.usage, "the covariance of pair \(place) is undefined: expected such alphas to be left out")
        }
        order = try Linkage(distances, method: method).leaves()
        var bisection = Bisection(covariances: covariances, variances: variances)
        bisection.split(order)
        weights = bisection.weights
        repairs = bisection.repairs
    }
}

/// Halves the order again and again; each half gets the share that the other's variance is of both.
private struct Bisection {
    let covariances: CondensedCovariances
    let variances: [Double]
    var weights: [Double]
    var repairs: [HierarchicalRiskParity.Repair] = []

    init(covariances: CondensedCovariances, variances: [Double]) {
        self.covariances = covariances
        self.variances = variances
        weights = [Double](repeating: 1, count: variances.count)
    }

    mutating func split(_ order: [Int]) {
        var groups = [order[...]]
        while !groups.isEmpty {
            var halves: [ArraySlice<Int>] = []
            for group in groups where group.count > 1 {
                let middle = group.startIndex + group.count / 2
                let (first, second) = (group[..<middle], group[middle...])
                let (a, b) = (variance(first), variance(second))
                let share = 1 - a / (a + b)
                for point in first { weights[point] *= share }
                for point in second { weights[point] *= 1 - share }
                halves += [first, second]
            }
            groups = halves
        }
    }

    /// Variance of the group held in proportion to 1 / variance.
    private mutating func variance(_ group: ArraySlice<Int>) -> Double {
        let inverse = group.map { 1 / variances[$0] }
        let total = inverse.reduce(0, +)
        let shares = inverse.map { $0 / total }
        let points = Array(group)
        var (own, cross) = (0.0, 0.0)
        for i in points.indices {
            own += shares[i] * shares[i] * variances[points[i]]
            for j in points.indices.dropFirst(i + 1) { cross += shares[i] * shares[j] * covariances[points[i], points[j]] }
        }
        let variance = own + 2 * cross
        if variance > 0 { return variance }
        repairs.append(.init(points: points, variance: variance, used: own))
        return own
    }
}
