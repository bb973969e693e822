import ClusterModel
import Kernels
import Testing

/// Which pairs have no correlation.
struct UndefinedPairTests {
    @Test("A pair needs min-overlap common returns, not one less", arguments: Convention.allCases, Precision.allCases)
    func minimumOverlap(_ convention: Convention, _ precision: Precision) {
        // 30 common days, so 29 common returns of differences and 30 of daily values.
        var random = Generator(seed: 21)
        let early = (0..<80).map { $0 < 55 ? random.normal() : .nan }
        let late = (0..<80).map { $0 < 25 ? .nan : random.normal() }
        let days = convention == .dailyPnL ? 30 : convention == .ffillDiff ? 54 : 29
        for (overlap, isDefined) in [(days - 1, true), (days, true), (days + 1, false)] {
            let matrix = KernelMatrix(
                [early, late], edge: 3, convention: convention, precision: precision, minOverlap: overlap)
            #expect(matrix.values[0][1].isNaN != isDefined)
            if isDefined { #expect(matrix.days[0][1] == days) }
        }
    }

    @Test(
        "A pair whose gaps make its returns its own needs min-overlap of them too",
        arguments: Convention.allCases.filter(\.isPairwise))
    func minimumOverlapOfCommonDates(_ convention: Convention) {
        var random = Generator(seed: 28)
        let panel = [[20], [30, 31]].map { gaps in (0..<50).map { gaps.contains($0) ? .nan : 1e4 * random.normal() } }
        // 47 common dates, 46 returns between them, 45 of which end in a window from day 2 on.
        for (overlap, isDefined) in [(45, true), (46, false), (47, false)] {
            let matrix = KernelMatrix(
                panel, edge: 2, convention: convention, precision: .float64, firstDay: 2, minOverlap: overlap)
            #expect(matrix.values[0][1].isNaN != isDefined)
        }
    }

    @Test("A complete panel shorter than min-overlap has no correlations at all")
    func shortPanel() {
        let panel = syntheticPanel(alphas: 6, days: 20, seed: 22, gaps: -1).map { $0.map { $0.isNaN ? 1 : $0 } }
        for (overlap, isDefined) in [(19, true), (20, false)] {
            let matrix = KernelMatrix(panel, edge: 6, convention: .ffillShift, precision: .float64, minOverlap: overlap)
            #expect(matrix.values[0][3].isNaN != isDefined)
        }
    }

    @Test("A steady 0.1 per day has no correlation, however it was added up", arguments: Convention.allCases, Precision.allCases)
    func steadyLine(_ convention: Convention, _ precision: Precision) {
        var total = 0.0
        var summed: [Double] = []
        for _ in 0..<300 {
            summed.append(total)
            total += 0.1
        }
        let multiplied = (0..<300).map { Double($0) * 0.1 }
        let daily = [Double](repeating: 0.1, count: 300)
        // Relative to a book that grows the returns fall steadily, which is no rounding.
        let other = syntheticPanel(alphas: 2, days: 300, seed: 23, gaps: -1)[0]
        let lines = convention == .dailyPnL ? [daily, daily] : [summed, multiplied]
        let matrix = KernelMatrix(
            lines + [other], edge: 2, convention: convention, precision: precision, minOverlap: 20)
        let reference = ReferenceCorrelation(convention: convention, minOverlap: 20)
        for line in 0..<2 {
            #expect(matrix.values[line][2].isNaN == (reference(lines[line], other).r == nil))
            #expect(matrix.values[line][2].isNaN || convention == .alphadatabank)
        }
        #expect(matrix.values[0][1].isNaN || convention == .alphadatabank)
    }

    @Test(
        "A series constant on the overlap only is undefined with that partner and defined with others",
        arguments: Precision.allCases)
    func constantOnOverlap(_ precision: Precision) {
        var random = Generator(seed: 24)
        let complete = (0..<200).map { _ in random.normal() }
        let late = (0..<200).map { $0 < 100 ? .nan : random.normal() }
        // Returns around 3 that stop moving on day 100, but for rounding noise below 2^-50 of the largest value.
        let stops = (0..<200).map { $0 < 100 ? 3 + random.normal() : 3.125 + Double($0 % 2) * 0x1p-51 }
        // The same with noise that is just large enough to count.
        let trembles = (0..<200).map { $0 < 100 ? 3 + random.normal() : 3.125 + Double($0 % 2) * 0x1p-46 }
        for edge in [1, 4] {
            let matrix = KernelMatrix(
                [complete, late, stops, trembles], edge: edge, convention: .dailyPnL, precision: precision, minOverlap: 20)
            #expect(matrix.values[1][2].isNaN)
            #expect(!matrix.values[0][2].isNaN)
            let expected = ReferenceCorrelation(convention: .dailyPnL, minOverlap: 20)(late, trembles).r ?? .nan
            #expect(abs(matrix.values[1][3] - expected) <= (precision == .float64 ? 1e-10 : 1e-5))
        }
    }

    @Test("Constant is judged by the largest value of the whole series, also outside the window")
    func toleranceOfWholeSeries() {
        var random = Generator(seed: 25)
        let other = (0..<100).map { _ in random.normal() }
        let quiet = (0..<100).map { $0 < 2 ? 0 : 1e-6 * random.normal() }
        var loud = quiet
        loud[0] = 1e12
        for firstDay in [0, 50] {
            let matrix = KernelMatrix(
                [other, quiet, loud], edge: 3, convention: .dailyPnL, precision: .float64, firstDay: firstDay, minOverlap: 20)
            #expect(!matrix.values[0][1].isNaN)
            #expect(matrix.values[0][2].isNaN == (firstDay == 50))
        }
    }

    @Test("Returns relative to the book are constant on its scale, however much larger the PnL is", arguments: Precision.allCases)
    func toleranceOfTheBook(_ precision: Precision) {
        var random = Generator(seed: 29)
        for level in [1e9, 1e12] {
            // Moves of a thousandth of the level, and of a millionth.
            var panel = [1e-3, 1e-6].map { share in
                var total = level
                return (0..<200).map { _ in
                    total += level * share * random.normal()
                    return total
                }
            }
            panel.append(panel[1].map { $0 > 0 ? level : 0 })
            let matrix = KernelMatrix(panel, edge: 2, convention: .alphadatabank, precision: precision, minOverlap: 20)
            let common = CommonReturns(panel[0], panel[1], .alphadatabank, firstDay: 0)
            let wide = panel[0].indices.dropFirst().map { panel[0][$0] / panel[0][$0 - 1] }
            let narrow = panel[1].indices.dropFirst().map { panel[1][$0] / panel[1][$0 - 1] }
            let expected = ReferenceCorrelation(convention: .dailyPnL, minOverlap: 20)(wide, narrow).r ?? .nan
            // The book's own 10,000,000 change little beside such levels.
            for r in [matrix.values[0][1], common.correlation(minOverlap: 20) ?? .nan] { #expect(abs(r - expected) < 1e-3) }
            #expect(matrix.values[0][2].isNaN)
        }
    }

    @Test(
        "An all-missing, a constant and a single-valued alpha have no pairs, and their neighbours keep theirs",
        arguments: Convention.allCases)
    func deadAlphas(_ convention: Convention) {
        var panel = syntheticPanel(alphas: 6, days: 90, seed: 26)
        panel[1] = Array(repeating: .nan, count: 90)
        panel[3] = Array(repeating: 5, count: 90)
        panel[4] = (0..<90).map { $0 == 60 ? 1 : .nan }
        for edge in [3, 6] {
            let matrix = KernelMatrix(panel, edge: edge, convention: convention, precision: .float64, minOverlap: 2)
            for i in 0..<6 {
                for j in 0..<6 where i != j {
                    let dead = [1, 3].contains(i) || [1, 3].contains(j)
                    // Filled forward, a single value is a series of zero returns: constant.
                    #expect(matrix.values[i][j].isNaN == (dead || i == 4 || j == 4))
                }
            }
        }
        #expect(largestError(panel, convention, edge: 3)[.float64]! <= 1e-12)
    }

    @Test("A window without any return leaves all pairs undefined", arguments: Convention.allCases)
    func emptyWindow(_ convention: Convention) {
        let panel = syntheticPanel(alphas: 5, days: 30, seed: 27)
        let matrix = KernelMatrix(panel, edge: 5, convention: convention, precision: .float64, firstDay: 29, minOverlap: 2)
        for i in 0..<5 {
            for j in 0..<5 where i != j { #expect(matrix.values[i][j].isNaN) }
        }
        let single = KernelMatrix([[1], [2]], edge: 2, convention: convention, precision: .float64, minOverlap: 2)
        #expect(single.values[0][1].isNaN)
    }
}
