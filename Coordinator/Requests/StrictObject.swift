import ClusterModel
import Foundation

/// A JSON object whose fields are taken one by one; what nobody took is an error, so that a misspelt field is never
/// silently ignored.
package struct StrictObject {
    private let fields: [String: JSONValue]
    private let what: String
    private var known: [String] = []

    /// - Parameters:
    ///   - bytes: The body as sent.
    ///   - what: What the body is, for messages: `the job`.
    /// - Throws: `GridError(.usage)` when the bytes are not one JSON object.
    package init(_ bytes: Data, what: String) throws(GridError) {
        let value: JSONValue
        do {
            value = try JSONDecoder().decode(JSONValue.self, from: bytes)
        } catch {
            throw GridError(.usage, "the body is not valid JSON: expected \(what) as one object\(Self.place(of: error))")
        }
        guard case .object(let fields) = value else {
            throw GridError(.usage, "the body is \(value.name): expected \(what) as one JSON object")
        }
        self.fields = fields
        self.what = what
    }

    /// A field that may be absent or null.
    package mutating func text(_ name: String, bytesMax: Int) throws(GridError) -> String? {
        switch take(name) {
        case nil, .null: return nil
        case .text(let value)?:
            guard value.utf8.count <= bytesMax else {
                throw GridError(.usage, "field '\(name)' has \(value.utf8.count) bytes: expected at most \(bytesMax)")
            }
            return value
        case let other?: throw GridError(.usage, "field '\(name)' is \(other.name): expected a text")
        }
    }

    package mutating func requiredText(_ name: String, bytesMax: Int) throws(GridError) -> String {
        guard let value = try text(name, bytesMax: bytesMax) else {
            throw GridError(.usage, "field '\(name)' is missing: \(what) needs it as a text")
        }
        return value
    }

    package mutating func whole(_ name: String, in range: ClosedRange<Int>) throws(GridError) -> Int? {
        let expected = "expected a whole number from \(range.lowerBound) to \(range.upperBound)"
        switch take(name) {
        case nil, .null: return nil
        case .whole(let value)?:
            guard let value = Int(exactly: value), range.contains(value) else {
                throw GridError(.usage, "field '\(name)' is \(value): \(expected)")
            }
            return value
        case let other?: throw GridError(.usage, "field '\(name)' is \(other.name): \(expected)")
        }
    }

    package mutating func number(_ name: String) throws(GridError) -> Double? {
        switch take(name) {
        case nil, .null: return nil
        case .number(let value)?: return value
        case .whole(let value)?: return Double(value)
        case let other?: throw GridError(.usage, "field '\(name)' is \(other.name): expected a number")
        }
    }

    package mutating func truth(_ name: String) throws(GridError) -> Bool? {
        switch take(name) {
        case nil, .null: return nil
        case .bool(let value)?: return value
        case let other?: throw GridError(.usage, "field '\(name)' is \(other.name): expected true or false")
        }
    }

    /// An object of short values; numbers and truths as the text they are written in.
    package mutating func texts(_ name: String, countMax: Int, bytesMax: Int) throws(GridError) -> [String: String]? {
        let value = take(name)
        if value == nil || value == .null { return nil }
        guard case .object(let fields)? = value, fields.count <= countMax else {
            throw GridError(
                .usage, "field '\(name)' is \(value?.name ?? "null"): expected an object of at most \(countMax) values")
        }
        var texts: [String: String] = [:]
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .text(let text) where text.utf8.count <= bytesMax: texts[key] = text
            case .whole(let number): texts[key] = "\(number)"
            case .number(let number): texts[key] = "\(number)"
            case .bool(let truth): texts[key] = "\(truth)"
            default:
                throw GridError(
                    .usage,
                    "field '\(name)' has '\(key.printable)' as \(value.name): expected a number, true, false or a text of at "
                        + "most \(bytesMax) bytes")
            }
        }
        return texts
    }

    /// An object within, as the bytes of a body of its own.
    package mutating func object(_ name: String) throws(GridError) -> Data? {
        switch take(name) {
        case nil, .null: return nil
        case .object(let fields)?:
            do {
                return try JSONEncoder().encode(fields)
            } catch { throw GridError(.usage, "field '\(name)' is not valid: expected an object") }
        case let other?: throw GridError(.usage, "field '\(name)' is \(other.name): expected an object")
        }
    }

    /// A list of short texts.
    package mutating func list(_ name: String, countMax: Int, bytesMax: Int) throws(GridError) -> [String]? {
        let value = take(name)
        if value == nil || value == .null { return nil }
        guard case .array(let values)? = value, values.count <= countMax else {
            throw GridError(.usage, "field '\(name)' is \(value?.name ?? "null"): expected a list of at most \(countMax) texts")
        }
        var texts: [String] = []
        for value in values {
            guard case .text(let text) = value, text.utf8.count <= bytesMax else {
                throw GridError(
                    .usage, "field '\(name)' has \(value.name) in it: expected texts of at most \(bytesMax) bytes")
            }
            texts.append(text)
        }
        return texts
    }

    /// - Throws: `GridError(.usage)` naming the first field, in bytewise order, that was never asked for.
    package func expectNothingElse() throws(GridError) {
        guard let extra = fields.keys.filter({ !known.contains($0) }).min() else { return }
        throw GridError(
            .usage, "field '\(extra.printable)' is unknown: \(what) has \(known.sorted().joined(separator: ", "))")
    }

    private mutating func take(_ name: String) -> JSONValue? {
        known.append(name)
        return fields[name]
    }

    /// Where the JSON breaks, as far as the decoder tells.
    private static func place(of error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context)? = error as? DecodingError,
            let cause = context.underlyingError as NSError?,
            let text = cause.userInfo[NSDebugDescriptionErrorKey] as? String
        else { return "" }
        return " (\(text.trimmingCharacters(in: CharacterSet(charactersIn: ".")).printable))"
    }
}
