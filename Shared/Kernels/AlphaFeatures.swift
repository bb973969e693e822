import CKernels
import ClusterModel
import Panel

/// Finds the features of alphas, which `AlphaFeature` defines, from their PnL.
package enum AlphaFeatures {
    /// - Parameters:
    ///   - values: cumulative PnL in dollars, `dayCount` of each alpha after those of the one before, NaN where missing; daily
    ///     PnL with `isDaily`.
    ///   - firstDay: index of the first date whose return counts, 0 ..< `dayCount`.
    ///   - dates: of the days; empty when they are not known, which leaves some features undefined.
    /// - Returns: alphas x `AlphaFeature.allCases`; one canonical NaN where undefined, no negative zero.
    package static func find(
        _ values: UnsafeBufferPointer<Double>, alphaCount: Int, dayCount: Int, firstDay: Int = 0, isDaily: Bool = false,
        dates: [Day]
    ) -> [Double] {
        precondition(values.count >= alphaCount * dayCount && (0..<dayCount).contains(firstDay))
        precondition(dates.isEmpty || dates.count == dayCount)
        let scratch = AlignedBuffer<Double>(count: ag_features_room(dayCount), zeroed: false)
        let months = dates.map(\.monthNumber)
        let lanes = AG_FEATURE_LANES
        var strip = [ag_features](repeating: ag_features(), count: lanes)
        var found: [Double] = []
        found.reserveCapacity(alphaCount * AlphaFeature.count)
        months.withUnsafeBufferPointer { months in
            var days = ag_feature_days(
                days: dayCount, first_day: firstDay, months: dates.isEmpty ? nil : months.baseAddress, is_daily: isDaily ? 1 : 0)
            for first in stride(from: 0, to: alphaCount, by: lanes) {
                let count = min(lanes, alphaCount - first)
                ag_find_features(values.baseAddress! + first * dayCount, count, &days, scratch.pointer, &strip)
                for features in strip.prefix(count) {
                    // Adding 0 turns a negative zero into a plain one.
                    for value in features.values(dates) { found.append(value.isNaN ? undefined : value + 0) }
                }
            }
        }
        return found
    }

    /// Linear quantile of values without NaN, as NumPy's default method computes it; NaN of none.
    ///
    /// - Parameter q: 0 ... 1.
    package static func quantile(_ q: Double, of values: [Double]) -> Double {
        precondition((0...1).contains(q))
        guard !values.isEmpty else { return .nan }
        var scratch = [Double](repeating: 0, count: values.count)
        return ag_quantile(values, values.count, q, &scratch)
    }

    private static let undefined = Double(bitPattern: 0x7FF8_0000_0000_0000)
}

extension ag_features {
    /// In the order of `AlphaFeature.allCases`.
    fileprivate func values(_ dates: [Day]) -> [Double] { AlphaFeature.allCases.map { value(of: $0, dates) } }

    private func value(of feature: AlphaFeature, _ dates: [Day]) -> Double {
        switch feature {
        case .dayCount: Double(count)
        case .startDate: Self.date(first_day, dates)
        case .endDate: Self.date(last_day, dates)
        case .meanReturn: mean
        case .annualReturn: annual_return
        case .volatility: volatility
        case .sharpe: sharpe
        case .sortino: sortino
        case .skew: skew
        case .kurtosis: kurtosis
        case .maxDrawdown: max_drawdown
        case .calmar: calmar
        case .cagr: cagr
        case .maxDrawdownCompounded: max_drawdown_compounded
        case .calmarCompounded: calmar_compounded
        case .var95: var_95
        case .cvar95: cvar_95
        case .var99: var_99
        case .cvar99: cvar_99
        case .tailRatio: tail_ratio
        case .hitRate: hit_rate
        case .monthlyConsistency: monthly_consistency
        case .longestGainRun: count > 0 ? Double(longest_gain) : .nan
        case .longestLossRun: count > 0 ? Double(longest_loss) : .nan
        case .stability: stability
        case .hurst: hurst
        case .rolling(let rolling): value(of: rolling)
        }
    }

    private func value(of rolling: AlphaFeature.Rolling) -> Double {
        let windows = rolling.figure == .sharpe ? sharpe_rolling : volatility_rolling
        let window =
            switch rolling.length {
            case 63: windows.0
            case 126: windows.1
            default: windows.2
            }
        return switch rolling.summary {
        case .last: window.last
        case .min: window.min
        case .max: window.max
        case .mean: window.mean
        }
    }

    private static func date(_ day: Int32, _ dates: [Day]) -> Double {
        day >= 0 && Int(day) < dates.count ? Double(dates[Int(day)].rawValue) : .nan
    }
}
