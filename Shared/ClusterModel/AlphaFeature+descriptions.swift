extension AlphaFeature {
    typealias Description = (name: String, unit: String, meaning: String)

    var description: Description {
        switch self {
        case .dayCount, .startDate, .endDate: spanDescription
        case .meanReturn, .annualReturn, .volatility, .sharpe, .sortino, .skew, .kurtosis: momentDescription
        case .maxDrawdown, .calmar, .cagr, .maxDrawdownCompounded, .calmarCompounded: drawdownDescription
        case .var95, .cvar95, .var99, .cvar99, .tailRatio: tailDescription
        case .hitRate, .monthlyConsistency, .longestGainRun, .longestLossRun, .stability, .hurst: shapeDescription
        case .rolling(let rolling): rolling.description
        }
    }

    private var spanDescription: Description {
        switch self {
        case .startDate: ("start_date", "date", "date of the first return; undefined when dates are not known")
        case .endDate: ("end_date", "date", "date of the last return; undefined when dates are not known")
        default: ("day_count", "returns", "number of returns; 0 without any")
        }
    }

    private var momentDescription: Description {
        switch self {
        case .meanReturn: ("mean_return", "share of the book per day", "mean of the returns")
        case .annualReturn: ("annual_return", "share of the book per year", "252 x mean")
        case .volatility:
            (
                "volatility", "share of the book per root of a year",
                "sqrt(252) x standard deviation, 0 when constant; undefined for one return"
            )
        case .sharpe:
            ("sharpe", "per root of a year", "sqrt(252) x mean / standard deviation; undefined when constant")
        case .sortino:
            (
                "sortino", "per root of a year",
                "sqrt(252) x mean / sqrt(mean of min(return, 0)^2 over all returns); undefined without a loss"
            )
        case .skew:
            (
                "skew", "", "unbiased skewness (adjusted Fisher-Pearson, as pandas); undefined when constant or below 3 returns"
            )
        default:
            (
                "kurtosis", "",
                "unbiased excess kurtosis (0 for a normal distribution, as pandas); undefined when constant or below 4 returns"
            )
        }
    }

    private var drawdownDescription: Description {
        switch self {
        case .maxDrawdown:
            (
                "max_drawdown", "share of the book",
                "smallest (running sum of returns - max(0, its running peak)): 0 or negative, additive"
            )
        case .calmar: ("calmar", "per year", "annual_return / |max_drawdown|; undefined without a drawdown")
        case .cagr:
            (
                "cagr", "share per year",
                "(product of 1 + return)^(252 / days) - 1, compounded as empyrical does it: days are the panel's from the "
                    + "first value that counts to the last, so a first value without a return is one of them; undefined "
                    + "when the product reaches 0 on the way"
            )
        case .maxDrawdownCompounded:
            (
                "max_drawdown_compounded", "share of the peak",
                "smallest (product of 1 + return, over its running peak of at least 1) - 1: 0 or negative; undefined as cagr"
            )
        default:
            (
                "calmar_compounded", "per year",
                "cagr / |max_drawdown_compounded|; undefined as cagr and without a drawdown"
            )
        }
    }

    private var tailDescription: Description {
        let day = "share of the book per day"
        return switch self {
        case .var95: ("var_95", day, "5 % quantile of the returns, linear as NumPy's default: a loss is negative")
        case .cvar95: ("cvar_95", day, "mean of the returns that are at most var_95")
        case .var99: ("var_99", day, "1 % quantile of the returns, linear")
        case .cvar99: ("cvar_99", day, "mean of the returns that are at most var_99")
        default: ("tail_ratio", "", "|95 % quantile| / |5 % quantile|, linear; undefined when the latter is 0")
        }
    }

    private var shapeDescription: Description {
        switch self {
        case .hitRate: ("hit_rate", "share", "returns above 0 among all")
        case .monthlyConsistency:
            (
                "monthly_consistency", "share",
                "calendar months in which PnL rose, from before the month's first return to its last, among those with a "
                    + "return; undefined without dates"
            )
        case .longestGainRun:
            ("longest_gain_run", "returns", "most returns above 0 in a row; days without a return do not interrupt")
        case .longestLossRun:
            ("longest_loss_run", "returns", "most returns below 0 in a row; days without a return do not interrupt")
        case .stability:
            (
                "stability", "share",
                "R^2 of a straight line through the running sum of returns against their number; undefined below 3 returns "
                    + "or when that sum never changes"
            )
        default:
            (
                "hurst", "",
                "slope of log(mean R / S) against log(length) over windows of 8, 16, 32, ... returns, side by side from the "
                    + "first on, as long as two fit: R is the range of the running sum of deviations from the window's mean, "
                    + "S its standard deviation, constant windows are left out; undefined below 3 lengths (64 returns)"
            )
        }
    }
}

extension AlphaFeature.Rolling {
    fileprivate var description: AlphaFeature.Description {
        let name = "rolling_\(figure.rawValue)_\(length)_\(summary.rawValue)"
        let all = "\(summary.rawValue) over all windows of \(length) returns"
        let what = summary == .last ? "of the last \(length) returns" : all
        return switch figure {
        case .sharpe: (name, "per root of a year", "sharpe, \(what); constant windows are left out")
        case .volatility: (name, "share of the book per root of a year", "volatility, \(what)")
        }
    }
}
