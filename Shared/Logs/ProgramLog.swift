// How both programs log: text for people or one line of JSON for each entry, on standard error; a coordinator also
// remembers the last lines.

import ClusterModel
import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

package enum LogFormat: String, CaseIterable, Sendable {
    case text, json

    /// - Parameter text: of a flag or variable; nil is text.
    package init(parsing text: String?, field: String) throws(GridError) {
        guard let text else {
            self = .text
            return
        }
        guard let format = LogFormat(rawValue: text) else {
            throw GridError(.usage, "\(field) '\(text.printable)' is not valid: expected text or json")
        }
        self = format
    }
}

package enum ProgramLog {
    /// - Parameters:
    ///   - label: name of the program, in text logs.
    ///   - level: `trace`, `debug`, `info`, `warning` or `error`; anything else is `info`.
    ///   - ring: remembers the lines too, as JSON.
    package static func logger(_ label: String, _ format: LogFormat, level: String? = nil, ring: LogRing? = nil) -> Logger {
        var handlers: [any LogHandler] = []
        switch format {
        case .text: handlers.append(StreamLogHandler.standardError(label: label))
        case .json: handlers.append(JSONLogHandler(sink: writeLine))
        }
        if let ring { handlers.append(JSONLogHandler(sink: ring.append)) }
        var logger = Logger(label: label) { _ in
            handlers.count == 1 ? handlers[0] : MultiplexLogHandler(handlers)
        }
        logger.logLevel = level.flatMap { Logger.Level(rawValue: $0.lowercased()) } ?? .info
        return logger
    }

    /// In one write, so that the lines of several threads do not mix. What nobody reads is lost.
    @Sendable private static func writeLine(_ line: String) {
        var text = line + "\n"
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                let count = write(STDERR_FILENO, base, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
