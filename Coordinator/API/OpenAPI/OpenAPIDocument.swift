import ClusterModel
import HTTPTypes
import Foundation

/// The description of the HTTP interface that it serves itself: OpenAPI 3.1, made of the table of routes and of what is said of
/// each of them in `APIOperation.all`.
struct OpenAPIDocument: Sendable {
    let routes: [APIRoute]

    /// Routes that nothing is said of are left out; a test sees to it that there are none.
    var json: JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        for route in routes {
            guard let operation = APIOperation.all.first(where: { $0.route == route.name }) else { continue }
            paths[Self.template(route.path), default: [:]][route.method.rawValue.lowercased()] = operation.json(of: route)
        }
        return .object([
            "openapi": .text("3.1.0"),
            "info": .object([
                "title": .text("AlphaGrid"), "version": .text(AlphaGrid.version),
                "description": .text(Self.about),
                "license": .object(["name": .text("Apache-2.0"), "identifier": .text("Apache-2.0")]),
            ]),
            "servers": .array([.object(["url": .text("/")])]),
            "security": .array([.object(["token": .array([])])]),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": .object([
                "securitySchemes": .object([
                    "token": .object(["type": .text("http"), "scheme": .text("bearer")])
                ]),
                "schemas": .object(SchemaCatalogue.all.mapValues { .object($0.json) }),
            ]),
        ])
    }

    private static let about =
        "Correlations of trading strategies: jobs, workers and published results. Keys are in snake_case, times in ISO 8601 UTC, "
        + "what is absent is left out, and failures are problem details (RFC 9457). A GET answers to HEAD too."

    /// `/v1/jobs/{id}` of `v1/jobs/:id`.
    static func template(_ path: String) -> String {
        "/" + path.split(separator: "/").map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
    }

    func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(json)
    }
}

extension APIRoute {
    /// `GET v1/jobs/:id`.
    var name: String { "\(method.rawValue) \(path)" }
}
