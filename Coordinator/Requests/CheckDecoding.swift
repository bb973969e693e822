import ClusterModel
import Foundation

extension CheckRequest {
    /// Parameters that stand in the query when the body is CSV.
    package static let queryNames = CheckBody.options

    /// - Parameters:
    ///   - csv: the candidates' PnL.
    ///   - query: everything else, under the names of `queryNames`.
    /// - Throws: `GridError(.usage)`: the first parameter that is not valid.
    package init(csv: [UInt8], _ query: QueryParameters) throws(GridError) {
        self.init(candidates: [], csv: csv)
        pool = query["pool"]
        convention = query["convention"]
        window = query["window"]
        minOverlap = try query.whole("min_overlap", in: 2...Limits.daysMax)
        top = try query.whole("top", in: 1...Limits.checkTopMax)
        guard let text = query["absolute"] else { return }
        guard let value = Bool(text) else {
            throw GridError(.usage, "query parameter 'absolute' is '\(text.printable)': expected true or false")
        }
        absolute = value
    }

    /// Not by way of `StrictObject`: a candidate has thousands of numbers, and somebody waits.
    ///
    /// - Throws: `GridError(.usage)`: the first field that is unknown, missing or of the wrong type.
    package init(json: Data) throws(GridError) {
        do {
            self = try JSONDecoder().decode(CheckBody.self, from: json).request
        } catch let error as GridError {
            throw error
        } catch {
            throw CheckBody.explain(error)
        }
    }
}

/// The JSON as it is sent, strictly: a misspelt field is an error.
private struct CheckBody: Decodable {
    var request: CheckRequest

    static let options = ["absolute", "convention", "min_overlap", "pool", "top", "window"]

    private static let expectations = [
        "candidates": "a list of objects with alpha_id, dates and pnl", "alpha_id": "a text",
        "dates": "a list of dates such as \"2024-02-29\"", "pnl": "a list of numbers, null where missing",
        "sharpe": "a number", "pool": "a text", "convention": "a text", "window": "a text",
        "min_overlap": "a whole number", "top": "a whole number", "absolute": "true or false",
    ]

    private struct Key: CodingKey, ExpressibleByStringLiteral {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringLiteral value: String) { stringValue = value }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        try Self.expectKnown(fields.allKeys, Self.options + ["candidates"], of: "the check")
        request = CheckRequest(candidates: try fields.decode([Candidate].self, forKey: "candidates").map(\.value))
        request.pool = try fields.decodeIfPresent(String.self, forKey: "pool")
        request.convention = try fields.decodeIfPresent(String.self, forKey: "convention")
        request.window = try fields.decodeIfPresent(String.self, forKey: "window")
        request.minOverlap = try fields.decodeIfPresent(Int.self, forKey: "min_overlap")
        request.top = try fields.decodeIfPresent(Int.self, forKey: "top")
        request.absolute = try fields.decodeIfPresent(Bool.self, forKey: "absolute")
    }

    private struct Candidate: Decodable {
        var value: CheckRequest.Candidate

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            try CheckBody.expectKnown(fields.allKeys, ["alpha_id", "dates", "pnl", "sharpe"], of: "a candidate")
            value = CheckRequest.Candidate(
                alphaID: try fields.decode(String.self, forKey: "alpha_id"), dates: [], pnl: [],
                sharpe: try fields.decodeIfPresent(Double.self, forKey: "sharpe"))
            // Element by element, which takes a quarter of the time of decoding whole lists.
            var dates = try fields.nestedUnkeyedContainer(forKey: "dates")
            while !dates.isAtEnd { value.dates.append(try dates.decode(String.self)) }
            var pnl = try fields.nestedUnkeyedContainer(forKey: "pnl")
            while !pnl.isAtEnd { value.pnl.append(try pnl.decodeIfPresent(Double.self)) }
        }
    }

    private static func expectKnown(_ keys: [Key], _ known: [String], of what: String) throws(GridError) {
        guard let extra = keys.map(\.stringValue).filter({ !known.contains($0) }).min() else { return }
        throw GridError(
            .usage, "field '\(extra.printable)' is unknown: \(what) has \(known.sorted().joined(separator: ", "))")
    }

    static func explain(_ error: any Error) -> GridError {
        let broken = GridError(.usage, "the body is not valid JSON: expected the check as one object with the field 'candidates'")
        guard let error = error as? DecodingError else { return broken }
        switch error {
        case .keyNotFound(let key, let context):
            let place = context.codingPath.isEmpty ? "the check" : path(context.codingPath)
            return GridError(.usage, "field '\(key.stringValue.printable)' is missing: \(place) needs it")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            guard let field = context.codingPath.last(where: { $0.intValue == nil })?.stringValue else { return broken }
            let expected = expectations[field] ?? "another type"
            return GridError(.usage, "field '\(path(context.codingPath))' is not valid: expected \(expected)")
        @unknown default:
            return broken
        }
    }

    /// `candidates[0].pnl[17]`.
    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            let name = String(key.stringValue.printable)
            path += key.intValue.map { "[\($0)]" } ?? (path.isEmpty ? name : "." + name)
        }
    }
}
