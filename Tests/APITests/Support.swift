import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

@testable import API

let goodToken = "0123456789abcdef0123456789abcdef"

/// A logger that says nothing.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// What came back, with the JSON of its body as plain values.
struct Answer {
    let status: Int
    let headers: HTTPFields
    let text: String
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }
    var detail: String { json["detail"] as? String ?? "" }
}

struct Call: Sendable, CustomTestStringConvertible {
    var method: HTTPRequest.Method
    var path: String
    var body: String?
    var testDescription: String { "\(method) \(path) \(body?.prefix(60) ?? "")" }
    init(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) {
        self.method = method
        self.path = path
        self.body = body
    }
}

/// Sends requests straight to the router over this grid, without a socket.
func send(
    _ call: Call, to grid: FakeGrid = FakeGrid(), authorization: String? = "Bearer \(goodToken)",
    contentType: String? = "application/json"
) async throws -> Answer {
    let token = try AccessToken(goodToken, source: "the test")
    let application = Application(router: APIRoutes(control: grid, logger: silent).router(token: token), logger: silent)
    return try await application.test(.router) { client in
        var headers = HTTPFields()
        headers[.authorization] = authorization
        if call.body != nil { headers[.contentType] = contentType }
        let response = try await client.execute(
            uri: call.path, method: call.method, headers: headers, body: call.body.map { ByteBuffer(string: $0) })
        return Answer(
            status: response.status.code, headers: response.headers, text: String(buffer: response.body))
    }
}

/// Checks that an answer is problem details of this status.
func expectProblem(_ answer: Answer, _ status: Int, _ title: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(answer.headers[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
    #expect(answer.json["status"] as? Int == status, sourceLocation: sourceLocation)
    #expect(answer.json["title"] as? String == title, sourceLocation: sourceLocation)
    #expect(answer.json["type"] as? String == "about:blank", sourceLocation: sourceLocation)
    #expect(!answer.detail.isEmpty, sourceLocation: sourceLocation)
}
