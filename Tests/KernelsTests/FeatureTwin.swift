import ClusterModel
import Foundation
import Kernels
import Panel

#if arch(x86_64)
typealias Extended = Float80
#else
typealias Extended = Double
#endif

/// Features of one series straight from their definitions, one by one, in extended precision where the CPU has it.
struct FeatureTwin {
    let returns: [Extended]
    /// Panel days of the returns.
    let days: [Int]
    let tolerance: Extended
    /// Change of the cumulative value in each calendar month with a return.
    let monthGains: [Double]
    /// Days from the first value that counts to the last.
    let span: Int
    let dates: [Day]
    /// Mean and deviation of every window of each length of `AlphaFeature.Rolling.lengths`.
    private let windows: [[(mean: Extended, deviation: Extended)]]

    init(_ values: [Double], firstDay: Int = 0, isDaily: Bool = false, dates: [Day]) {
        var (returns, days, levels, last): ([Extended], [Int], [(before: Double, after: Double)], Double) = ([], [], [], .nan)
        for (t, value) in values.enumerated() where !value.isNaN {
            let change = isDaily ? value : value - last
            if t >= firstDay, !change.isNaN {
                returns.append(Extended(change / 1e7))
                days.append(t)
                levels.append((last, value))
            }
            last = value
        }
        let present = values.indices.filter { $0 >= firstDay && !values[$0].isNaN }
        span = (present.last ?? 0) - (present.first ?? 1) + 1
        tolerance = Extended(values.filter { !$0.isNaN }.map(abs).max() ?? 0) * 0x1p-50 / 1e7
        var gains: [(month: String, before: Double, after: Double)] = []
        for (day, level) in zip(days, levels) where !dates.isEmpty {
            let month = String(dates[day].description.prefix(7))
            if gains.last?.month == month {
                gains[gains.count - 1].after = isDaily ? gains[gains.count - 1].after + level.after : level.after
            } else {
                gains.append((month, isDaily ? 0 : level.before, level.after))
            }
        }
        monthGains = gains.map { $0.after - $0.before }
        (self.returns, self.days, self.dates) = (returns, days, dates)
        windows = AlphaFeature.Rolling.lengths.map { [tolerance] length in
            guard returns.count >= length else { return [] }
            return (0...(returns.count - length)).map { Self.window(returns, from: $0, length, tolerance) }
        }
    }

    /// Plain loops, since a debug build takes its time with anything else.
    private static func window(
        _ x: [Extended], from start: Int, _ length: Int, _ tolerance: Extended
    ) -> (mean: Extended, deviation: Extended) {
        var (sum, low, high, squares) = (Extended(0), x[start], x[start], Extended(0))
        for k in start..<(start + length) {
            sum += x[k]
            if x[k] < low { low = x[k] }
            if x[k] > high { high = x[k] }
        }
        let mean = sum / Extended(length)
        for k in start..<(start + length) { squares += (x[k] - mean) * (x[k] - mean) }
        return (mean, high - low <= tolerance ? 0 : (squares / Extended(length - 1)).squareRoot())
    }

    var count: Extended { Extended(returns.count) }

    static func mean(_ x: some Collection<Extended>) -> Extended { x.reduce(0, +) / Extended(x.count) }

    static func sum(_ x: some Collection<Extended>, power: Int) -> Extended {
        let mean = mean(x)
        return x.reduce(0) { sum, value in
            let square = (value - mean) * (value - mean)
            return sum + (power == 2 ? square : power == 3 ? square * (value - mean) : square * square)
        }
    }

    func isConstant(_ x: some Collection<Extended>) -> Bool { (x.max() ?? 0) - (x.min() ?? 0) <= tolerance }

    func deviation(_ x: some Collection<Extended>) -> Extended {
        isConstant(x) ? 0 : (Self.sum(x, power: 2) / Extended(x.count - 1)).squareRoot()
    }

