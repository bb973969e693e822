import Foundation

/// What the programs' logs say.
enum LogText {
    private struct Entry: Decodable {
        var level: String
        var message: String
    }

    /// The last line, when it is a complaint: what either program says before it gives up, or an entry of that level.
    static func complaint(_ text: String) -> String? {
        guard let line = text.split(separator: "\n").last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return nil }
        for name in ["error: ", "alphagrid-worker: "] where line.hasPrefix(name) {
            return String(line.dropFirst(name.count)).singleLine
        }
        // A line of a log in JSON.
        if line.hasPrefix("{"), let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) {
            return ["error", "critical"].contains(entry.level) ? entry.message.singleLine : nil
        }
        // `2025-01-02T03:04:05+0000 error alphagrid: [Service] sentence`
        guard let entry = line.wholeMatch(of: /[0-9T:+-]+ (?:error|critical) (.+)/) else { return nil }
        return String(entry.1).singleLine
    }
}
