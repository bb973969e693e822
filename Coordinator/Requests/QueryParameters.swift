import ClusterModel
import Foundation

/// Parameters behind the `?` of a request, each taken once unless the route says otherwise.
package struct QueryParameters {
    private var values: [(name: String, value: String)] = []

    /// - Parameters:
    ///   - query: The text behind `?`, or nil.
    ///   - names: Parameters the route knows.
    ///   - repeatable: Those of them that may be there several times.
    package init(_ query: String?, names: [String], repeatable: [String] = []) throws(GridError) {
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = pair[0].decodedFromQuery, let value = (pair.count > 1 ? pair[1] : "").decodedFromQuery else {
                throw GridError(.usage, "query '\(part.printable)' is not valid: its percent encoding is broken")
            }
            guard names.contains(name) else {
                let known = names.isEmpty ? "none" : names.joined(separator: ", ")
                throw GridError(.usage, "query parameter '\(name.printable)' is unknown: this path knows \(known)")
            }
            guard self[name] == nil || repeatable.contains(name) else {
                throw GridError(.usage, "query parameter '\(name)' is there twice: expected it once")
            }
            values.append((name, value))
        }
    }

    package subscript(name: String) -> String? { values.first { $0.name == name }?.value }

    /// In the order in which they stand there.
    package func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }

    /// The parts of a value between its commas; nil when the parameter is not there.
    package func list(_ name: String, countMax: Int) throws(GridError) -> [String]? {
        guard let text = self[name] else { return nil }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= countMax, parts.allSatisfy({ !$0.isEmpty }) else {
            throw GridError(
                .usage,
                "query parameter '\(name)' is '\(text.printable)': expected 1 to \(countMax) values with a comma between them")
        }
        return parts
    }

    /// One of the values of an enumeration.
    package func choice<Value: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Value.Type
    ) throws(GridError) -> Value? {
        guard let text = self[name] else { return nil }
        guard let value = Value(rawValue: text) else {
            throw GridError(
                .usage,
                "query parameter '\(name)' is '\(text.printable)': expected one of "
                    + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    package func whole(_ name: String, in range: ClosedRange<Int>) throws(GridError) -> Int? {
        guard let text = self[name] else { return nil }
        let digits = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits, let value = Int(text), range.contains(value) else {
            throw GridError(
                .usage,
                "query parameter '\(name)' is '\(text.printable)': expected a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return value
    }
}

extension Substring {
    fileprivate var decodedFromQuery: String? {
        replacing("+", with: " ").removingPercentEncoding
    }
}
