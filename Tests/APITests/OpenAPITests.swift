import APITestServer
import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

/// A documented answer of a route, which a test makes the interface give.
struct DocumentedAnswer: Sendable, CustomTestStringConvertible {
    var route: String
    var status: Int
    var testDescription: String { "\(route) \(status)" }
}

@Suite struct OpenAPITests {
    private static let table = APIRoutes(control: FakeGrid(), logger: silent).table

    private func document() async throws -> [String: Any] {
        let answer = try await send(Call(.get, "/openapi.json"))
        #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
        return answer.json
    }

    /// `GET /v1/jobs/{id}` and what is said of it.
    private func operations(_ document: [String: Any]) -> [String: [String: Any]] {
        var found: [String: [String: Any]] = [:]
        for (path, methods) in document["paths"] as? [String: [String: Any]] ?? [:] {
            for (method, operation) in methods { found["\(method.uppercased()) \(path)"] = operation as? [String: Any] }
        }
        return found
    }

    @Test("Every route is documented once, and nothing else is")
    func complete() async throws {
        #expect(APIOperation.all.map(\.route).sorted() == Self.table.map(\.name).sorted())
        let document = try await document()
        #expect(document["openapi"] as? String == "3.1.0")
        let documented = operations(document)
        #expect(
            documented.keys.sorted()
                == Self.table.map { "\($0.method.rawValue) \(OpenAPIDocument.template($0.path))" }.sorted())
        let identifiers = documented.values.compactMap { $0["operationId"] as? String }
        #expect(Set(identifiers).count == Self.table.count)
    }

    @Test("Path parameters, roles and bodies are as the routes have them, and every schema that is named exists")
    func consistent() async throws {
        let document = try await document()
        let documented = operations(document)
        for route in Self.table {
            let operation = try #require(documented["\(route.method.rawValue) \(OpenAPIDocument.template(route.path))"])
            let parameters = operation["parameters"] as? [[String: Any]] ?? []
            let inPath = parameters.filter { $0["in"] as? String == "path" }.compactMap { $0["name"] as? String }
            #expect(inPath == route.path.split(separator: "/").filter { $0.hasPrefix(":") }.map { String($0.dropFirst()) })
            #expect((operation["requestBody"] != nil) == (route.bodyBytesMax > 0), "\(route.name)")
            let role = operation["x-least-role"] as? String
            #expect(route.access == (role.flatMap { AccessRole(rawValue: $0) }.map { .needs($0) } ?? .open))
        }
        let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: Any])
        let text = try String(decoding: JSONSerialization.data(withJSONObject: document), as: UTF8.self)
        let named = Set(text.replacing("\\/", with: "/").matches(of: /#\/components\/schemas\/([A-Za-z]+)/).map { String($0.1) })
        #expect(named == Set(schemas.keys))
    }

    // MARK: Every documented answer is given

    static let answers: [DocumentedAnswer] = table.flatMap { route -> [DocumentedAnswer] in
        guard let operation = APIOperation.all.first(where: { $0.route == route.name }) else { return [] }
        return ([operation.status] + operation.problemStatuses(of: route)).map { DocumentedAnswer(route: route.name, status: $0) }
    }

    @Test("Every answer that is documented is given, and is as its schema says", arguments: answers)
    func given(documented: DocumentedAnswer) async throws {
        let answer = try await provoke(documented)
        #expect(answer.status == documented.status, "\(answer.text)")
        let document = try await document()
        let route = try #require(Self.table.first { $0.name == documented.route })
        let operation = operations(document)["\(route.method.rawValue) \(OpenAPIDocument.template(route.path))"]
        let responses = operation?["responses"] as? [String: [String: Any]]
        let response = try #require(responses?["\(documented.status)"])
        guard documented.status != 204 else {
            #expect(response["content"] == nil && answer.text.isEmpty)
            return
        }
        let content = try #require(response["content"] as? [String: [String: Any]])
        let media = answer.headers[.contentType]?.split(separator: ";").first.map(String.init) ?? ""
        let schema = try #require(content[media]?["schema"] as? [String: Any], "\(media) is not documented")
        guard media.hasSuffix("json") else { return }
        #expect(JSONSchema(document: document).faults(answer.json, schema) == [])
    }

    /// A request that brings about this answer.
    private func provoke(_ wanted: DocumentedAnswer) async throws -> Answer {
        var call = try #require(RoleTests.examples[wanted.route])
        let grid = { (kind: GridError.Kind) in FakeGrid(failure: GridError(kind, "a failure")) }
        if wanted.route == "POST v1/session" { return try await provokeSignIn(wanted.status, call) }
        switch wanted.status {
        case 404 where wanted.route == "GET assets/:file": return try await send(Call(.get, "/assets/none.js"))
        case 401: return try await send(call, authorization: nil)
        case 403: return try await send(call, authorization: "Bearer \(FakeRecords.secret("viewer"))")
        case 404: return try await send(call, to: grid(.notFound))
        case 409: return try await send(call, to: grid(.conflict))
        case 503 where wanted.route == "GET readyz": return try await send(call, to: grid(.unreachable))
        case 503:
            let records = FakeRecords(failure: GridError(.unreachable, "no database"))
            return try await send(call, records: records, authorization: "Bearer \(FakeRecords.secret("admin"))")
        case 406: return try await send(call, accept: "image/png")
        case 413:
            call.body = Self.tooLarge(wanted.route)
            return try await send(call)
        case 415:
            call.body = call.body ?? "{}"
            return try await send(call, contentType: "text/html")
        case 400 where call.method == .delete:
            call.path = call.path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/none"
            return try await send(call)
        case 400 where call.method == .get:
            call.path += (call.path.contains("?") ? "&" : "?") + "nonsense=1"
            return try await send(call)
        case 400:
            call.body = #"{"nonsense":1}"#
            return try await send(call)
        case 422: return try await reused(call)
        case 429: return try await Self.crowded.value.send(call)
        default: return try await send(call)
        }
    }

    /// Signing in shows no token in the header, and a header of the page instead.
    private func provokeSignIn(_ status: Int, _ call: Call) async throws -> Answer {
        let records = status == 503 ? FakeRecords(failure: GridError(.unreachable, "no database")) : FakeRecords()
        let door = Door(access: try access(records))
        let stranger = #"{"token":"\#(FakeRecords.secret("nobody"))"}"#
        let page: HTTPFields = status == 403 ? [:] : [SessionCookie.pageHeader: SessionCookie.pageValue]
        func signIn(_ body: String?, type: String = "application/json") async throws -> Answer {
            try await door.send(
                Call(.post, call.path, body), authorization: nil, contentType: type, headers: page)
        }
        switch status {
        case 400: return try await signIn(#"{"nonsense":1}"#)
        case 401, 503: return try await signIn(stranger)
        case 413: return try await signIn(Self.tooLarge("POST v1/session"))
        case 415: return try await signIn(call.body, type: "text/html")
        case 429:
            for _ in 0..<Int(Limits.strangerRequestsBurstMax) { _ = try await signIn(stranger) }
            return try await signIn(stranger)
        default: return try await signIn(call.body)
        }
    }

    /// A body of one byte more than a route takes.
    private static func tooLarge(_ route: String) -> String {
        String(repeating: " ", count: (table.first { $0.name == route }?.bodyBytesMax ?? 0) + 1)
    }

    private func reused(_ call: Call) async throws -> Answer {
        let door = try Door(access: access())
        #expect(try await door.send(call, key: "k").status == 201)
        return try await door.send(Call(.post, call.path, #"{"kind":"features","region":"USA"}"#), key: "k")
    }

    /// One interface on which a token has sent as many requests as it may, for all who want to see what it says then.
    private static let crowded = Task {
        let door = try Door(access: access())
        try await door.send(Call(.get, "/v1/nothing"), times: Int(Limits.requestsBurstMax))
        return door
    }

    @Test("The validator of these tests notices what does not fit")
    func validator() async throws {
        let schema = JSONSchema(document: try await document())
        let job: [String: Any] = ["$ref": "#/components/schemas/TileMap"]
        let fine: [String: Any] = ["job_id": 1, "stage": "s", "edge": 2, "upper": true, "cells": "....", "task_count": 4]
        #expect(schema.faults(fine, job) == [])
        for (name, value) in [("edge", "2"), ("edge", 0), ("upper", 1.5), ("cells", NSNull()), ("more", 1)] as [(String, Any)] {
            #expect(schema.faults(fine.merging([name: value]) { $1 }, job).count == 1, "\(name) \(value)")
        }
        #expect(schema.faults(fine.filter { $0.key != "stage" }, job).count == 1)
    }
}
