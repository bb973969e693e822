import ClusterModel
import Clustering
import Dispatch
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

/// Covariances of all pairs over their common days, as `pandas.DataFrame.cov` and `.corr` have them.
private struct PairMoments {
    let covariances: CondensedDistances
    let distances: CondensedDistances
    let variances: [Double]

    init(_ series: [[Double]], minOverlap: Int) throws {
        let n = series.count
        let covariances = try CondensedDistances(count: n) { _ in }
        let distances = try CondensedDistances(count: n) { _ in }
        let memory = Memory(
            covariances: UnsafeMutablePointer(mutating: covariances.values.baseAddress!),
            distances: UnsafeMutablePointer(mutating: distances.values.baseAddress!))
        DispatchQueue.concurrentPerform(iterations: n - 1) { i in
            for j in (i + 1)..<n {
                guard let (covariance, r) = Self.moments(series[i], series[j], minOverlap) else { continue }
                let place = CondensedDistances.index(i, j, of: n)
                memory.covariances[place] = covariance
                memory.distances[place] = CorrelationDistance.halved(r)
            }
        }
        self.covariances = covariances
        self.distances = distances
        variances = series.map { Self.moments($0, $0, 2)?.covariance ?? 0 }
    }

    /// Every pair is written by one thread.
    private struct Memory: @unchecked Sendable {
        let covariances: UnsafeMutablePointer<Double>
        let distances: UnsafeMutablePointer<Double>
    }

    /// Two-pass, ddof 1; nil with too few common days, or where either side does not vary.
    private static func moments(_ x: [Double], _ y: [Double], _ minOverlap: Int) -> (covariance: Double, r: Double)? {
        var (count, sumX, sumY) = (0, 0.0, 0.0)
        for t in x.indices where !x[t].isNaN && !y[t].isNaN {
            count += 1
            sumX += x[t]
            sumY += y[t]
        }
        guard count >= max(2, minOverlap) else { return nil }
        let (meanX, meanY) = (sumX / Double(count), sumY / Double(count))
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for t in x.indices where !x[t].isNaN && !y[t].isNaN {
            let (dx, dy) = (x[t] - meanX, y[t] - meanY)
            xy += dx * dy
            xx += dx * dx
            yy += dy * dy
        }
        guard xx > 0, yy > 0 else { return nil }
        return (xy / Double(count - 1), max(-1, min(1, xy / (xx * yy).squareRoot())))
    }
}
