import ClusterModel

/// A calendar date as days since 1970-01-01 in the proleptic Gregorian calendar.
///
/// Own arithmetic, because a calendar library would bring time zones into something that has none. Formulas:
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil, civil_from_days).
package struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// 0001-01-01 and 9999-12-31: what text can say.
    package static let earliest = Day(civil: 1, 1, 1)
    package static let latest = Day(civil: 9999, 12, 31)

    /// - Parameter text: `YYYY-MM-DD`, years 0001 to 9999.
    /// - Throws: `GridError(.usage)` when the text has another form or names a day that does not exist.
    package init(parsing text: String) throws(GridError) {
        var text = text
        guard let day = text.withUTF8({ Day(iso: $0) }) else {
            throw GridError(.usage, "'\(text.printable)' is not a date: expected YYYY-MM-DD, such as 2024-02-29")
        }
        self = day
    }

    /// The same for bytes; nil when they are no date.
    package init?(iso bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func number(_ start: Int, _ count: Int) -> Int? {
            var value = 0
            for i in start..<(start + count) {
                let digit = bytes[i] &- 48
                guard digit <= 9 else { return nil }
                value = value * 10 + Int(digit)
            }
            return value
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            year >= 1, (1...12).contains(month), day >= 1, day <= Self.daysInMonth(year, month)
        else { return nil }
        self.init(civil: year, month, day)
    }

    /// The same day and month `years` later (or earlier); 29 February becomes the 28th where there is none.
    package func adding(years: Int) -> Day {
        let (year, month, day) = civil
        let (target, overflow) = year.addingReportingOverflow(years)
        guard !overflow, (-5_000_000...5_000_000).contains(target) else {
            return Day(rawValue: years < 0 ? .min : .max)
        }
        return Day(civil: target, month, min(day, Self.daysInMonth(target, month)))
    }

    /// A number that the days of a calendar month share and no others have; it grows by one from month to month.
    package var monthNumber: Int32 {
        let (year, month, _) = civil
        return Int32(clamping: year * 12 + month - 1)
    }

    package static func < (a: Day, b: Day) -> Bool { a.rawValue < b.rawValue }

    /// `YYYY-MM-DD`.
    package var description: String {
        let (year, month, day) = civil
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(abs(number))
            return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// days_from_civil; the year is counted from March so that the leap day comes last.
    private init(civil year: Int, _ month: Int, _ day: Int) {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        rawValue = Int32(clamping: era * 146_097 + dayOfEra - 719_468)
    }

    /// civil_from_days.
    private var civil: (year: Int, month: Int, day: Int) {
        let z = Int(rawValue) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func daysInMonth(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
