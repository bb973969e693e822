import ClusterModel
import Foundation
import Panel

struct ColumnProblem: Error, Equatable {
    var text: String
}

extension AlphaColumn {
    /// PostgreSQL's text form of what a file says for this column, or what is wrong with it.
    func parse(_ text: String) -> Result<String, ColumnProblem> {
        func wrong(_ expected: String) -> Result<String, ColumnProblem> {
            .failure(ColumnProblem(text: "'\(text.printable)' is not valid: expected \(expected)"))
        }
        switch kind {
        case .real:
            guard let number = Self.number(text) else { return wrong("a number") }
            return .success(number.description)
        case .integer:
            // Tables that went through floating point say 120.0.
            guard let number = Self.number(text), let integer = Int32(exactly: number) else { return wrong("a whole number") }
            return .success(String(integer))
        case .timestamp:
            guard Self.isTimestamp(text) else { return wrong("a time such as 2024-02-29 or 2024-02-29T16:30:00Z") }
            return .success(text)
        case .text(let charactersMax):
            if text.utf8.contains(0) { return wrong("text without zero bytes") }
            if text.utf8.count > Limits.metadataTextBytesMax { return wrong("at most \(Limits.metadataTextBytesMax) bytes") }
            if let charactersMax, text.unicodeScalars.count > charactersMax {
                return wrong("at most \(charactersMax) characters")
            }
            return .success(text)
        }
    }

    private static func number(_ text: String) -> Double? {
        var text = text
        return text.withUTF8 { DecimalText.parse($0) }.flatMap { $0.isFinite ? $0 : nil }
    }

    /// ISO 8601: a day, or a day and a time with or without zone; without one it is UTC.
    private static func isTimestamp(_ text: String) -> Bool {
        let shape =
            /(\d{4}-\d\d-\d\d)(?:[T ]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+\-](?:0\d|1[0-4]):?[0-5]\d)?)?/
        guard let match = text.wholeMatch(of: shape.asciiOnlyDigits()) else { return false }
        return (try? Day(parsing: String(match.1))) != nil
    }
}

/// A value of a JSON object as text, because the columns decide what it must be.
enum JSONScalar: Decodable, Equatable {
    case null
    case value(String)

    var text: String? {
        guard case .value(let text) = self else { return nil }
        return text
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .value(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .value(String(flag))
        } else if let integer = try? container.decode(Int64.self) {
            self = .value(String(integer))
        } else if let number = try? container.decode(Double.self) {
            self = .value(number.description)
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected text, a number or null")
        }
    }

    /// Where a JSON text is wrong: the decoder's own position for syntax, element and key for anything else.
    static func explain(_ error: any Error) -> String {
        guard let decoding = error as? DecodingError else { return "it is not JSON: \(error)" }
        let context: DecodingError.Context
        switch decoding {
        case .dataCorrupted(let found), .keyNotFound(_, let found), .typeMismatch(_, let found), .valueNotFound(_, let found):
            context = found
        @unknown default: return "it is not an array of objects"
        }
        guard let index = context.codingPath.first?.intValue else {
            // What the decoder says of broken JSON, which names the place.
            let cause = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
            let syntax = cause.map { " (\($0.trimmingCharacters(in: CharacterSet(charactersIn: ".")).printable))" } ?? ""
            return "it is not a JSON array of objects such as [{\"alpha_id\": \"A1\", \"sharpe\": 1.5}]\(syntax)"
        }
        let key = context.codingPath.dropFirst().first.map { ", column \($0.stringValue.printable)" } ?? ""
        return "element \(index + 1)\(key): expected \(key.isEmpty ? "an object" : "text, a number or null")"
    }
}
