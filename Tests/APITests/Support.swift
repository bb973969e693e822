import APITestServer
import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Synchronization
import Testing

@testable import API

let goodToken = "0123456789abcdef0123456789abcdef"

/// A logger that remembers.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.message)") } }
    }
}

/// A number that many may raise at once.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add() { number.add(1, ordering: .relaxed) }
}

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

/// Who is let in where a test does not care: the token of the state folder, and one of each role.
func access(_ records: FakeRecords = FakeRecords(), jwt: JWTVerifier? = nil, clock: APIClock = TestClock().clock) throws
    -> AccessSettings
{
    AccessSettings(token: try AccessToken(goodToken, source: "the test"), records: records, jwt: jwt, clock: clock)
}

/// Sends a request straight to the router over this grid, without a socket.
func send(
    _ call: Call, to grid: FakeGrid = FakeGrid(), records: FakeRecords = FakeRecords(),
    authorization: String? = "Bearer \(goodToken)", contentType: String? = "application/json", accept: String? = nil
) async throws -> Answer {
    let door = try Door(grid: grid, access: access(records))
    return try await door.send(call, authorization: authorization, contentType: contentType, accept: accept)
}

/// One router for several requests.
struct Door: Sendable {
    private let application: Application<RouterResponder<APIContext>>

    init(
        grid: FakeGrid = FakeGrid(), access: AccessSettings, assets: String? = nil, isEncrypted: Bool = false,
        hub: EventHub? = nil, budget: AnswerBudget = AnswerBudget()
    ) {
        let routes = APIRoutes(control: grid, logger: silent, page: PageFiles(assets: assets), hub: hub, budget: budget)
        application = Application(router: routes.router(access: access, isEncrypted: isEncrypted), logger: silent)
    }

    /// Sends a request with the token of the state folder several times, whatever comes of it.
    func send(_ call: Call, times: Int) async throws {
        try await application.test(.router) { client in
            for _ in 0..<times {
                _ = try await client.execute(
                    uri: call.path, method: call.method, headers: [.authorization: "Bearer \(goodToken)"], body: nil)
            }
        }
    }

    func send(
        _ call: Call, authorization: String? = "Bearer \(goodToken)", contentType: String? = "application/json",
        accept: String? = nil, key: String? = nil,
        headers more: HTTPFields = [SessionCookie.pageHeader: SessionCookie.pageValue]
    ) async throws -> Answer {
        try await application.test(.router) { client in
            var headers = more
            headers[.authorization] = authorization
            headers[.accept] = accept
            headers[.idempotencyKey] = key
            if call.body != nil { headers[.contentType] = contentType }
            let response = try await client.execute(
                uri: call.path, method: call.method, headers: headers, body: call.body.map { ByteBuffer(string: $0) })
            return Answer(
                status: response.status.code, headers: response.headers, text: String(buffer: response.body))
        }
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

/// Runs a server with these limits while `body` talks to its port.
func serving(
    _ limits: ConnectionLimits, control: FakeGrid = FakeGrid(), certificate: TLSCertificate? = nil,
    _ body: (Int) async throws -> Void
) async throws {
    try await serving(
        { onRunning in
            try APIServer(
                control: control, access: access(), certificate: certificate, host: "127.0.0.1", port: 0, logger: silent,
                limits: limits, onRunning: onRunning)
        }, body)
}
