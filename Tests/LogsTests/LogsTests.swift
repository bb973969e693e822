import ClusterModel
import Foundation
import Logging
import Synchronization
import Testing

@testable import Logs

private final class Lines: Sendable {
    let all = Mutex<[String]>([])
    func add(_ line: String) { all.withLock { $0.append(line) } }
}

private func fields(_ line: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
}

@Suite struct LogsTests {
    @Test("An entry is one line of JSON with its time, level, component, message and its ids as fields")
    func entry() throws {
        let lines = Lines()
        var logger = Logger(label: "alphagrid") { _ in JSONLogHandler(sink: lines.add) }
        logger[metadataKey: "epoch"] = "7"
        logger.info("job running", metadata: ["job": "12", "worker": "host-17", "task": "3"])
        let line = try #require(lines.all.withLock { $0 }.first)
        let entry = try fields(line)
        #expect(entry["level"] as? String == "info" && entry["message"] as? String == "job running")
        #expect(entry["component"] as? String == "LogsTests")
        #expect(entry["job"] as? Int == 12 && entry["task"] as? Int == 3 && entry["epoch"] as? Int == 7)
        #expect(entry["worker"] as? String == "host-17")
        #expect((entry["time"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        #expect(line.hasPrefix("{\"time\":") && !line.contains("\n"))
    }

    @Test("Whatever a message holds, the line stays one line, valid and bounded")
    func hostile() throws {
        let hostile = "a\"b\\c\nd\u{1B}[31m\u{0}\u{85}\u{2028}\u{1F600}"
        let entry = try fields(
            JSONLogHandler.line(at: Date(), .error, component: hostile, hostile, ["error": "\(hostile)", "message": "x"]))
        #expect(entry["message"] as? String == hostile && entry["error"] as? String == hostile)
        #expect(entry["message_"] as? String == "x")
        let long = JSONLogHandler.line(at: Date(), .info, component: "c", String(repeating: "\n", count: 1 << 20), [:])
        #expect(long.utf8.count < 2 * Limits.logLineBytesMax)
        _ = try fields(long)
    }

    @Test("An id that is no whole number is text instead of broken JSON")
    func ids() throws {
        let entry = try fields(JSONLogHandler.line(at: Date(), .info, component: "c", "m", ["job": "1e", "task": "007x"]))
        #expect(entry["job"] as? String == "1e" && entry["task"] as? String == "007x")
    }

    @Test("The ring keeps the last lines in their order and no more")
    func ring() {
        let ring = LogRing(capacity: 3)
        #expect(ring.recent.isEmpty)
        for number in 1...2 { ring.append("\(number)") }
        #expect(ring.recent == ["1", "2"])
        for number in 3...8 { ring.append("\(number)") }
        #expect(ring.recent == ["6", "7", "8"])
    }

    @Test("A logger with a ring remembers what is logged from its level on")
    func remembered() throws {
        let ring = LogRing()
        let logger = ProgramLog.logger("alphagrid", .json, level: "error", ring: ring)
        logger.info("not worth it")
        logger.error("remembered", metadata: ["job": "1"])
        #expect(ring.recent.count == 1)
        #expect(try fields(ring.recent[0])["message"] as? String == "remembered")
    }

    @Test("A format that is none is refused with those there are")
    func formats() throws {
        #expect(try LogFormat(parsing: nil, field: "--log-format") == .text)
        #expect(try LogFormat(parsing: "json", field: "--log-format") == .json)
        let error = #expect(throws: GridError.self) { try LogFormat(parsing: "xml", field: "--log-format") }
        #expect(error?.message == "--log-format 'xml' is not valid: expected text or json")
    }
}
