import ClusterModel
import Foundation
import Kernels
import Panel
import Testing

/// Figures that can be checked by hand.
@Suite struct AlphaFeaturesTests {
    /// Cumulative PnL of daily returns in per cent, the first value before the first of them.
    private func cumulative(_ percent: [Double], from start: Double = 0) -> [Double] {
        var level = start
        return [start]
            + percent.map { value in
                level += value * 1e5
                return level
            }
    }

    private func close(_ a: Double?, _ b: Double, _ relative: Double = 1e-12) -> Bool {
        a.map { abs($0 - b) <= relative * max(1, abs(b)) } ?? false
    }

    @Test("Returns of 1, 10, -4, 2, 3, 2, 1, -10 % after a day without one give the figures worked out by hand and empyrical's")
    func vector() {
        let row = foundFeatures([cumulative([1, 10, -4, 2, 3, 2, 1, -10])])[0]
        #expect(row[.dayCount] == 8)
        #expect(close(row[.meanReturn], 0.00625))
        #expect(close(row[.annualReturn], 1.575))
        #expect(close(row[.volatility], 0.9136465399704637))
        #expect(close(row[.sharpe], 1.575 / 0.9136465399704637))
        #expect(close(row[.maxDrawdown], -0.1))
        #expect(close(row[.calmar], 15.75))
        #expect(close(row[.cagr], 1.9135925373194231))
        #expect(close(row[.maxDrawdownCompounded], -0.1))
        #expect(close(row[.calmarCompounded], 19.135925373194233))
        #expect(close(row[.hitRate], 6.0 / 8))
        #expect(row[.longestGainRun] == 4)
        #expect(row[.longestLossRun] == 1)
        // Losses of 4 and 10 % among 8 returns: sqrt((16 + 100) / 8) %.
        #expect(close(row[.sortino], 252.0.squareRoot() * 0.00625 / (0.0116 / 8).squareRoot()))
        // Sorted -10, -4, 1, ...: place 0.05 x 7 = 0.35 and 0.01 x 7 = 0.07 from the lowest; 0.95 x 7 = 6.65.
        #expect(close(row[.var95], -0.1 + 0.35 * 0.06))
        #expect(close(row[.var99], -0.1 + 0.07 * 0.06))
        #expect(close(row[.cvar95], -0.1))
        #expect(close(row[.tailRatio], (0.03 + 0.65 * 0.07) / 0.079))
        #expect(row[.startDate] == 18_263 && row[.endDate] == 18_270)
    }

    @Test(
        "Quantiles 0.1, 0.2 and 0.3 of 1, 81, 82, 83, 84, 85 are 41, 81 and 81.5",
        arguments: [(0.1, 41), (0.2, 81), (0.3, 81.5)])
    func quantiles(q: Double, expected: Double) {
        #expect(AlphaFeatures.quantile(q, of: [84, 81, 85, 1, 83, 82]) == expected)
        #expect(AlphaFeatures.quantile(0, of: [3, 1, 2]) == 1 && AlphaFeatures.quantile(1, of: [3, 1, 2]) == 3)
        #expect(AlphaFeatures.quantile(0.5, of: []).isNaN)
    }

    @Test("Every feature has a name of its own, in snake case, that PostgreSQL takes, and a meaning")
    func names() {
        let all = AlphaFeature.allCases
        #expect(Set(all.map(\.name)).count == all.count && Set(all).count == all.count)
        #expect(all.count == AlphaFeature.count && all.count == 26 + 24)
        for feature in all {
            #expect(feature.name.wholeMatch(of: /[a-z][a-z0-9_]{3,40}/) != nil, "\(feature.name)")
            #expect(!feature.meaning.isEmpty)
        }
        #expect(all.map(\.name).contains("rolling_sharpe_126_max") && all[6].name == "sharpe")
    }

    @Test("Without a return nothing is defined but the number of returns, which is 0", arguments: [0, 1])
    func nothing(valueCount: Int) {
        var series = [Double](repeating: .nan, count: 300)
        for day in 0..<valueCount { series[day + 20] = 5_000 }
        let row = foundFeatures([series])[0]
        #expect(AlphaFeature.allCases.filter { row[$0] != nil } == [.dayCount] && row[.dayCount] == 0)
    }

