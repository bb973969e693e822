import API
import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where results go. When nobody reads any more, as in `alphagrid jobs | head -1`, the process ends without a word.
enum StandardOutput {
    /// What a command has to say. Where it cannot be written, such as on a full disk, the process says so and ends as failed: a
    /// file that lacks its end must not look like a whole one.
    static func write(_ text: String) {
        do throws(GridError) {
            try write(Data(text.utf8))
        } catch {
            StandardError.writeLine("error: \(error.message)")
            exit(error.exitCode)
        }
    }

    /// - Throws: `GridError(.failed)` when the bytes cannot be written, such as on a full disk.
    static func write(_ bytes: some ContiguousBytes) throws(GridError) {
        let code = bytes.withUnsafeBytes { writeAll($0, to: STDOUT_FILENO) }
        // The system does it by itself, unless whoever started this process has switched that off.
        if code == EPIPE { exit(128 + SIGPIPE) }
        if code != 0 { throw GridError(.failed, "cannot write to standard output: \(systemMessage(code))") }
    }

    /// A line of a program that goes on whether somebody reads it or not.
    static func announce(_ line: String) {
        var text = line + "\n"
        _ = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: STDOUT_FILENO) }
    }

    static func writeJSON(_ value: some Encodable) throws { try write(try GridJSON.encodeForReading(value)) }
}

/// Where everything else goes.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        _ = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
    }

    static func writeLine(_ text: String) { write(text + "\n") }

    /// Whether a person reads along, and no file keeps it.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// What a stream leads to.
struct Terminal: Equatable {
    var isTerminal: Bool
    var hasColor: Bool
    var columns: Int
    var rows: Int

    static let columnsDefault = 80
    static let rowsDefault = 24

    static func of(_ descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) -> Terminal {
        var size = winsize()
        let isTerminal = isatty(descriptor) == 1
        let known = isTerminal && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        return Terminal(
            isTerminal: isTerminal, hasColor: isTerminal && colorAllowed(environment),
            columns: known ? Int(size.ws_col) : columnsDefault, rows: known ? Int(size.ws_row) : rowsDefault)
    }

    /// `NO_COLOR` counts when it is not empty (no-color.org); a terminal that is `dumb` has no escape sequences.
    static func colorAllowed(_ environment: [String: String]) -> Bool {
        (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}
