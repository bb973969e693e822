import ClusterModel
import Foundation
import Logging

/// Writes each entry as one line of JSON.
///
/// Fields, in this order: `time` (ISO 8601, UTC, to the millisecond), `level`, `component` (the module that speaks),
/// `message`, and then the metadata by name, sorted. `job`, `task` and `epoch` are numbers where they are whole ones, all
/// other values text. A metadata name that one of the first four has already gets an underscore behind it.
package struct JSONLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata = Logger.Metadata()
    package var metadataProvider: Logger.MetadataProvider?
    private let sink: @Sendable (String) -> Void

    private static let ownFields: Set<String> = ["time", "level", "component", "message"]
    private static let numericFields: Set<String> = ["job", "task", "epoch"]
    private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// - Parameter sink: takes a line, without its line break, from any thread.
    package init(sink: @escaping @Sendable (String) -> Void) {
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        sink(Self.line(at: Date(), event.level, component: event.source, "\(event.message)", all))
    }

    static func line(
        at time: Date, _ level: Logger.Level, component: String, _ message: String, _ metadata: Logger.Metadata
    ) -> String {
        var out = "{\"time\":\"\(time.formatted(timeStyle))\",\"level\":\"\(level.rawValue)\""
        out += ",\"component\":\(quoted(component)),\"message\":\(quoted(message))"
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            out += ",\(quoted(ownFields.contains(name) ? name + "_" : name)):"
            let text = "\(value)"
            out += numericFields.contains(name) && Int64(text) != nil ? text : quoted(text)
        }
        return out + "}"
    }

    /// Cut where it would make the line endless; control characters as escapes, so that a line stays a line.
    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            guard out.utf8.count < Limits.logLineBytesMax else {
                out += "..."
                break
            }
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
