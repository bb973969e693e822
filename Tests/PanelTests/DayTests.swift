import ClusterModel
import Panel
import Testing

@Suite struct DayTests {
    @Test(
        "Days since 1970 are those that Python's datetime counts",
        arguments: [
            ("0001-01-01", -719_162), ("1600-02-29", -135_081), ("1900-03-01", -25_508), ("1969-12-31", -1),
            ("1970-01-01", 0), ("2000-02-29", 11_016), ("2018-02-07", 17_569), ("2024-02-29", 19_782),
            ("9999-12-31", 2_932_896),
        ] as [(String, Int32)])
    func known(text: String, days: Int32) throws {
        #expect(try Day(parsing: text).rawValue == days)
        #expect(Day(rawValue: days).description == text)
    }

    @Test("Every 101st day of ten thousand years reads back as written, and consecutive days follow each other")
    func roundTrip() throws {
        var failures: [Int32] = []
        for raw in stride(from: Day.earliest.rawValue, through: Day.latest.rawValue - 1, by: 101) {
            let text = Day(rawValue: raw).description
            let next = Day(rawValue: raw + 1).description
            if try Day(parsing: text).rawValue != raw || text >= next { failures.append(raw) }
        }
        #expect(failures.isEmpty)
    }

    @Test(
        "Text that is no date is refused with what was expected",
        arguments: [
            "", "2024-1-01", "2024-01-1", "2024/01/01", "20240101", "2024-13-01", "2024-00-10", "2024-04-31", "2023-02-29",
            "1900-02-29", "0000-01-01", "2024-01-01 ", " 2024-01-01", "2024-01-0a", "-024-01-01", "2024-01-01T00:00", "２024-01-0",
        ])
    func refused(text: String) {
        #expect(message { _ = try Day(parsing: text) } == "'\(text)' is not a date: expected YYYY-MM-DD, such as 2024-02-29")
    }

    @Test(
        "Adding years keeps day and month, and makes 29 February the 28th, as pandas.DateOffset does",
        arguments: [
            ("2018-02-07", -4, "2014-02-07"), ("2024-02-29", -4, "2020-02-29"), ("2024-02-29", -1, "2023-02-28"),
            ("2023-12-31", 1, "2024-12-31"), ("2000-02-29", -100, "1900-02-28"),
        ])
    func years(from: String, years: Int, to: String) throws {
        #expect(try Day(parsing: from).adding(years: years).description == to)
    }

    @Test("Dates far outside the calendar neither trap nor wrap around")
    func extremes() {
        #expect(Day.latest.adding(years: .max).rawValue == .max)
        #expect(Day.earliest.adding(years: .min).rawValue == .min)
        #expect(Day(rawValue: .min).description.hasPrefix("-"))
        #expect(Day(rawValue: .max) > Day.latest && Day(rawValue: .min) < Day.earliest)
    }
}
