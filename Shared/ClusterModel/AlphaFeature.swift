/// What is known of a single alpha from its daily PnL: the columns of `alpha_features_<region>`, in their order, and the
/// keys of the same features in JSON.
///
/// Daily PnL is the change of cumulative PnL since the alpha's last day with a value; where that is not known, the day has
/// none. A return is daily PnL / 10,000,000, never compounded; days without one are dropped, and a series is the returns
/// that are left, in order. Deviations are of samples (ddof 1). A series, or a window of it, is constant when its returns
/// differ by no more than 2^-50 of the largest |PnL value| / 10,000,000: its deviation is 0, and what is divided by that is
/// undefined. Undefined is NaN here and NULL in a table, never 0.
package enum AlphaFeature: Hashable, Sendable, CaseIterable {
    case dayCount, startDate, endDate
    case meanReturn, annualReturn, volatility, sharpe, sortino, skew, kurtosis
    case maxDrawdown, calmar, cagr, maxDrawdownCompounded, calmarCompounded
    case var95, cvar95, var99, cvar99, tailRatio
    case hitRate, monthlyConsistency, longestGainRun, longestLossRun, stability, hurst
    case rolling(Rolling)

    /// A figure of every window of so many consecutive returns, and what is told of them; undefined for a series that is
    /// shorter than one window.
    package struct Rolling: Hashable, Sendable, CaseIterable {
        package enum Figure: String, Sendable, CaseIterable { case sharpe, volatility }
        package enum Summary: String, Sendable, CaseIterable { case last, min, max, mean }
        package let figure: Figure
        /// 63, 126 or 252 returns.
        package let length: Int
        package let summary: Summary

        package static let lengths = [63, 126, 252]

        package static let allCases: [Rolling] = Figure.allCases.flatMap { figure in
            lengths.flatMap { length in
                Summary.allCases.map { Rolling(figure: figure, length: length, summary: $0) }
            }
        }
    }

    package static let allCases: [AlphaFeature] =
        [
            .dayCount, .startDate, .endDate, .meanReturn, .annualReturn, .volatility, .sharpe, .sortino, .skew, .kurtosis,
            .maxDrawdown, .calmar, .cagr, .maxDrawdownCompounded, .calmarCompounded, .var95, .cvar95, .var99, .cvar99,
            .tailRatio, .hitRate, .monthlyConsistency, .longestGainRun, .longestLossRun, .stability, .hurst,
        ] + Rolling.allCases.map(AlphaFeature.rolling)

    package static let count = allCases.count

    /// The rule for daily PnL that features take where correlations take another: how two alphas are compared, and whether a
    /// missing day counts as one of 0, says nothing of one alpha's own returns.
    package static func convention(for correlations: Convention) -> Convention {
        correlations == .dailyPnL ? .dailyPnL : .ffillShift
    }

    /// How a feature's number is to be read.
    package enum Form: Hashable, Sendable {
        case real
        /// A whole number.
        case integer
        /// Days since 1970-01-01.
        case date
    }

    package var form: Form {
        switch self {
        case .dayCount, .longestGainRun, .longestLossRun: .integer
        case .startDate, .endDate: .date
        default: .real
        }
    }

    /// Column and JSON key.
    package var name: String { description.name }
    package var unit: String { description.unit }
    /// One sentence: the formula, and when it is undefined apart from a series without returns.
    package var meaning: String { description.meaning }
}

/// One alpha's features, as `alpha_features_<region>` holds them.
package struct AlphaFeatureRow: Hashable, Sendable {
    package var alphaID: String
    /// In the order of `AlphaFeature.allCases`; NaN where undefined.
    package var values: [Double]

    package init(alphaID: String, values: [Double]) {
        precondition(values.count == AlphaFeature.count, "a row has a value for every feature")
        self.alphaID = alphaID
        self.values = values
    }

    /// nil where undefined.
    package subscript(feature: AlphaFeature) -> Double? {
        guard let place = AlphaFeature.allCases.firstIndex(of: feature), !values[place].isNaN else { return nil }
        return values[place]
    }
}
