import ClusterModel
import Clustering
import Testing

/// Seven series of forty days with gaps, by simple arithmetic, so that any language makes the same ones.
private func returns() -> [[Double]] {
    let fraction = { (x: Double) in x - x.rounded(.down) }
    return (0..<7).map { i in
        (0..<40).map { t in
            if (t * 5 + i * 11) % 13 == 0 { return .nan }
            let own = fraction(Double(t * 7 + i * 3 + 1) * 0.6180339887) - 0.5
            let common = (i % 3 == 0 ? 0.6 : 0) * (fraction(Double(t) * 0.7548776662) - 0.5)
            return own + common * Double(1 + i)
        }
    }
}

/// Sums of products of the deviations over the days both have, and how many those are.
private func moments(_ x: [Double], _ y: [Double]) -> (xx: Double, xy: Double, yy: Double, days: Double) {
    let days = x.indices.filter { !x[$0].isNaN && !y[$0].isNaN }
    let n = Double(days.count)
    let mx = days.reduce(0) { $0 + x[$1] } / n
    let my = days.reduce(0) { $0 + y[$1] } / n
    return (
        days.reduce(0) { $0 + (x[$1] - mx) * (x[$1] - mx) }, days.reduce(0) { $0 + (x[$1] - mx) * (y[$1] - my) },
        days.reduce(0) { $0 + (y[$1] - my) * (y[$1] - my) }, n
    )
}

struct RiskParityTests {
    private func parity(_ series: [[Double]], _ method: Linkage.Method) throws -> HierarchicalRiskParity {
        let distances = try CondensedDistances(count: series.count) {
            let m = moments(series[$0], series[$1])
            return CorrelationDistance.halved(m.xy / (m.xx * m.yy).squareRoot())
        }
        let covariances = try CondensedCovariances(count: series.count) {
            let m = moments(series[$0], series[$1])
            return m.xy / (m.days - 1)
        }
        let variances = series.map { moments($0, $0) }.map { $0.xx / ($0.days - 1) }
        return try HierarchicalRiskParity(distances: distances, covariances: covariances, variances: variances, method: method)
    }

    @Test("Weights are PyPortfolioOpt's for the same returns with gaps", arguments: [Linkage.Method.single, .average])
    func peer(_ method: Linkage.Method) throws {
        // HRPOpt(returns=...).optimize("single"), and "average", which comes to the same here.
        let expected = [
            0.21217964162535854, 0.1746942610700608, 0.263229832618607, 0.015865189937134472, 0.16365314196608355,
            0.16431306103495746, 0.006064871747798185,
        ]
        let found = try parity(returns(), method)
        for (weight, wanted) in zip(found.weights, expected) { #expect((weight - wanted).magnitude < 1e-12) }
        #expect(found.repairs.isEmpty && found.order.sorted() == Array(0..<7))
    }

    @Test("One alpha holds everything, and two share against their variances")
    func small() throws {
        let series = Array(returns()[1...2])
        #expect(try parity([series[0]], .single).weights == [1])
        let (a, b) = (moments(series[0], series[0]), moments(series[1], series[1]))
        let (va, vb) = (a.xx / (a.days - 1), b.xx / (b.days - 1))
        let weights = try parity(series, .single).weights
        #expect((weights[0] - vb / (va + vb)).magnitude < 1e-12 && (weights[1] - va / (va + vb)).magnitude < 1e-12)
    }

    @Test("Covariances that give a group a negative variance are set aside, and that is told")
    func repaired() throws {
        let distances = try CondensedDistances(count: 4) { $0 / 2 == $1 / 2 ? 0.1 : 0.5 }
        // No two series of variance 1 have a covariance of -3.
        let covariances = try CondensedCovariances(count: 4) { $0 == 0 && $1 == 1 ? -3 : 0 }
        let found = try HierarchicalRiskParity(
            distances: distances, covariances: covariances, variances: [1, 1, 1, 1])
        #expect(found.weights == [0.25, 0.25, 0.25, 0.25])
        #expect(found.repairs == [.init(points: [0, 1], variance: -1, used: 0.5)])
    }

    @Test("A constant series and an undefined covariance are refused")
    func refused() throws {
        let distances = try CondensedDistances(count: 3) { _, _ in 0.5 }
        let covariances = try CondensedCovariances(count: 3) { _, _ in 0.1 }
        #expect(throws: GridError.self) {
            try HierarchicalRiskParity(distances: distances, covariances: covariances, variances: [1, 0, 1])
        }
        #expect(throws: GridError.self) {
            try HierarchicalRiskParity(distances: distances, covariances: covariances, variances: [1, 1])
        }
        let gap = try CondensedCovariances(count: 3) { $0 + $1 == 2 ? .nan : 0.1 }
        #expect(throws: GridError.self) {
            try HierarchicalRiskParity(distances: distances, covariances: gap, variances: [1, 1, 1])
        }
    }
}
