import ClusterModel
import Foundation
import Testing

@testable import Service

struct CronScheduleTests {
    private func seconds(_ text: String) -> Int64 {
        Int64((try? Date(text, strategy: .iso8601))?.timeIntervalSince1970 ?? .nan)
    }

    private func times(_ text: String, from start: String, in zone: String, count: Int) throws -> [String] {
        let (cron, zone) = (try CronSchedule(parsing: text), try ScheduleZone(named: zone))
        var now = seconds(start)
        return try (0..<count).map { _ in
            now = try #require(cron.next(after: now, offset: zone.offset))
            return Date(timeIntervalSince1970: Double(now)).ISO8601Format()
        }
    }

    @Test("Thousands of random expressions are due when croniter says they are")
    func peer() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "peers/cron.txt")
        var compared = 0
        for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: "|")
            let cron = try CronSchedule(parsing: String(parts[0]))
            var now = try #require(Int64(parts[1]))
            for expected in parts[2].split(separator: " ") {
                let next = cron.next(after: now, offset: { _ in 0 })
                #expect(next == Int64(expected), "\(line)")
                now = next ?? 0
                compared += 1
            }
        }
        #expect(compared == 6_000)
    }

    @Test("A local time that is skipped runs right after the gap, once; one that comes twice runs the first time")
    func clockChanges() throws {
        // New York: 2025-03-09 02:00 becomes 03:00; 2025-11-02 02:00 becomes 01:00 again.
        #expect(
            try times("30 2 * * *", from: "2025-03-08T12:00:00Z", in: "America/New_York", count: 2)
                == ["2025-03-09T07:00:00Z", "2025-03-10T06:30:00Z"])
        #expect(
            try times("*/20 2,3 9 3 *", from: "2025-03-09T06:00:00Z", in: "America/New_York", count: 4)
                == ["2025-03-09T07:00:00Z", "2025-03-09T07:20:00Z", "2025-03-09T07:40:00Z", "2026-03-09T06:00:00Z"])
        #expect(
            try times("30 1 * * *", from: "2025-11-02T00:00:00Z", in: "America/New_York", count: 2)
                == ["2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z"])
        // Lord Howe changes by half an hour, and Samoa left a day out.
        #expect(
            try times("15 2 5 10 *", from: "2025-10-04T00:00:00Z", in: "Australia/Lord_Howe", count: 1) == [
                "2025-10-04T15:30:00Z"
            ])
        #expect(
            try times("0 9 30 12 *", from: "2011-12-29T00:00:00Z", in: "Pacific/Apia", count: 2)
                == ["2011-12-30T10:00:00Z", "2012-12-29T19:00:00Z"])
    }

    @Test(
        "In every zone the times are those that a minute by minute look at the clock gives",
        arguments: [
            "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Kolkata",
        ])
    func twin(name: String) throws {
        let zone = try ScheduleZone(named: name)
        let begin = seconds("2018-01-01T00:00:00Z")
        let changes = stride(from: begin, to: begin + 2 * 366 * 86_400, by: 1_800).filter {
            zone.offset($0) != zone.offset($0 + 1_800)
        }
        for change in changes.prefix(6) {
            for text in ["*/7 * * * *", "13,47 0-3 * * *", "30 1 * * *", "30 2 * * *", "0 */2 * * *"] {
                let cron = try CronSchedule(parsing: text)
                let start = change - change % 60 - 5 * 3_600
                // The slow way: every local minute is new once; one that never comes is made up for by the next.
                var expected: [Int64] = []
                var latest = start - 86_400 + zone.offset(start - 86_400)
                for minute in stride(from: start - 86_400, through: start + 10 * 3_600, by: 60) {
                    let local = minute + zone.offset(minute)
                    guard local > latest else { continue }
                    let passed = stride(from: latest + 60, through: local, by: 60)
                    let isDue = passed.contains { cron.next(after: $0 - 60, offset: { _ in 0 }) == $0 }
                    if isDue, minute > start { expected.append(minute) }
                    latest = local
                }
                var now = start
                for moment in expected {
                    now = try #require(cron.next(after: now, offset: zone.offset))
                    #expect(now == moment, "\(text) after \(change)")
                }
            }
        }
    }

    @Test(
        "What is no cron expression is refused with the field that is wrong",
        arguments: [
            ("* * * *", "4 fields"), ("* * * * * *", "6 fields"), ("60 * * * *", "minute"), ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of the month"), ("* * * 13 *", "month"), ("* * * * 8", "day of the week"),
            ("5-1 * * * *", "smaller"),
            ("*/0 * * * *", "step"), ("1//2 * * * *", "minute"), ("1- * * * *", "minute"), (", * * * *", "minute"),
            ("* * * FOO *", "month"), ("0 0 30 2 *", "no day"), ("@often", "fields"), ("-1 * * * *", "minute"), ("", "fields"),
            ("99999999999999999999 * * * *", "minute"),
        ])
    func refused(text: String, names: String) {
        #expect { try CronSchedule(parsing: text) } throws: { "\($0)".contains(names) }
    }

    @Test("Names, Sunday as 7, shorthands and leap days are understood")
    func names() throws {
        #expect(try CronSchedule(parsing: "0 0 * jan-MAR mon,WED") == CronSchedule(parsing: "0 0 * 1-3 1,3"))
        #expect(try CronSchedule(parsing: "0 0 * * 7") == CronSchedule(parsing: "@weekly"))
        #expect(
            try times("0 0 29 2 *", from: "2025-01-01T00:00:00Z", in: "UTC", count: 2) == [
                "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z",
            ])
        #expect(throws: GridError.self) { try ScheduleZone(named: "EST") }
        #expect(throws: GridError.self) { try ScheduleZone(named: "Mars/Olympus") }
    }
}
