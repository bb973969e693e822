import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One process, and not another one that got its number later.
struct ProcessIdentity: Equatable, Sendable, CustomStringConvertible {
    var processID: Int32
    /// When it started, in ticks since the machine did; the same number with another start is another process.
    var startTicks: UInt64

    /// - Returns: nil when there is no such process.
    init?(_ processID: Int32) {
        guard let stat = Self.read(processID) else { return nil }
        self.processID = processID
        startTicks = stat.startTicks
    }

    /// From what `description` wrote.
    init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let processID = Int32(parts[0]), processID > 1, let startTicks = UInt64(parts[1]) else {
            return nil
        }
        self.processID = processID
        self.startTicks = startTicks
    }

    var description: String { "\(processID) \(startTicks)" }

    /// Whether it runs; one that has ended but that nobody has asked about yet does not.
    var isAlive: Bool {
        guard let stat = Self.read(processID) else { return false }
        return stat.startTicks == startTicks && stat.state != "Z" && stat.state != "X"
    }

    func send(_ number: Int32) {
        if isAlive { kill(processID, number) }
    }

    /// Asks processes to end, and makes those that have not after so many seconds.
    ///
    /// - Parameter isUrgent: Asked all the while; once true, nobody is given more time.
    static func end(_ processes: [ProcessIdentity], gracefulSeconds: Double, isUrgent: () -> Bool = { false }) {
        for process in processes { process.send(SIGTERM) }
        wait(for: processes, seconds: gracefulSeconds, isUrgent: isUrgent)
        for process in processes { process.send(SIGKILL) }
        wait(for: processes, seconds: 5)
    }

    static func wait(for processes: [ProcessIdentity], seconds: Double, isUrgent: () -> Bool = { false }) {
        var remaining = Int(seconds * 50)
        while remaining > 0, !isUrgent(), processes.contains(where: \.isAlive) {
            usleep(20_000)
            remaining -= 1
        }
    }

    private static func read(_ processID: Int32) -> (state: Substring, startTicks: UInt64)? {
        guard let text = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8) else { return nil }
        return parse(text)
    }

    /// State and start of a line of `/proc/PID/stat`; the name in parentheses may hold blanks and parentheses.
    static func parse(_ line: String) -> (state: Substring, startTicks: UInt64)? {
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        // The state is field 3 and the start field 22 of the manual's count.
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        return (fields[0], start)
    }
}
