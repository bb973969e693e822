import ClusterModel
import Clustering
import Jobs
import Testing

/// The moments behind risk parity, against their definition.
struct PairMomentsTests {
    /// Common days, covariance and r of two series, two-pass in extended precision where there is such; nil where undefined.
    private func expected(_ x: [Double], _ y: [Double], _ minOverlap: Int) -> (covariance: Double, r: Double)? {
        let common = x.indices.filter { !x[$0].isNaN && !y[$0].isNaN }
        let (a, b) = (common.map { Wide(x[$0]) }, common.map { Wide(y[$0]) })
        guard common.count >= max(2, minOverlap), Set(a).count > 1, Set(b).count > 1 else { return nil }
        let n = Wide(common.count)
        let (meanA, meanB) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
        let xy = zip(a, b).reduce(Wide(0)) { $0 + ($1.0 - meanA) * ($1.1 - meanB) }
        let xx = a.reduce(Wide(0)) { $0 + ($1 - meanA) * ($1 - meanA) }
        let yy = b.reduce(Wide(0)) { $0 + ($1 - meanB) * ($1 - meanB) }
        return (Double(xy / (n - 1)), Double(xy / (xx.squareRoot() * yy.squareRoot())))
    }

    #if arch(x86_64)
    private typealias Wide = Float80
    #else
    private typealias Wide = Double
    #endif

    /// Expects every pair to be what it is by definition, to so much of the standard deviations.
    private func compare(
        _ series: [[Double]], minOverlap: Int = 2, tolerance: Double = 1e-13, _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let found = try PairMoments(series, minOverlap: minOverlap)
        var worst = 0.0
        for i in series.indices {
            let own = expected(series[i], series[i], 2)?.covariance ?? 0
            worst = max(worst, own == 0 ? found.variances[i].magnitude : (found.variances[i] / own - 1).magnitude)
            for j in series.indices.dropFirst(i + 1) {
                let (covariance, distance) = (found.covariances[i, j], found.distances[i, j])
                guard let wanted = expected(series[i], series[j], minOverlap) else {
                    #expect(covariance.isNaN && distance.isNaN, comment, sourceLocation: sourceLocation)
                    continue
                }
                // Both deviations on the overlap.
                let size = wanted.covariance / wanted.r
                let apart = (covariance - wanted.covariance).magnitude / size
                let r = (CorrelationDistance.halved.correlation(distance) - wanted.r).magnitude
                worst = apart.isNaN || r.isNaN ? .infinity : max(worst, apart, r)
            }
        }
        #expect(worst <= tolerance, comment, sourceLocation: sourceLocation)
    }

    /// Returns with a common factor; every third series starts late, every fifth ends early.
    private func returns(_ count: Int, days: Int, gaps: Double, seed: UInt64 = 3) -> [[Double]] {
        var random = SeededGenerator(seed: seed)
        let factor = (0..<days).map { _ in random.normal() }
        return (0..<count).map { alpha in
            let start = gaps > 0 && alpha % 3 == 1 ? days / 2 : 0
            let end = gaps > 0 && alpha % 5 == 2 ? days - days / 3 : days
            let scale = 1_000 * Double(1 + alpha)
            return (0..<days).map { day in
                let value = scale * (0.1 + factor[day] * Double(alpha % 3) + random.normal())
                return day < start || day >= end || random.uniform() < gaps ? .nan : value
            }
        }
    }

    @Test(
        "Moments of every pair are those of the definition, whatever is missing",
        arguments: [(0, 20), (0.05, 20), (0.3, 60), (0.9, 3)])
    func definition(gaps: Double, minOverlap: Int) throws {
        // More than two blocks of series.
        try compare(returns(67, days: 259, gaps: gaps), minOverlap: minOverlap)
    }

    @Test("Any number of days will do, also those that fill no vector")
    func lengths() throws {
        for days in [2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 144] {
            for gaps in [0, 0.2] { try compare(returns(5, days: days, gaps: gaps), "\(days) days") }
        }
    }

