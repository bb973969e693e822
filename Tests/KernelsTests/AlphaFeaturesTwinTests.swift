import CKernels
import ClusterModel
import Foundation
import Kernels
import Testing

/// The kernel against the definitions in extended precision.
@Suite struct AlphaFeaturesTwinTests {
    /// Relative to the value, or to the size of what it is made of.
    private static let tolerance = 1e-10

    private func compare(
        _ series: [[Double]], firstDay: Int = 0, isDaily: Bool = false, tolerance: Double = Self.tolerance,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let dates = consecutiveDates(series[0].count)
        let rows = foundFeatures(series, firstDay: firstDay, isDaily: isDaily)
        for (alpha, row) in rows.enumerated() {
            let twin = FeatureTwin(series[alpha], firstDay: firstDay, isDaily: isDaily, dates: dates)
            let largest = Double(twin.returns.map(abs).max() ?? 0)
            for feature in AlphaFeature.allCases {
                let (found, expected) = (row[feature], twin.value(of: feature).map(Double.init))
                guard let found, let expected else {
                    #expect(found == expected, "alpha \(alpha), \(feature.name)", sourceLocation: sourceLocation)
                    continue
                }
                let size = feature.unit.hasPrefix("share of the book") ? largest : 1
                #expect(
                    abs(found - expected) <= tolerance * max(abs(expected), size),
                    "alpha \(alpha), \(feature.name): \(found), expected \(expected)", sourceLocation: sourceLocation)
            }
        }
    }

    @Test("Alphas that start late, end early and have gaps", arguments: [1, 7, 8, 9, 30])
    func plain(alphas: Int) {
        compare(syntheticPanel(alphas: alphas, days: 420, seed: UInt64(alphas)))
        compare(syntheticPanel(alphas: alphas, days: 420, seed: 99, gaps: 0.4), firstDay: 150)
        compare(syntheticPanel(alphas: min(alphas, 9), days: 300, seed: 5), isDaily: true)
    }

    @Test("Lengths around every window and every size of Hurst's windows")
    func lengths() {
        let series = syntheticPanel(alphas: 1, days: 600, seed: 3, gaps: 0)[0]
        let returns = [1, 2, 3, 4, 15, 16, 31, 32, 62, 63, 64, 65, 125, 126, 127, 128, 251, 252, 253, 315, 504, 511, 512]
        compare(returns.map { count in series.enumerated().map { $0.offset <= count ? $0.element : .nan } })
    }

    @Test("Series made to lose digits or to overflow", arguments: Hostile.allCases)
    func hostile(kind: Hostile) {
        compare([kind.series(days: 700)], tolerance: kind.tolerance)
    }

    enum Hostile: String, CaseIterable {
        case wildDay, steep, huge, tiny, quietThenWild, stepwise, alternating, ties, constantEnd, losses

        /// A steep line's returns have six digits less than its values.
        var tolerance: Double { self == .steep || self == .wildDay ? 1e-8 : AlphaFeaturesTwinTests.tolerance }

        func series(days: Int) -> [Double] {
            var random = Generator(seed: 11)
            let noise = (0..<days).map { _ in random.normal() }
            func add(_ daily: (Int) -> Double) -> [Double] {
                var level = 0.0
                return (0..<days).map { day in
                    level += daily(day)
                    return level
                }
            }
            return switch self {
            case .wildDay: add { 1_000 * noise[$0] * ($0 == 20 ? 1e8 : 1) }
            case .steep: add { 1e6 + noise[$0] * 10 }
            case .huge: add { noise[$0] * 1e145 }
            case .tiny: add { noise[$0] * 1e-140 }
            case .quietThenWild: add { noise[$0] * ($0 < 350 ? 1 : 1e6) }
            case .stepwise: add { $0 % 40 == 0 ? noise[$0] * 1e4 : 0 }
            case .alternating: add { $0 % 2 == 0 ? 1e4 : -1e4 }
            case .ties: add { (noise[$0] * 2).rounded() * 1e3 }
            case .constantEnd: add { $0 < 400 ? noise[$0] * 1e4 : 0 }
            case .losses: add { -abs(noise[$0]) * 10 }
            }
        }
    }

    @Test("An alpha's features are the same bits whoever stands beside it")
    func neighbours() {
        let series = syntheticPanel(alphas: 19, days: 300, seed: 8)
        let together = foundFeatures(series)
        for (alpha, row) in together.enumerated() {
            let alone = foundFeatures([series[alpha]])[0]
            #expect(alone.values.map(\.bitPattern) == row.values.map(\.bitPattern))
        }
    }

    @Test("Quantiles are NumPy's formula on the sorted values, bit for bit")
    func quantiles() {
        var random = Generator(seed: 4)
        for count in [1, 2, 3, 20, 21, 99, 100, 101, 1_000] {
            let values = (0..<count).map { _ in (random.normal() * 8).rounded() / 8 + random.normal() * 0.001 }
            let sorted = values.sorted()
            for q in [0, 0.01, 0.05, 0.3, 0.5, 0.95, 0.99, 1] {
                let place = Double(count - 1) * q
                let (low, t) = (Int(place), place - place.rounded(.down))
                let (a, b) = (sorted[low], sorted[min(low + 1, count - 1)])
                let expected = t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t
                #expect(AlphaFeatures.quantile(q, of: values) == expected, "\(count) values, \(q)")
            }
        }
    }

    @Test("Logarithm and power agree with the mathematical library's to a few units of the last place")
    func transcendentals() {
        var random = Generator(seed: 6)
        for _ in 0..<5_000 {
            let x = exp((random.uniform() - 0.5) * 1_400)
            #expect(abs(ag_log2(x) - log2(x)) <= 1e-15 * max(abs(log2(x)), 1e-3))
            let y = (random.uniform() - 0.5) * 2_000
            #expect(abs(ag_exp2(y) / exp2(y) - 1) <= 1e-15)
        }
        #expect(ag_log2(1) == 0 && ag_log2(8) == 3 && ag_exp2(0) == 1 && ag_exp2(-3) == 0.125)
        #expect(ag_exp2(5_000) == .infinity && ag_exp2(-5_000) == 0)
    }
}
