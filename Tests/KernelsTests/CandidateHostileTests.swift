import ClusterModel
import Kernels
import Panel
import Testing

/// Data made to break the screen's bound, against the slow twin.
struct CandidateHostileTests {
    /// Cumulative PnL of given daily changes.
    private func cumulative(_ changes: [Double], from start: Double = 0) -> [Double] {
        var total = start
        return changes.map {
            total += $0
            return total
        }
    }

    @Test("Spikes of 1e8 sigma outside the overlap leave no trace", arguments: [1e3, 1e6, 1e8])
    func spikesOutside(_ size: Double) throws {
        var random = Generator(seed: 21)
        let days = 120
        let factor = (0..<days).map { _ in random.normal() }
        let series = (0..<10).map { alpha in
            let spike = alpha % 2 == 0 ? 5 : 110
            return cumulative((0..<days).map { $0 == spike ? size : factor[$0] + 0.5 * random.normal() })
        }
        let table = Table(series)
        var values = cumulative(factor.map { $0 + 0.3 * random.normal() })
        for day in Array(0..<20) + Array(100..<days) { values[day] = .nan }
        let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: values)
        // The values themselves hold only so many digits of the changes once they are that large.
        for convention in Convention.allCases { try expectExact(table, candidate, convention, tolerance: 1e-10) }
    }

    @Test("Spikes inside the overlap decide the correlation, in either side or both", arguments: [1e3, 1e6, 1e9])
    func spikesInside(_ size: Double) throws {
        var random = Generator(seed: 22)
        let days = 90
        var changes = (0..<8).map { _ in (0..<days).map { _ in random.normal() } }
        for alpha in 0..<8 { changes[alpha][30 + 5 * (alpha % 3)] += size * (alpha < 4 ? 1 : -1) }
        let table = Table(changes.map { cumulative($0) })
        var own = (0..<days).map { _ in random.normal() }
        own[30] += size
        let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: cumulative(own))
        for convention in [Convention.ffillShift, .ffillDiff, .commonDates, .dailyPnL] {
            try expectExact(table, candidate, convention)
        }
    }

    @Test("Means of up to a million deviations stay within the promise", arguments: [1e2, 1e4, 1e6])
    func offsets(_ ratio: Double) throws {
        var random = Generator(seed: 23)
        let days = 100
        let factor = (0..<days).map { _ in random.normal() }
        // The level changes half-way, so that the centre of the whole series is far from the overlap's mean.
        let series = (0..<8).map { alpha in
            (0..<days).map { day in (day < 60 ? -ratio : ratio) + factor[day] + Double(alpha) * random.normal() }
        }
        let table = Table(series)
        var values = factor.map { ratio + $0 + random.normal() }
        for day in 0..<60 { values[day] = .nan }
        let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: values)
        try expectExact(table, candidate, .dailyPnL)
    }

    @Test("Series that do not move on the overlap have no correlation, rounding noise or not", arguments: Convention.allCases)
    func constant(_ convention: Convention) throws {
        var random = Generator(seed: 24)
        let days = 80
        let moving = cumulative((0..<days).map { _ in random.normal() })
        let steady = (0..<days).map { 0.1 * Double($0) }
        let late = (0..<days).map { $0 < 40 ? moving[$0] : moving[39] + 0.1 * Double($0 - 39) }
        let table = Table([steady, moving, late, steady.map { -3 * $0 }, [Double](repeating: 7, count: days)])
        let second = (0..<days).map { $0 < 42 ? Double.nan : moving[$0] * 1.5 }
        for values in [steady, moving.map { 2 * $0 }, second] {
            let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: values)
            try expectExact(table, candidate, convention)
        }
    }

    @Test("Overlaps around the smallest one allowed are counted to the day", arguments: Convention.allCases)
    func shortOverlap(_ convention: Convention) throws {
        var random = Generator(seed: 25)
        let days = 60
        let series = (0..<20).map { alpha in
            let walk = cumulative((0..<days).map { _ in random.normal() })
            return walk.enumerated().map { $0.offset < 40 + alpha ? .nan : $0.element }
        }
        let table = Table(series)
        let values = cumulative((0..<days).map { _ in random.normal() })
        let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: values)
        for minOverlap in [2, 10, 19] { try expectExact(table, candidate, convention, minOverlap: minOverlap) }
    }

    @Test("Values near the largest and the smallest that are allowed neither overflow nor vanish")
    func extremes() throws {
        var random = Generator(seed: 26)
        let days = 70
        let base = (0..<8).map { _ in cumulative((0..<days).map { _ in random.normal() }) }
        let scales = [1e148, 1e-148, 1e-300, 1, 1e100, 1e-30, 1e38, 1e-46]
        let table = Table(zip(base, scales).map { series, scale in series.map { $0 * scale } })
        for scale in [1e147, 1.0, 1e-200] {
            let values = zip(base[0], base[1]).map { ($0 + $1) * scale }
            let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: values)
            try expectExact(table, candidate, .ffillShift)
        }
    }

    @Test("A day of 1e60 in the overlap's neighbourhood makes float32 useless, and the answer is exact all the same")
    func beyondFloat() throws {
        var random = Generator(seed: 27)
        let days = 80
        let series = (0..<6).map { alpha -> [Double] in
            var changes = (0..<days).map { _ in random.normal() }
            changes[2] = alpha % 2 == 0 ? 1e60 : 0
            return changes
        }
        let table = Table(series)
        var values = (0..<days).map { series[0][$0] + series[1][$0] }
        values[2] = .nan
        let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: values)
        try expectExact(table, candidate, .dailyPnL)
        let panel = try table.panel()
        let screened = CandidatePool(panel: panel, convention: .dailyPnL, firstDay: 0)
            .screen(try candidate.column(of: panel).values, minOverlap: 2)
        let unbounded = screened.indices.filter { screened[$0].error == .infinity }.map { panel.alphaIDs[$0] }
        #expect(unbounded.sorted() == ["A0", "A2", "A4"])
    }
}
