import CKernels
import ClusterModel
import Kernels
import Testing

/// Data on which shortcuts lose their digits.
struct IllConditionedTests {
    /// Daily PnL of 24 alphas: standard normal with a common factor, half of them starting late.
    private func wellBehaved(days: Int = 160, seed: UInt64) -> [[Double]] {
        var random = Generator(seed: seed)
        let factor = (0..<days).map { _ in random.normal() }
        return (0..<24).map { alpha in
            let loading = random.normal()
            return (0..<days).map { day in
                let value = loading * factor[day] + random.normal()
                return day < (alpha % 2) * (40 + alpha) || (alpha % 3 == 0 && day % 29 == alpha) ? .nan : value
            }
        }
    }

    @Test("A tick of 1e6 or 1e8 sigma outside the overlap does no harm", arguments: [1e6, 1e8, -1e12])
    func tickOutsideOverlap(_ tick: Double) {
        var panel = wellBehaved(seed: 11)
        for alpha in stride(from: 0, to: 24, by: 2) { panel[alpha][20 + alpha / 2] = tick }
        let worst = largestError(panel, .dailyPnL, minOverlap: 20, edge: 8)
        #expect(worst[.float64]! <= 1e-10)
        #expect(worst[.float32]! <= 1e-5)
    }

    @Test("A tick inside the overlap of some pairs is correlated as it is")
    func tickInsideOverlap() {
        var panel = wellBehaved(seed: 12)
        for alpha in stride(from: 0, to: 24, by: 5) { panel[alpha][100 + alpha % 2] = 1e8 }
        let worst = largestError(panel, .dailyPnL, minOverlap: 20, edge: 8)
        #expect(worst[.float64]! <= 1e-10)
        #expect(worst[.float32]! <= 1e-5)
    }

    @Test("An offset of up to 1e6 sigma costs nothing", arguments: [1e2, 1e4, 1e6])
    func offset(_ offset: Double) {
        let panel = wellBehaved(seed: 13).enumerated().map { alpha, series in
            series.map { $0 + (alpha % 3 == 0 ? -offset : offset) }
        }
        #expect(largestError(panel, .dailyPnL, minOverlap: 20, edge: 8)[.float64]! <= 1e-10)
        for precision in Precision.allCases {
            let matrix = KernelMatrix(panel, edge: 8, convention: .dailyPnL, precision: precision, minOverlap: 20)
            #expect(matrix.twinPairs == 0, "no pair needs the two-pass kernel")
        }
    }

    @Test("A level that changes by 1e6 sigma where a late starter begins is left to the two-pass kernel, which gets it right")
    func changeOfLevel() {
        var panel = wellBehaved(seed: 14)
        for alpha in panel.indices {
            for day in 0..<160 where day >= 90 && alpha % 4 == 0 { panel[alpha][day] += 1e6 }
            for day in 0..<160 where day < 95 && alpha % 4 == 1 { panel[alpha][day] = .nan }
        }
        let worst = largestError(panel, .dailyPnL, minOverlap: 20, edge: 8)
        #expect(worst[.float64]! <= 1e-10)
        #expect(worst[.float32]! <= 1e-5)
        let matrix = KernelMatrix(panel, edge: 24, convention: .dailyPnL, precision: .float64, minOverlap: 20)
        #expect(matrix.twinPairs >= 36, "each of 6 x 6 pairs overlaps beyond the change only")
    }

    @Test("float32 hands over to float64 where the overlap's mean is a few deviations from the whole series' median")
    func narrowOffsets() {
        let panel = wellBehaved(seed: 15).enumerated().map { alpha, series in
            series.enumerated().map { day, value in
                if day >= 100 || alpha % 4 == 3 { return value }
                return alpha % 4 == 1 ? .nan : value + 5 * Double(alpha)
            }
        }
        #expect(largestError(panel, .dailyPnL, minOverlap: 20, edge: 8)[.float32]! <= 1e-5)
        let matrix = KernelMatrix(panel, edge: 24, convention: .dailyPnL, precision: .float32, minOverlap: 20)
        #expect(matrix.twinPairs > 50)
    }

    @Test(
        "Series of any scale the panel takes correlate like their unscaled selves",
        arguments: [1e-150, 1e-12, 1e12, 1e149], Convention.allCases)
    func scales(_ scale: Double, _ convention: Convention) {
        let panel = syntheticPanel(alphas: 14, days: 120, seed: 16).enumerated().map { alpha, series in
            alpha % 2 == 0 ? series.map { $0 / 1e5 * scale } : series
        }
        let worst = largestError(panel, convention, minOverlap: 20, edge: 8)
        #expect(worst[.float64]! <= 1e-10)
        #expect(worst[.float32]! <= 1e-5)
    }

