/// What to make: how many alphas and days, and how untidy they are.
struct SyntheticRecipe {
    var region: String
    var alphas: Int
    var days: Int
    var seed: UInt64
    /// Shares of the alphas, 0 ... 1.
    var late: Double
    var gaps: Double
    var duplicates: Double
}

/// Made-up cumulative PnL with the structure of a real region: a market factor, families of strategies, noise, late
/// starters, missing days and near duplicates.
struct SyntheticRegion {
    let ids: [String]
    let dates: [String]
    /// Cumulative PnL in cents per alpha and date; nil where the alpha has no row.
    let cents: [[Int64?]]

    private static let familyCount = 16
    /// Daily standard deviation of an alpha's PnL in cents, smallest and largest: 0.05 % to 0.5 % of a book of 10 million.
    private static let deviationCents = (low: 500_000.0, high: 5_000_000.0)

    init(_ recipe: SyntheticRecipe) {
        let digits = max(4, String(recipe.alphas).count)
        ids = (0..<recipe.alphas).map { index in
            let number = String(index + 1)
            return "SYN_\(recipe.region)_" + String(repeating: "0", count: digits - number.count) + number
        }
        // Regions trade on different days, and their factors have nothing to do with each other.
        dates = Self.tradingDays(recipe.days, region: recipe.region)
        var factors: [[Double]] = []
        for family in 0...Self.familyCount {
            var random = SplitMix64(seed: recipe.seed, purpose: "factor \(recipe.region)", index: family)
            factors.append((0..<recipe.days).map { _ in random.normal() })
        }
        var daily: [[Double]] = []
        var series: [[Int64?]] = []
        for index in 0..<recipe.alphas {
            var random = SplitMix64(seed: recipe.seed, purpose: "alpha \(recipe.region)", index: index)
            let copied = index > 0 && random.uniform() < recipe.duplicates ? daily[random.below(index)] : nil
            daily.append(Self.dailyCents(&random, factors: factors, copied: copied))
            series.append(Self.cumulative(daily[index], &random, recipe))
        }
        cents = series
    }

    /// Daily PnL: loadings on the market and on one family, own noise and a small drift; or another alpha's PnL with
    /// a twentieth of noise on top.
    private static func dailyCents(_ random: inout SplitMix64, factors: [[Double]], copied: [Double]?) -> [Double] {
        let spread = deviationCents.high - deviationCents.low
        let share = random.uniform()
        let deviation = deviationCents.low + spread * share * share
        if let copied {
            return copied.map { $0 + 0.05 * deviationCents.low * random.normal() }
        }
        let market = 0.1 + 0.3 * random.uniform()
        let family = 1 + random.below(familyCount)
        // A few strategies of each family are its mirror image.
        let loading = (0.3 + 0.6 * random.uniform()) * (random.below(8) == 0 ? -1 : 1)
        let drift = 0.08 * (random.uniform() - 0.3)
        return factors[0].indices.map { day in
            deviation * (drift + market * factors[0][day] + loading * factors[family][day] + 0.7 * random.normal())
        }
    }

    /// Adds up whole cents, so that the numbers in the file are exact, and leaves days out.
    private static func cumulative(_ daily: [Double], _ random: inout SplitMix64, _ recipe: SyntheticRecipe) -> [Int64?] {
        let days = daily.count
        let start = random.uniform() < recipe.late ? random.below(max(1, days * 4 / 5)) : 0
        var missing = Set<Int>()
        if random.uniform() < recipe.gaps {
            for _ in 0...random.below(4) {
                let first = start + random.below(max(1, days - start))
                for day in first...(first + random.below(3)) { missing.insert(day) }
            }
        }
        var total: Int64 = 0
        return daily.indices.map { day in
            if day < start { return nil }
            // The first row is the start of the book, before it has earned anything.
            if day > start { total += Int64(daily[day].rounded()) }
            return missing.contains(day) ? nil : total
        }
    }

    /// Weekdays from 2019-01-01 on, less about one in forty that is a holiday in this region.
    private static func tradingDays(_ count: Int, region: String) -> [String] {
        var random = SplitMix64(seed: 0, purpose: "holidays \(region)", index: 0)
        var day = CivilDay(year: 2019, month: 1, day: 1, weekday: 2)
        var dates: [String] = []
        while dates.count < count {
            if day.weekday < 6, random.below(40) != 0 { dates.append(day.text) }
            day.advance()
        }
        return dates
    }
}

/// A day of the Gregorian calendar, stepped one by one.
private struct CivilDay {
    var year: Int
    var month: Int
    var day: Int
    /// 1 is Monday, 7 Sunday.
    var weekday: Int

    mutating func advance() {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        weekday = weekday % 7 + 1
        day += 1
        if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
        if month > 12 { (year, month) = (year + 1, 1) }
    }

    var text: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))"
    }
}
