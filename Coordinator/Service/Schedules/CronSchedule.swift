import ClusterModel

/// A cron expression of five fields: minute, hour, day of the month, month, day of the week.
///
/// Fields have lists, ranges, steps and names (`30 22 * * MON-FRI`, `*/15 8-17 * * *`, `0 0 1,15 JAN *`); 7 is Sunday too. Where
/// both day fields leave something out, a day that suits either of them counts, as cron has it. `@hourly`, `@daily`, `@weekly`,
/// `@monthly` and `@yearly` are short for what they say.
///
/// Pure: the offset of a time zone is an argument. A local time that a change of the clocks skips runs at the first minute
/// after the gap, and one that comes twice runs the first time.
package struct CronSchedule: Hashable, Sendable {
    /// A bit per minute, hour, day, month or weekday; 0 is Sunday.
    private let minutes: UInt64
    private let hours: UInt64
    private let days: UInt64
    private let months: UInt64
    private let weekdays: UInt64

    private struct Field {
        let name: String
        let range: ClosedRange<Int>
        var names: [String] = []

        var all: UInt64 { range.reduce(0) { $0 | 1 << UInt64($1) } }
    }

    private static let minuteField = Field(name: "minute", range: 0...59)
    private static let hourField = Field(name: "hour", range: 0...23)
    private static let dayField = Field(name: "day of the month", range: 1...31)
    private static let monthField = Field(
        name: "month", range: 1...12,
        names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    private static let weekdayField = Field(
        name: "day of the week", range: 0...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    /// - Throws: `GridError(.usage)` naming the field that is wrong, also when no day ever suits it.
    package init(parsing text: String) throws(GridError) {
        guard text.utf8.count <= Limits.cronBytesMax else {
            throw GridError(.usage, "cron expression has \(text.utf8.count) bytes: expected at most \(Limits.cronBytesMax)")
        }
        let fields = (Self.shorthands[text] ?? text).split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count == 5 else {
            throw GridError(
                .usage,
                "cron expression '\(text.printable)' has \(fields.count) fields: expected minute, hour, day of the month, "
                    + "month and day of the week, such as '30 22 * * 1-5'")
        }
        minutes = try Self.bits(fields[0], Self.minuteField)
        hours = try Self.bits(fields[1], Self.hourField)
        days = try Self.bits(fields[2], Self.dayField)
        months = try Self.bits(fields[3], Self.monthField)
        let found = try Self.bits(fields[4], Self.weekdayField)
        weekdays = (found | found >> 7) & 0x7F
        guard next(after: 0, offset: { _ in 0 }) != nil else {
            throw GridError(.usage, "cron expression '\(text.printable)' names no day that there is")
        }
    }

    private static func bits(_ text: Substring, _ field: Field) throws(GridError) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { bits |= try Self.bits(ofPart: part, field) }
        return bits
    }

    /// `*`, `a`, `a-b`, each also with `/step`; `a/step` runs to the end of the range.
    private static func bits(ofPart part: Substring, _ field: Field) throws(GridError) -> UInt64 {
        func wrong(_ what: String) -> GridError {
            GridError(.usage, "cron field \(field.name) has '\(String(part).printable)': \(what)")
        }
        let halves = part.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let base = halves.first, !base.isEmpty else { throw wrong("expected such as *, 5, 1-5 or */15") }
        var step = 1
        if halves.count == 2 {
            guard let number = Self.number(halves[1]), (1...field.range.upperBound).contains(number) else {
                throw wrong("expected a step from 1 to \(field.range.upperBound)")
            }
            step = number
        }
        var (low, high) = (field.range.lowerBound, field.range.upperBound)
        // Sunday once is enough.
        if base == "*", !field.names.isEmpty, field.range.lowerBound == 0 { high = 6 }
        if base != "*" {
            let ends = base.split(separator: "-", omittingEmptySubsequences: false)
            let values = ends.map { value($0, field) }
            guard (1...2).contains(ends.count), let first = values[0], let last = values[values.count - 1] else {
                throw wrong(
                    "expected numbers from \(low) to \(high)\(field.names.isEmpty ? "" : ", or names such as \(field.names[0])")")
            }
            guard first <= last else { throw wrong("expected the smaller end first") }
            low = first
            if ends.count == 2 || halves.count == 1 { high = last }
            // A bare number with a step runs to the end, which for weekdays is Saturday.
            if ends.count == 1, halves.count == 2, !field.names.isEmpty, field.range.lowerBound == 0 { high = max(low, 6) }
        }
        return stride(from: low, through: high, by: step).reduce(0) { $0 | 1 << UInt64($1) }
    }

    private static func value(_ text: Substring, _ field: Field) -> Int? {
        if let name = field.names.firstIndex(of: text.uppercased()) {
            return field.range.lowerBound == 0 ? name : name + field.range.lowerBound
        }
        return number(text).flatMap { field.range.contains($0) ? $0 : nil }
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    // MARK: Next

    /// The first minute after a time at which it is due.
    ///
    /// - Parameters:
    ///   - seconds: since 1970.
    ///   - offset: of the zone at a time, in seconds: local time less UTC.
    /// - Returns: nil when there is none within `Limits.cronYearsMax` years.
    package func next(after seconds: Int64, offset: (Int64) -> Int64) -> Int64? {
        let local = seconds + offset(seconds)
        let begin = Self.floor(local, by: 60) * 60 + 60
        let firstDay = Self.floor(begin, by: Self.daySeconds)
        for day in firstDay..<(firstDay + Int64(Limits.cronYearsMax) * 366) where suits(day) {
            for hour in 0..<24 where hours & 1 << UInt64(hour) != 0 {
                for minute in 0..<60 where minutes & 1 << UInt64(minute) != 0 {
                    let wall = day * Self.daySeconds + Int64(hour * 3_600 + minute * 60)
                    guard wall >= begin else { continue }
                    let moment = Self.moment(ofWall: wall, offset: offset)
                    // The second pass of an hour that comes twice.
                    if moment > seconds { return moment }
                }
            }
        }
        return nil
    }

    private static let daySeconds: Int64 = 86_400

    private static func floor(_ value: Int64, by unit: Int64) -> Int64 {
        value >= 0 ? value / unit : -((unit - 1 - value) / unit)
    }

    /// - Parameter day: days since 1970.
    private func suits(_ day: Int64) -> Bool {
        let (_, month, dayOfMonth) = Self.date(ofDay: day)
        guard months & 1 << UInt64(month) != 0 else { return false }
        // The first of January 1970 was a Thursday.
        let weekday = UInt64((day + 4) - Self.floor(day + 4, by: 7) * 7)
        let isDay = days & 1 << UInt64(dayOfMonth) != 0
        let isWeekday = weekdays & 1 << weekday != 0
        let restrictsBoth = days != Self.dayField.all && weekdays != 0x7F
        return restrictsBoth ? isDay || isWeekday : isDay && isWeekday
    }

    /// Year, month and day of the proleptic Gregorian calendar; the year begins in March while it is computed, so that the leap
    /// day is its last.
    static func date(ofDay day: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = floor(shifted, by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))
    }

    /// When the clocks of a zone show a time: the first time they do, or the end of the gap in which they never do.
    private static func moment(ofWall wall: Int64, offset: (Int64) -> Int64) -> Int64 {
        // Far enough to be on either side of any one change, a day that was left out included.
        let (before, after) = (offset(wall - 2 * daySeconds), offset(wall + 2 * daySeconds))
        let candidates = [wall - before, wall - after].filter { $0 + offset($0) == wall }
        if let first = candidates.min() { return first }
        // Somewhere between these the offset changes.
        var (low, high) = (wall - 2 * daySeconds, wall + 2 * daySeconds)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if offset(middle) == before { low = middle } else { high = middle }
        }
        return high
    }
}
