import ClusterModel
import Foundation

/// Compares JSON with the schemas of an OpenAPI document: as much of JSON Schema as `Schema` writes.
struct JSONSchema {
    let document: [String: Any]

    /// What does not fit, each with its place; empty when all does.
    func faults(_ value: Any, _ schema: [String: Any], at place: String = "$") -> [String] {
        if let name = (schema["$ref"] as? String)?.split(separator: "/").last {
            let schemas = (document["components"] as? [String: Any])?["schemas"] as? [String: Any]
            guard let named = schemas?[String(name)] as? [String: Any] else { return ["\(place): no schema \(name)"] }
            return faults(value, named, at: place)
        }
        let types = (schema["type"] as? [String]) ?? (schema["type"] as? String).map { [$0] } ?? []
        guard types.isEmpty || types.contains(where: { isA(value, $0) }) else { return ["\(place): \(value) is no \(types)"] }
        var faults: [String] = []
        if let values = schema["enum"] as? [Any], !(value is NSNull) {
            let known = values.compactMap { $0 as? String }
            if !known.contains(value as? String ?? "") { faults.append("\(place): \(value) is none of \(known)") }
        }
        if let number = number(value) {
            if let least = schema["minimum"] as? Double, number < least { faults.append("\(place): \(number) is below \(least)") }
            if let most = schema["maximum"] as? Double, number > most { faults.append("\(place): \(number) is above \(most)") }
        }
        if let list = value as? [Any], let items = schema["items"] as? [String: Any] {
            for (at, item) in list.enumerated() { faults += self.faults(item, items, at: "\(place)[\(at)]") }
        }
        if let object = value as? [String: Any] { faults += members(object, schema, at: place) }
        return faults
    }

    private func members(_ object: [String: Any], _ schema: [String: Any], at place: String) -> [String] {
        var faults: [String] = []
        for name in schema["required"] as? [String] ?? [] where object[name] == nil {
            faults.append("\(place).\(name) is missing")
        }
        let known = schema["properties"] as? [String: Any] ?? [:]
        for name in object.keys.sorted() {
            let value = object[name] ?? NSNull()
            if let own = known[name] as? [String: Any] {
                faults += self.faults(value, own, at: "\(place).\(name)")
            } else if let others = schema["additionalProperties"] as? [String: Any] {
                faults += self.faults(value, others, at: "\(place).\(name)")
            } else if schema["properties"] != nil {
                // Answers may have more than is documented one day; those of this version should not.
                faults.append("\(place).\(name) is not documented")
            }
        }
        return faults
    }

    private func isA(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "null": value is NSNull
        case "boolean": isTruth(value)
        case "integer": !isTruth(value) && number(value).map { $0 == $0.rounded() } ?? false
        case "number": !isTruth(value) && number(value) != nil
        case "string": value is String
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }

    private func number(_ value: Any) -> Double? { value as? Double ?? (value as? Int).map { Double($0) } }

    /// `JSONSerialization` makes numbers of truths, which only their Objective-C type tells apart.
    private func isTruth(_ value: Any) -> Bool {
        guard let number = value as? NSNumber else { return value is Bool }
        return number.objCType.pointee == 0x63 || type(of: value) == Bool.self
    }
}
