import ClusterModel
import Kernels
import Panel
import Testing

/// One pair looked at closely, and the rule that decides on a candidate.
struct CandidatePairTests {
    @Test("A pair's correlation, days and ends are those of the slow twin", arguments: Convention.allCases)
    func againstTwin(_ convention: Convention) {
        let series = syntheticPanel(alphas: 8, days: 90, seed: 31, gaps: 0.1)
        for (i, a) in series.enumerated() {
            for b in series.dropFirst(i + 1) {
                for firstDay in [0, 40] {
                    let expected = ReferenceCorrelation(convention: convention, firstDay: firstDay, minOverlap: 5)(a, b)
                    let common = CommonReturns(a, b, convention, firstDay: firstDay)
                    let r = common.correlation(minOverlap: 5)
                    #expect(common.count == expected.days)
                    #expect((r == nil) == (expected.r == nil))
                    #expect((common.reason(minOverlap: 5, names: ("A", "B")) == nil) == (r != nil))
                    if let r, let wanted = expected.r { #expect(abs(r - wanted) <= 1e-12) }
                    #expect(common.ends.allSatisfy { $0 >= firstDay && !(a[$0].isNaN && convention != .ffillDiff) })
                }
            }
        }
    }

    @Test("The test vector of the conventions, with first and last day")
    func vector() throws {
        let missing = Double.nan
        let a: [Double] = [0, 120, 90, 210, 260, 240, 310, 330, 300, 390]
        let b: [Double] = [0, 60, 80, missing, 150, 130, 170, missing, 160, 230]
        let expected: [(Convention, Double, Int)] = [
            (.ffillShift, 0.840468527213175, 7), (.ffillDiff, 0.5728651038410503, 9),
            (.commonDates, 0.8823674751435504, 7), (.alphadatabank, 0.8823660382017003, 7),
        ]
        for (convention, r, days) in expected {
            let common = CommonReturns(a, b, convention, firstDay: 0)
            #expect(abs(try #require(common.correlation(minOverlap: 2)) - r) <= 1e-14)
            #expect(common.count == days && common.ends.first == 1 && common.ends.last == 9)
        }
    }

    @Test("A part of the common returns has the correlation of a twin that sees only that part")
    func parts() {
        let series = syntheticPanel(alphas: 7, days: 100, seed: 32, gaps: 0.05)
        let common = CommonReturns(series[6], series[3], .ffillShift, firstDay: 0)
        var seen = 0
        for start in [0, 30, 60, 90] {
            let part = common.ends.indices.filter { (start..<(start + 30)).contains(common.ends[$0]) }
            let left = series[6].enumerated().map { $0.offset < start + 30 ? $0.element : .nan }
            let expected = ReferenceCorrelation(convention: .ffillShift, firstDay: start, minOverlap: 2)(left, series[3])
            #expect(part.count == expected.days)
            guard let first = part.first, let last = part.last, let wanted = expected.r else { continue }
            #expect(abs((common.correlation(first..<(last + 1), minOverlap: 2) ?? .nan) - wanted) <= 1e-12)
            seen += 1
        }
        #expect(seen >= 2)
    }

    @Test("Where a pair is undefined it is said why")
    func reasons() {
        let walk = syntheticPanel(alphas: 4, days: 50, seed: 33, gaps: -1)[3]
        let steady = (0..<50).map { 0.1 * Double($0) }
        let never = [Double](repeating: .nan, count: 50)
        func reason(_ a: [Double], _ b: [Double], _ minOverlap: Int) -> String? {
            CommonReturns(a, b, .ffillShift, firstDay: 0).reason(minOverlap: minOverlap, names: ("A", "B"))
        }
        #expect(reason(walk, walk, 2) == nil)
        #expect(reason(walk, never, 2) == "no common return")
        #expect(reason(walk, walk, 60) == "fewer than 60 common returns")
        #expect(reason(walk, steady, 2) == "the returns of B are constant")
        #expect(reason(steady, steady, 2) == "the returns of A and of B are constant")
    }

    @Test("The Sharpe ratio is that of the daily changes with ddof 1, whatever the level, the gaps and the scale")
    func sharpe() throws {
        // Changes 1, 10, -4, 2, 3: mean 2.4, variance 25.3.
        let changes: [Double] = [1, 10, -4, 2, 3]
        let expected = (252.0 / 25.3).squareRoot() * 2.4
        let levels: [Double] = [.nan, 100, 101, .nan, 111, 107, 109, 112, .nan]
        #expect(abs(try #require(SharpeRatio.annual(levels, .ffillShift)) - expected) <= 1e-12)
        #expect(abs(try #require(SharpeRatio.annual(changes, .dailyPnL)) - expected) <= 1e-12)
        let huge = levels.map { ($0 - 100) * 1e140 }
        #expect(abs(try #require(SharpeRatio.annual(huge, .ffillDiff)) - expected) <= 1e-12)
        #expect(SharpeRatio.annual((0..<50).map { 0.1 * Double($0) }, .ffillShift) == nil)
        #expect(SharpeRatio.annual([1, 2], .ffillShift) == nil)
    }

    @Test(
        "Ten percent above means a tenth of the other's magnitude more, and something at least",
        arguments: [
            (1.65, 1.5, true), (1.1, 1.0, true), (1.0999, 1.0, false), (0.1, 0, true), (0, 0, false), (-0.9, -1, true),
            (-0.95, -1, false), (-1.1, -1, false), (2, -1, true), (-1, 1, false),
        ] as [(Double, Double, Bool)])
    func surpasses(_ candidate: Double, _ alpha: Double, _ expected: Bool) {
        #expect(SubmissionRule.surpasses(candidate, alpha) == expected)
        #expect(!SubmissionRule.surpasses(nil, alpha) && !SubmissionRule.surpasses(candidate, nil))
    }
}
