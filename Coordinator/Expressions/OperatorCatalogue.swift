import ClusterModel
import Foundation

/// An operator of the platform.
package struct Operator: Equatable, Sendable {
    /// In lower case.
    package let name: String
    /// As the list calls it; empty when it does not.
    package let category: String
    /// nil when what it takes is not known: any call is right then.
    package let signature: OperatorSignature?
    /// Names that old formulas call it by, in lower case.
    package let aliases: [String]

    package init(name: String, category: String = "", signature: OperatorSignature? = nil, aliases: [String] = []) {
        self.name = name.lowercased()
        self.category = category
        self.signature = signature
        self.aliases = aliases.map { $0.lowercased() }
    }
}

/// The operators that expressions may call: data, since the platform's list changes.
package struct OperatorCatalogue: Sendable {
    /// By name.
    package let operators: [Operator]
    private let byName: [String: Int]

    /// - Parameter operators: of several with one name the first counts.
    package init(_ operators: [Operator]) {
        var seen: Set<String> = []
        let sorted = operators.filter { seen.insert($0.name).inserted }.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        var byName: [String: Int] = [:]
        for (index, known) in sorted.enumerated() {
            byName[known.name] = index
        }
        for (index, known) in sorted.enumerated() {
            for alias in known.aliases where byName[alias] == nil { byName[alias] = index }
        }
        self.operators = sorted
        self.byName = byName
    }

    /// Reads a list of operators: `{"operators": [...], "count": n}`, or the bare array. Its elements are names, or objects
    /// with `name` and, if they are known, `category`, `definition` (such as `"ts_rank(x, d, constant = 0)"`) and
    /// `aliases` (names); other fields are passed over.
    /// - Throws: `GridError` that names the element and field.
    package init(json: String) throws(GridError) {
        let list = try JSONList(json, key: "operators", of: "operators")
        self.init(try list.map { (entry) throws(GridError) in try Self.operator(entry) })
    }

    /// The operator a call means, whatever its case; nil for an unknown one.
    package func find(_ name: String) -> Operator? { byName[name.lowercased()].map { operators[$0] } }

    private static func `operator`(_ entry: JSONList.Entry) throws(GridError) -> Operator {
        guard let fields = entry.fields else { return Operator(name: entry.name) }
        let definition = fields["definition"] as? String
        return Operator(
            name: entry.name, category: fields["category"] as? String ?? "",
            signature: definition.flatMap { OperatorSignature(definition: $0) },
            aliases: fields["aliases"] as? [String] ?? [])
    }
}

/// A list of named things as people keep them in JSON.
struct JSONList {
    struct Entry {
        let name: String
        /// nil for a bare name.
        let fields: [String: Any]?
    }

    private let entries: [Entry]

    /// - Parameters:
    ///   - key: field of the array, if the text is an object.
    ///   - what: what it is a list of, for errors.
    init(_ json: String, key: String, of what: String, nameField: String = "name") throws(GridError) {
        let parsed: Any
        do {
            parsed = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        } catch {
            throw GridError(.usage, "the list of \(what) is not JSON: \(Self.reason(error))")
        }
        let object = parsed as? [String: Any]
        guard let array = object.map({ $0[key] ?? $0["results"] }) as? [Any] ?? parsed as? [Any] else {
            throw GridError(.usage, "the list of \(what) is neither an array nor an object with an array '\(key)'")
        }
        guard array.count <= Limits.expressionNamesMax else {
            throw GridError(
                .usage, "the list of \(what) has \(array.count) elements; at most \(Limits.expressionNamesMax) are read")
        }
        if let count = object?["count"] as? Int, object?[key] != nil, count != array.count {
            throw GridError(.usage, "the list of \(what) has 'count' \(count), but \(array.count) elements")
        }
        var entries: [Entry] = []
        for (index, element) in array.enumerated() {
            let fields = element as? [String: Any]
            guard let name = element as? String ?? fields?[nameField] as? String, !name.isEmpty else {
                throw GridError(
                    .usage, "element \(index + 1) of the list of \(what) is neither a name nor an object with a '\(nameField)'")
            }
            entries.append(Entry(name: name, fields: fields))
        }
        self.entries = entries
    }

    func map<Element>(_ transform: (Entry) throws(GridError) -> Element) throws(GridError) -> [Element] {
        var result: [Element] = []
        for entry in entries { result.append(try transform(entry)) }
        return result
    }

    private static func reason(_ error: any Error) -> String {
        (error as NSError).userInfo["NSDebugDescription"] as? String ?? error.localizedDescription
    }
}
