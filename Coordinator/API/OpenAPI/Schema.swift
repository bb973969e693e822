import ClusterModel

/// What JSON may be, as JSON Schema 2020-12 says it.
struct Schema: Sendable {
    private(set) var json: [String: JSONValue]

    private init(_ json: [String: JSONValue]) { self.json = json }

    static func string(_ about: String = "", format: String? = nil, lengthMax: Int? = nil) -> Schema {
        var json: [String: JSONValue] = ["type": .text("string")]
        json["format"] = format.map { .text($0) }
        json["maxLength"] = lengthMax.map { .whole(Int64($0)) }
        return Schema(json).about(about)
    }

    static func pattern(_ pattern: String, _ about: String = "") -> Schema {
        Schema(["type": .text("string"), "pattern": .text(pattern)]).about(about)
    }

    static func oneOf(_ values: [String], _ about: String = "") -> Schema {
        Schema(["type": .text("string"), "enum": .array(values.map { .text($0) })]).about(about)
    }

    static func integer(_ about: String = "", _ range: ClosedRange<Int>? = nil) -> Schema {
        var json: [String: JSONValue] = ["type": .text("integer")]
        json["minimum"] = range.map { .whole(Int64($0.lowerBound)) }
        json["maximum"] = range.map { .whole(Int64($0.upperBound)) }
        return Schema(json).about(about)
    }

    static func number(_ about: String = "", _ range: ClosedRange<Double>? = nil) -> Schema {
        var json: [String: JSONValue] = ["type": .text("number")]
        json["minimum"] = range.map { .number($0.lowerBound) }
        json["maximum"] = range.map { .number($0.upperBound) }
        return Schema(json).about(about)
    }

    static func truth(_ about: String = "") -> Schema { Schema(["type": .text("boolean")]).about(about) }

    /// Anything.
    static func any(_ about: String = "") -> Schema { Schema([:]).about(about) }

    static func list(_ items: Schema, _ about: String = "", countMax: Int? = nil) -> Schema {
        var json: [String: JSONValue] = ["type": .text("array"), "items": .object(items.json)]
        json["maxItems"] = countMax.map { .whole(Int64($0)) }
        return Schema(json).about(about)
    }

    /// An object with any names.
    static func map(_ values: Schema, _ about: String = "") -> Schema {
        Schema(["type": .text("object"), "additionalProperties": .object(values.json)]).about(about)
    }

    /// - Parameters:
    ///   - required: Always there.
    ///   - optional: Left out where there is nothing to say.
    ///   - isClosed: Whether other names are an error, as in requests; answers may get more with the next version.
    static func object(
        _ required: KeyValuePairs<String, Schema>, optional: KeyValuePairs<String, Schema> = [:], isClosed: Bool = false
    ) -> Schema {
        var properties: [String: JSONValue] = [:]
        for (name, schema) in required { properties[name] = .object(schema.json) }
        for (name, schema) in optional { properties[name] = .object(schema.json) }
        var json: [String: JSONValue] = ["type": .text("object"), "properties": .object(properties)]
        if !required.isEmpty { json["required"] = .array(required.map { .text($0.key) }) }
        if isClosed { json["additionalProperties"] = .bool(false) }
        return Schema(json)
    }

    /// One of `SchemaCatalogue`.
    static func ref(_ name: String) -> Schema { Schema(["$ref": .text("#/components/schemas/\(name)")]) }

    /// Or null.
    var orNull: Schema {
        guard case .text(let type) = json["type"] else { return self }
        var copy = self
        copy.json["type"] = .array([.text(type), .text("null")])
        if case .array(let values) = json["enum"] { copy.json["enum"] = .array(values + [.null]) }
        return copy
    }

    func about(_ text: String) -> Schema {
        guard !text.isEmpty else { return self }
        var copy = self
        copy.json["description"] = .text(text)
        return copy
    }

    static let time = string("ISO 8601, UTC.", format: "date-time")
    static let date = string("YYYY-MM-DD.", format: "date")
    static let jobID = integer("Number of the job.", 1...Int(Int64.max))
    static let correlation = number("", -1...1)
}