    @Test("A series that has all days has the same moments as one that lacks a day of nobody else's")
    func completeAndNot() throws {
        let series = returns(12, days: 200, gaps: 0)
        // One series alone has a day more, so that no other is complete.
        let longer = series.enumerated().map { [$0.offset == 0 ? 5_000 : .nan] + $0.element }
        let (plain, masked) = (try PairMoments(series, minOverlap: 2), try PairMoments(longer, minOverlap: 2))
        for i in 1..<12 {
            #expect((plain.variances[i] / masked.variances[i] - 1).magnitude < 1e-14)
            for j in (i + 1)..<12 {
                #expect((plain.covariances[i, j] - masked.covariances[i, j]).magnitude < 1e-14 * plain.variances[j])
                #expect((plain.distances[i, j] - masked.distances[i, j]).magnitude < 1e-14)
            }
        }
        // A day that nobody has is none.
        let holiday = try PairMoments(series.map { [.nan] + $0 }, minOverlap: 2)
        #expect(holiday.covariances.values.elementsEqual(plain.covariances.values))
        #expect(holiday.distances.values.elementsEqual(plain.distances.values) && holiday.variances == plain.variances)
    }

    @Test("A pair needs two common days, and as many as min-overlap says")
    func overlap() throws {
        let days = 90
        let first = (0..<days).map { Double(($0 * 7) % 11) }
        func other(_ common: Int) -> [Double] {
            (0..<days).map { $0 % 2 == 0 && $0 < 2 * common ? Double(($0 * 5) % 13) : .nan }
        }
        let odd = (0..<days).map { $0 % 2 == 1 ? Double($0) : .nan }
        let none = [Double](repeating: .nan, count: days)
        for minOverlap in [0, 1, 2, 3, 20] {
            let least = max(2, minOverlap)
            let found = try PairMoments([first, other(least), other(least - 1), odd, none], minOverlap: minOverlap)
            #expect(found.covariances[0, 1].isFinite && found.distances[0, 1].isFinite)
            #expect(found.covariances[0, 2].isNaN && found.distances[0, 2].isNaN)
            #expect(found.covariances[0, 3].isFinite && found.covariances[1, 3].isNaN && found.distances[2, 3].isNaN)
            #expect((0..<4).allSatisfy { found.covariances[$0, 4].isNaN } && found.variances[4] == 0)
        }
        let undefined = try PairMoments([none, none], minOverlap: 2)
        #expect(undefined.covariances[0, 1].isNaN && undefined.variances == [0, 0])
        #expect(try PairMoments([first], minOverlap: 2).variances[0] > 0)
    }

    @Test("A side that does not vary on the common days leaves the pair undefined, however its mean is rounded")
    func constant() throws {
        let days = 150
        let moving = (0..<days).map { Double(($0 * 7) % 11) }
        let early = moving.enumerated().map { $0.offset < 70 ? $0.element : .nan }
        for value in [0.1, -1e9 / 3, 0] {
            // Varies only where `early` has no returns.
            let still = moving.indices.map { day -> Double in day < 70 || day % 2 == 0 ? value : 1 + Double(day) }
            var gap = still
            gap[3] = .nan
            let flat = [Double](repeating: value, count: days)
            let found = try PairMoments([moving, early, still, gap, flat], minOverlap: 2)
            #expect(found.covariances[1, 2].isNaN && found.distances[1, 2].isNaN && found.covariances[1, 3].isNaN)
            #expect(found.covariances[0, 2].isFinite && found.covariances[0, 3].isFinite && found.covariances[2, 3].isFinite)
            #expect((0..<4).allSatisfy { found.distances[$0, 4].isNaN } && found.variances[4] == 0)
            #expect(found.variances[..<4].allSatisfy { $0 > 0 })
            try compare([moving, early, still, gap, flat], tolerance: 1e-12)
        }
    }

    @Test("Identical series are exactly 0 apart and opposite ones exactly 1", arguments: [0, 0.3])
    func identical(gaps: Double) throws {
        let all = (0..<301).map { Double($0) }
        for x in returns(9, days: 301, gaps: gaps) {
            let found = try PairMoments([x, x, x.map { -$0 }, all], minOverlap: 2)
            #expect(found.distances[0, 1] == 0 && found.distances[0, 2] == 1)
            #expect(found.covariances[0, 1] == found.variances[0] && found.covariances[0, 2] == -found.variances[0])
        }
    }

    @Test("Means far from 0 and returns of any size cost no digits that there are", arguments: [0, 0.3])
    func hostile(gaps: Double) throws {
        let series = returns(6, days: 120, gaps: gaps)
        try compare(series.map { $0.map { $0 + 1e12 } }, tolerance: 1e-12)
        for scale in [1e130, 1e-130] { try compare(series.map { $0.map { $0 * scale } }) }
    }
}
