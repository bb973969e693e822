import ClusterModel
import HTTPTypes

/// What a route is for, takes and answers, in words and schemas. Who may use it and how large its body may be is taken from the
/// route itself.
struct APIOperation: Sendable {
    struct Parameter: Sendable {
        var name: String
        var place: String
        var schema: Schema
        var isRequired: Bool
        /// Whether it may be there several times.
        var isRepeatable = false

        static func query(_ name: String, _ schema: Schema, required: Bool = false) -> Parameter {
            Parameter(name: name, place: "query", schema: schema, isRequired: required)
        }

        static func repeated(_ name: String, _ schema: Schema) -> Parameter {
            Parameter(name: name, place: "query", schema: schema, isRequired: false, isRepeatable: true)
        }

        static func header(_ name: String, _ schema: Schema) -> Parameter {
            Parameter(name: name, place: "header", schema: schema, isRequired: false)
        }

        static func path(_ name: String, _ schema: Schema) -> Parameter {
            Parameter(name: name, place: "path", schema: schema, isRequired: true)
        }
    }

    /// One way to write something.
    struct Media: Sendable {
        var type: String
        var schema: Schema

        static func json(_ schema: Schema) -> Media { Media(type: "application/json", schema: schema) }
        static func text(_ type: String) -> Media { Media(type: type, schema: .string()) }
        static let binary = Media(type: "application/octet-stream", schema: .string(format: "binary"))
    }

    /// As the table of routes has it: `GET v1/jobs/:id`.
    var route: String
    var tag: String
    /// One sentence.
    var summary: String
    var parameters: [Parameter] = []
    /// Empty for a route without a body.
    var body: [Media] = []
    var isBodyRequired = true
    /// Of the success.
    var status = 200
    var answer: [Media]
    /// Statuses of problems beside those that the route's role and body bring with them.
    var problems: [Int] = []
    /// Whether there is nothing in a request that it could refuse.
    var takesAnything = false

    static let region = Parameter.path("region", .pattern("^[A-Z][A-Z0-9]{1,9}$", "Region, such as USA."))
    static let job = Parameter.path("id", .jobID)
    static let worker = Parameter.path("id", .string("Name of the worker.", lengthMax: Limits.workerNameBytesMax))
    static let alpha = Parameter.path("id", .string("Id of the alpha.", lengthMax: 200))
}

extension APIOperation {
    /// Every status with its problem, which says so in a sentence.
    static let sentences: [Int: String] = [
        400: "Something in the request is not valid; the detail names it and says what was expected.",
        401: "The request shows no token that is valid here.",
        403: "The role of the token does not allow it.",
        404: "There is no such thing.",
        406: "The header Accept wants what is not to be had here.",
        409: "It does not fit the present state.",
        413: "The body is too large.",
        415: "The body is of another type than expected.",
        422: "The key was used for another request.",
        429: "Too many requests; Retry-After says when to try again.",
        503: "The coordinator or its database cannot answer at the moment: try again.",
    ]

    /// All statuses but the success, ascending.
    func problemStatuses(of route: APIRoute) -> [Int] {
        var statuses = Set(problems)
        if case .needs(let role) = route.access {
            statuses.formUnion([401, 429, 503])
            if !takesAnything { statuses.insert(400) }
            if role > .viewer { statuses.insert(403) }
        }
        if !body.isEmpty { statuses.formUnion([400, 413, 415]) }
        return statuses.sorted()
    }

    func json(of route: APIRoute) -> JSONValue {
        var answers: [String: JSONValue] = [:]
        var success: [String: JSONValue] = ["description": .text("It worked.")]
        if !answer.isEmpty { success["content"] = Self.content(answer) }
        answers["\(status)"] = .object(success)
        for status in problemStatuses(of: route) {
            answers["\(status)"] = .object([
                "description": .text(Self.sentences[status] ?? ""),
                "content": Self.content([Media(type: "application/problem+json", schema: .ref("Problem"))]),
            ])
        }
        var json: [String: JSONValue] = [
            "summary": .text(summary), "tags": .array([.text(tag)]), "operationId": .text(Self.identifier(route)),
            "responses": .object(answers),
        ]
        if !parameters.isEmpty { json["parameters"] = .array(parameters.map(\.json)) }
        if !body.isEmpty {
            json["requestBody"] = .object(["required": .bool(isBodyRequired), "content": Self.content(body)])
        }
        switch route.access {
        case .open: json["security"] = .array([])
        case .needs(let role): json["x-least-role"] = .text(role.rawValue)
        }
        return .object(json)
    }

    private static func content(_ media: [Media]) -> JSONValue {
        .object(Dictionary(uniqueKeysWithValues: media.map { ($0.type, .object(["schema": .object($0.schema.json)])) }))
    }

    /// `get_v1_jobs_id`.
    private static func identifier(_ route: APIRoute) -> String {
        let words = [route.method.rawValue.lowercased()] + route.path.split { "/.:-".contains($0) }.map(String.init)
        return words.joined(separator: "_")
    }
}

extension APIOperation.Parameter {
    fileprivate var json: JSONValue {
        var json: [String: JSONValue] = [
            "name": .text(name), "in": .text(place), "required": .bool(isRequired),
            "schema": .object(isRepeatable ? Schema.list(schema).json : schema.json),
        ]
        if isRepeatable {
            json["style"] = .text("form")
            json["explode"] = .bool(true)
        }
        return .object(json)
    }
}