    func quantile(_ q: Double) -> Extended {
        let sorted = returns.sorted()
        let place = Double(returns.count - 1) * q
        let low = Int(place)
        let next = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[next] - sorted[low]) * Extended(place - Double(low))
    }

    private func shortfall(_ limit: Extended) -> Extended { Self.mean(returns.filter { $0 <= limit }) }

    /// nil where undefined.
    func value(of feature: AlphaFeature) -> Extended? {
        if feature == .dayCount { return count }
        guard !returns.isEmpty else { return nil }
        let year: Extended = 252
        let mean = Self.mean(returns)
        switch feature {
        case .dayCount: return count
        case .startDate: return dates.isEmpty ? nil : Extended(dates[days[0]].rawValue)
        case .endDate: return dates.isEmpty ? nil : Extended(dates[days[days.count - 1]].rawValue)
        case .meanReturn: return mean
        case .annualReturn: return year * mean
        case .volatility: return count < 2 ? nil : year.squareRoot() * deviation(returns)
        case .sharpe: return isConstant(returns) ? nil : year.squareRoot() * mean / deviation(returns)
        case .sortino:
            let losses = returns.reduce(0) { $0 + min($1, 0) * min($1, 0) }
            return losses == 0 ? nil : year.squareRoot() * mean / (losses / count).squareRoot()
        case .skew:
            guard count >= 3, !isConstant(returns) else { return nil }
            let m2 = Self.sum(returns, power: 2) / count
            let biased = Self.sum(returns, power: 3) / count / (m2 * m2.squareRoot())
            return biased * (count * (count - 1)).squareRoot() / (count - 2)
        case .kurtosis:
            guard count >= 4, !isConstant(returns) else { return nil }
            let m2 = Self.sum(returns, power: 2) / count
            let biased = Self.sum(returns, power: 4) / count / (m2 * m2) - 3
            return ((count + 1) * biased + 6) * (count - 1) / ((count - 2) * (count - 3))
        case .maxDrawdown: return drawdown
        case .calmar: return drawdown == 0 ? nil : year * mean / -drawdown
        case .cagr: return growth
        case .maxDrawdownCompounded: return growth == nil ? nil : compoundedDrawdown
        case .calmarCompounded: return growth == nil || compoundedDrawdown == 0 ? nil : growth! / -compoundedDrawdown
        case .var95: return quantile(0.05)
        case .cvar95: return shortfall(quantile(0.05))
        case .var99: return quantile(0.01)
        case .cvar99: return shortfall(quantile(0.01))
        case .tailRatio: return quantile(0.05) == 0 ? nil : abs(quantile(0.95)) / abs(quantile(0.05))
        case .hitRate: return Extended(returns.count { $0 > 0 }) / count
        case .monthlyConsistency:
            return monthGains.isEmpty ? nil : Extended(monthGains.count { $0 > 0 }) / Extended(monthGains.count)
        case .longestGainRun: return Extended(longestRun { $0 > 0 })
        case .longestLossRun: return Extended(longestRun { $0 < 0 })
        case .stability: return stability
        case .hurst: return hurst
        case .rolling(let rolling): return value(of: rolling)
        }
    }

    private var line: [Extended] {
        var sum: Extended = 0
        return returns.map { value in
            sum += value
            return sum
        }
    }

    private var drawdown: Extended {
        var peak: Extended = 0
        return line.map { level in
            peak = max(peak, level)
            return level - peak
        }.min() ?? 0
    }

    private var wealth: [Extended] {
        var product: Extended = 1
        return returns.map { value in
            product *= 1 + value
            return product
        }
    }

    private var growth: Extended? {
        guard let last = wealth.last, wealth.allSatisfy({ $0 > 0 && $0 < 1e308 }) else { return nil }
        let result = pow(last, 252 / Extended(span)) - 1
        return result < 1e308 ? result : nil
    }

    private var compoundedDrawdown: Extended {
        var peak: Extended = 1
        return wealth.map { level in
            peak = max(peak, level)
            return (level - peak) / peak
        }.min() ?? 0
    }

    private func longestRun(_ belongs: (Extended) -> Bool) -> Int {
        returns.split { !belongs($0) }.map(\.count).max() ?? 0
    }

    private static func slope(_ x: [Extended], _ y: [Extended]) -> (slope: Extended, square: Extended) {
        let (mx, my) = (mean(x), mean(y))
        let xy = zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
        return (xy / sum(x, power: 2), xy * xy / (sum(x, power: 2) * sum(y, power: 2)))
    }

    private var stability: Extended? {
        guard returns.count >= 3, !isConstant(line) else { return nil }
        return Self.slope(returns.indices.map { Extended($0) }, line).square
    }

    private var hurst: Extended? {
        var (x, y): ([Extended], [Extended]) = ([], [])
        var length = 8
        while 2 * length <= returns.count {
            let windows = stride(from: 0, through: returns.count - length, by: length).map { returns[$0..<($0 + length)] }
            let ratios = windows.filter { !isConstant($0) }.map { window in
                let mean = Self.mean(window)
                var running: Extended = 0
                let path = window.map { value in
                    running += value - mean
                    return running
                }
                return (path.max()! - path.min()!) / deviation(window)
            }
            if !ratios.isEmpty {
                x.append(log(Extended(length)))
                y.append(log(Self.mean(ratios)))
            }
            length *= 2
        }
        return x.count < 3 ? nil : Self.slope(x, y).slope
    }

    private func value(of rolling: AlphaFeature.Rolling) -> Extended? {
        let all = windows[AlphaFeature.Rolling.lengths.firstIndex(of: rolling.length)!].map { window -> Extended? in
            let year: Extended = 252
            if rolling.figure == .volatility { return year.squareRoot() * window.deviation }
            return window.deviation == 0 ? nil : year.squareRoot() * window.mean / window.deviation
        }
        let defined = all.compactMap { $0 }
        switch rolling.summary {
        case .last: return all.last ?? nil
        case .min: return defined.min()
        case .max: return defined.max()
        case .mean: return defined.isEmpty ? nil : Self.mean(defined)
        }
    }
}

/// Days one after another from 2020-01-01, weekends included.
func consecutiveDates(_ count: Int) -> [Day] { (0..<Int32(count)).map { Day(rawValue: 18_262 + $0) } }

/// Rows of some series, as the kernel finds them.
func foundFeatures(
    _ series: [[Double]], firstDay: Int = 0, isDaily: Bool = false, dates: [Day]? = nil
) -> [AlphaFeatureRow] {
    let days = series[0].count
    let values = series.flatMap { $0 }.withUnsafeBufferPointer {
        AlphaFeatures.find(
            $0, alphaCount: series.count, dayCount: days, firstDay: firstDay, isDaily: isDaily,
            dates: dates ?? consecutiveDates(days))
    }
    return series.indices.map { alpha in
        let start = alpha * AlphaFeature.count
        return AlphaFeatureRow(alphaID: "\(alpha)", values: Array(values[start..<(start + AlphaFeature.count)]))
    }
}