    @Test("One return has a mean, quantiles and dates, but neither volatility nor anything that is divided by it")
    func oneReturn() {
        let row = foundFeatures([cumulative([2])])[0]
        #expect(close(row[.meanReturn], 0.02) && close(row[.var95], 0.02) && close(row[.cvar99], 0.02))
        #expect(row[.hitRate] == 1 && row[.maxDrawdown] == 0 && row[.monthlyConsistency] == 1)
        for feature in [AlphaFeature.volatility, .sharpe, .sortino, .skew, .kurtosis, .calmar, .stability, .hurst] {
            #expect(row[feature] == nil, "\(feature.name)")
        }
    }

    @Test("A steady line has a volatility of 0, whatever its rounding noise, and no Sharpe; its line is straight")
    func steady() {
        let row = foundFeatures([(0..<300).map { Double($0) * 0.1 }])[0]
        #expect(row[.volatility] == 0 && row[.sharpe] == nil && row[.skew] == nil && row[.kurtosis] == nil)
        #expect(close(row[.stability], 1, 1e-9) && row[.hurst] == nil)
        for rolling in AlphaFeature.Rolling.allCases {
            #expect(row[.rolling(rolling)] == (rolling.figure == .sharpe ? nil : 0))
        }
        let flat = foundFeatures([[Double](repeating: 7, count: 300)])[0]
        #expect(flat[.meanReturn] == 0 && flat[.stability] == nil && flat[.tailRatio] == nil && flat[.hitRate] == 0)
    }

    @Test("Losses only: a drawdown from the start, no gain run, and an end of compounding where all is lost")
    func losses() {
        let row = foundFeatures([cumulative([-1, -2, -3, -2])])[0]
        #expect(close(row[.maxDrawdown], -0.08) && row[.longestGainRun] == 0 && row[.longestLossRun] == 4)
        #expect(close(row[.maxDrawdownCompounded], 0.99 * 0.98 * 0.97 * 0.98 - 1))
        #expect(row[.hitRate] == 0 && row[.monthlyConsistency] == 0)
        let ruined = foundFeatures([cumulative([-1, -120, 50, 300])])[0]
        #expect(ruined[.cagr] == nil && ruined[.maxDrawdownCompounded] == nil && ruined[.calmarCompounded] == nil)
        #expect(close(ruined[.maxDrawdown], -1.21))
    }

    @Test("A gap puts the whole change on the day after it, and days without a value are not days")
    func gaps() {
        let nan = Double.nan
        let row = foundFeatures([[nan, 0, 1e5, nan, nan, 3e5, 2e5, nan]])[0]
        #expect(row[.dayCount] == 3 && close(row[.meanReturn], 0.02 / 3))
        #expect(row[.longestGainRun] == 2 && row[.startDate] == 18_264 && row[.endDate] == 18_268)
        // Six of the panel's days from the first value to the last.
        #expect(close(row[.cagr], pow(1.01 * 1.02 * 0.99, 252.0 / 6) - 1))
    }

    @Test("A month's gain is counted from the value before its first return; dates that are not known leave months undefined")
    func months() {
        // January +2, February +1 - 1 = 0, March -1; the first value is of January.
        var series = [Double](repeating: .nan, count: 80)
        for (day, value) in [(0, 0.1), (30, 0.1 + 2), (31, 0.3 + 0.1 + 2), (50, 0.1 + 2), (70, 0.1 + 1)] { series[day] = value }
        #expect(foundFeatures([series])[0][.monthlyConsistency] == 1.0 / 3)
        let undated = foundFeatures([series], dates: [])[0]
        #expect(undated[.monthlyConsistency] == nil && undated[.startDate] == nil && undated[.endDate] == nil)
        #expect(undated[.dayCount] == 4)
    }

    @Test("With a window, returns before it do not count, but the first that does is computed from the day before")
    func window() {
        let whole = cumulative([5, -3, 1, 10, -4, 2])
        let cut = foundFeatures([whole], firstDay: 3)[0]
        let alone = foundFeatures([Array(whole[2...])], dates: Array(consecutiveDates(7)[2...]))[0]
        for feature in AlphaFeature.allCases where feature != .cagr && feature != .calmarCompounded {
            #expect(cut[feature] == alone[feature], "\(feature.name)")
        }
        // The leading day without a return is outside of the window.
        #expect(close(cut[.cagr], pow(1.01 * 1.1 * 0.96 * 1.02, 252.0 / 4) - 1))
    }

    @Test("Daily PnL is taken as it is, its first day included")
    func daily() {
        let row = foundFeatures([[1e5, .nan, -2e5, 3e5]], isDaily: true)[0]
        #expect(row[.dayCount] == 3 && close(row[.meanReturn], 0.02 / 3) && close(row[.maxDrawdown], -0.02))
        #expect(row[.monthlyConsistency] == 1)
    }
}