    @Test(
        "Duplicates give exactly 1 and exact opposites exactly -1, on every path", arguments: Convention.allCases,
        Precision.allCases)
    func duplicates(_ convention: Convention, _ precision: Precision) {
        let gappy = syntheticPanel(alphas: 9, days: 130, seed: 17, gaps: 0.05)
        let late = syntheticPanel(alphas: 9, days: 130, seed: 17, gaps: -1)
        let complete = late.map { series in series.enumerated().map { $1.isNaN ? Double(($0 * $0) % 97) : $1 } }
        for panel in [gappy, late, complete] {
            let doubled = panel + panel + panel.map { $0.map { -$0 } } + panel.map { $0.map { $0 * 4 } }
            let matrix = KernelMatrix(doubled, edge: 10, convention: convention, precision: precision, minOverlap: 5)
            for alpha in 0..<9 {
                #expect(matrix.values[alpha][alpha + 9] == 1)
                // Returns relative to the book are neither opposite nor proportional.
                guard convention != .alphadatabank else { continue }
                #expect(matrix.values[alpha][alpha + 18] == -1)
                #expect(matrix.values[alpha + 9][alpha + 18] == -1)
                #expect(matrix.values[alpha][alpha + 27] == 1)
            }
        }
    }

    @Test("The two-pass kernel agrees with exact rational arithmetic", arguments: [0, 262_144, 250_000], [0, 1e8])
    func exactRational(_ offset: Double, _ tick: Double) {
        // r of days 0 ..< 200 and 60 ..< 160 by fractions of unlimited size; offsets do not change it.
        let (whole, part) = (0.1290304540171824420537527, 0.1554618185274514921401905)
        let base = (0..<200).map { Double(($0 * 7919 + 13) % 1009) / 1024 }
        let x = base.map { $0 + offset }
        let y = (0..<200).map { (day: Int) -> Double in
            let own = Double((day * day * 31 + 17 * day) % 997) / 512
            return own + 0.25 * base[day] - offset / 2
        }
        var (a, b) = (x + Array(repeating: 0, count: 8), y + Array(repeating: 0, count: 8))
        #expect(abs(ag_two_pass(&a, &b, 200, 0, 0) - whole) <= 1e-13)

        // The same by way of products, with a tick on each side where the other is missing.
        let early = x.enumerated().map { $0 >= 160 ? Double.nan : $0 == 10 ? offset + tick : $1 }
        let late = y.enumerated().map { $0 < 60 ? Double.nan : $0 == 170 ? tick : $1 }
        let matrix = KernelMatrix([x, y, early, late], edge: 4, convention: .dailyPnL, precision: .float64, minOverlap: 2)
        #expect(abs(matrix.values[0][1] - whole) <= 1e-12)
        #expect(abs(matrix.values[2][3] - part) <= 1e-12)
        let r = ReferenceCorrelation(convention: .dailyPnL, minOverlap: 2)(early, late).r
        #expect(r.map { abs($0 - part) <= 1e-15 } == true)
    }

    @Test("Digits are kept up to the last bit of the data", arguments: [1e8, 1e10, 1e12])
    func extremeOffsets(_ offset: Double) {
        // Integers and halves, so that the offset data are exact.
        let x = (0..<100).map { Double(($0 * 37) % 41) / 2 }
        let y = (0..<100).map { Double(($0 * $0) % 53) }
        let reference = ReferenceCorrelation(convention: .dailyPnL, minOverlap: 2)(x, y).r ?? .nan
        var a = x.map { $0 + offset } + Array(repeating: 0, count: 8)
        var b = y.map { $0 - offset } + Array(repeating: 0, count: 8)
        #expect(abs(ag_two_pass(&a, &b, 100, 0, 0) - reference) <= 1e-13)
        // The same by way of standardised series, whose deviations must not inherit the mean's rounding either.
        let matrix = KernelMatrix(
            [x.map { $0 + offset }, y.map { $0 - offset }], edge: 2, convention: .dailyPnL, precision: .float64, minOverlap: 2)
        #expect(abs(matrix.values[0][1] - reference) <= 1e-12)
        #expect(matrix.twinPairs == 0)
    }

    @Test("A return on a book of next to nothing leaves the digits of all others alone")
    func tinyBook() {
        var random = Generator(seed: 18)
        // The third day's return is 1e7 / 1.9e-9; the others are about 1e-6, whose
        // squares float32 cannot hold beside it.
        let panel = (0..<8).map { alpha in
            (0..<90).map { day in
                if alpha % 2 == 1 && day < 10 { return Double.nan }
                return alpha % 2 == 0 && day == 2 ? (-10_000_000.0).nextUp : 10 * random.normal()
            }
        }
        let worst = largestError(panel, .alphadatabank, minOverlap: 20, edge: 8)
        #expect(worst[.float64]! <= 1e-10)
        #expect(worst[.float32]! <= 1e-5)
    }
}
