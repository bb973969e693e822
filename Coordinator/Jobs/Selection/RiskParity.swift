import ClusterModel
import Clustering
import Panel

/// Hierarchical risk parity of those chosen, from the returns that they have in common pair by pair.
struct RiskParity: Sendable {
    /// By point; nil for those that are not among them.
    let weights: [Double?]
    let notes: [String]

    /// nil without two that are chosen.
    ///
    /// - Parameter plan: says by which convention and from which day on.
    static func weights(of panel: Panel, _ chosen: [Int], _ plan: CorrelationPlan) throws -> RiskParity? {
        guard chosen.count > 1 else { return nil }
        guard chosen.count <= Limits.riskParityMax else {
            return RiskParity(
                weights: Array(repeating: nil, count: panel.alphaCount),
                notes: ["no risk parity: \(chosen.count) alphas are chosen, and it is for at most \(Limits.riskParityMax)"])
        }
        let positions = panel.idOrder.map { Int($0) }
        let series = chosen.map { Self.returns(panel.series(positions[$0]), plan) }
        let moments = try PairMoments(series, minOverlap: plan.parameters.minOverlap)
        let (kept, leftOut) = moments.distances.complete()
        let usable = kept.filter { moments.variances[$0] > 0 }
        guard usable.count > 1 else { return nil }
        let found = try HierarchicalRiskParity(
            distances: try moments.distances.subset(usable), covariances: try moments.covariances.subset(usable),
            variances: usable.map { moments.variances[$0] })
        var weights = [Double?](repeating: nil, count: panel.alphaCount)
        for (place, weight) in zip(usable, found.weights) { weights[chosen[place]] = weight }
        var notes: [String] = []
        let missing = leftOut.count + kept.count - usable.count
        if missing > 0 { notes.append("risk parity leaves out \(missing) of those chosen, with undefined pairs") }
        if let repair = found.repairs.first {
            notes.append(
                "risk parity: the covariances of \(found.repairs.count) groups do not fit together (a variance of "
                    + "\(repair.variance)); that of uncorrelated alphas, \(repair.used), was used instead")
        }
        return RiskParity(weights: weights, notes: notes)
    }

    /// Daily returns on the book; pairwise conventions are taken as `ffill-shift`, since a covariance matrix is of series.
    private static func returns(_ cumulative: UnsafeBufferPointer<Double>, _ plan: CorrelationPlan) -> [Double] {
        var returns = [Double](repeating: 0, count: cumulative.count)
        let convention = plan.parameters.convention.isPairwise ? .ffillShift : plan.parameters.convention
        returns.withUnsafeMutableBufferPointer { convention.returns(of: cumulative, into: $0) }
        return Array(returns[plan.firstDay...])
    }
}
