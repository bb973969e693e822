import API
import AsyncHTTPClient
import ClusterModel
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Requests
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A coordinator behind its HTTP interface, or several of which one leads: where one does not answer, or says that it does not
/// lead, the next is asked, and remembered.
final class GridClient: GridControl {
    private let bases: [URL]
    /// Index of the one that was last heard to lead.
    private let present = Mutex(0)
    private let hint: String?
    private let token: AccessToken
    private let http: HTTPClient

    static let answerSeconds: Int64 = 30
    /// The first question about a pool reads all of it.
    private static let questionSeconds: Int64 = 900
    private static let answerBytesMax = 64 << 20

    /// One for each authority and the life of the process, so that nobody has to shut it down.
    private static let clients = Mutex<[String?: HTTPClient]>([:])

    private static func client(authority: String?) throws(GridError) -> HTTPClient {
        if let client = clients.withLock({ $0[authority] }) { return client }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let authority {
            guard FileManager.default.fileExists(atPath: authority) else {
                throw GridError(.notFound, "the file '\(authority.printable)' of --ca is not there")
            }
            guard let certificates = try? NIOSSLCertificate.fromPEMFile(authority), !certificates.isEmpty else {
                throw GridError(
                    .usage, "the file '\(authority)' of --ca holds no certificate: expected PEM with BEGIN CERTIFICATE")
            }
            tls.trustRoots = .certificates(certificates)
        }
        let made = makeClient(tls)
        let (kept, isSpare) = clients.withLock { clients in
            if let other = clients[authority] { return (other, true) }
            clients[authority] = made
            return (made, false)
        }
        if isSpare { try? made.syncShutdown() }
        return kept
    }

    private static func makeClient(_ tls: TLSConfiguration) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the token to another address.
        configuration.redirectConfiguration = .disallow
        // How long an answer may take is each request's own.
        configuration.timeout = .init(connect: .seconds(connectSeconds))
        // Whoever types a command wants to know at once that nobody is there.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        configuration.tlsConfiguration = tls
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// - Throws: `GridError(.usage)` when the file of the authority holds none.
    init(_ connection: Settings.Connection) throws(GridError) {
        bases = connection.urls
        hint = connection.hint
        token = connection.token
        http = try Self.client(authority: connection.authority)
    }

    /// Of one coordinator.
    convenience init(base: URL, token: AccessToken) throws(GridError) {
        try self.init(Settings.Connection(urls: [base], token: token))
    }

    /// Of the one that was last heard to lead.
    var base: URL { bases[present.withLock { $0 }] }

    func status() async throws -> StatusView { try await get("/v1/status") }

    /// - Parameter role: The most the browser may do; nil as much as the token.
    func makeSignInCode(role: AccessRole? = nil) async throws -> SignInCodeView {
        let body = try role.map { try GridJSON.encode(["role": $0.rawValue]) }
        return try await post("/v1/session/codes", body: body)
    }

    func ready() async throws { _ = try await send("GET", "/readyz", body: nil) }

    func submit(_ request: JobRequest) async throws -> JobView {
        try await post("/v1/jobs", body: try GridJSON.encode(request))
    }

    func jobs(_ request: JobsRequest) async throws -> [JobView] { try await jobList(request).jobs }

    /// A page of jobs with where the next one begins.
    func jobList(_ request: JobsRequest) async throws -> JobList {
        try await get(
            "/v1/jobs"
                + Self.query([
                    ("limit", "\(request.limit)"), ("before", request.before?.description), ("kind", request.kind),
                    ("region", request.region), ("sort", request.sort.map(Self.text)),
                    ("state", request.stateNames.isEmpty ? nil : request.stateNames.joined(separator: ",")),
                    ("offset", request.offset > 0 ? "\(request.offset)" : nil),
                ]))
    }

    func job(_ id: JobID) async throws -> JobView { try await get("/v1/jobs/\(id)") }

    func cancel(_ id: JobID, reason: String) async throws -> JobView {
        try await post("/v1/jobs/\(id)/cancel", body: try GridJSON.encode(CancelRequest(reason: reason)))
    }

    func workers() async throws -> [WorkerView] {
        let list: WorkerList = try await get("/v1/workers")
        return list.workers
    }

    func check(_ request: CheckRequest, region: Region) async throws -> CheckView {
        try await post("/v1/regions/\(region)/check", body: try GridJSON.encode(request), seconds: Self.questionSeconds)
    }

    func pair(_ request: PairRequest, region: Region) async throws -> PairView {
        let query = Self.query([
            ("a", request.a), ("b", request.b), ("pool", request.pool), ("window", request.window),
            ("min_overlap", request.minOverlap.map { String($0) }),
        ])
        return try await get("/v1/regions/\(region)/pairs\(query)", seconds: Self.questionSeconds)
    }

    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage {
        var query: [(name: String, value: String?)] = [
            ("job", request.job.map { "\($0)" }), ("method", request.method), ("alpha_id", request.alphaID),
            ("limit", "\(request.limit)"), ("offset", "\(request.offset)"), ("universe", request.universe),
            ("delay", request.delay.map { "\($0)" }), ("type", request.type),
            ("columns", request.columns?.joined(separator: ",")),
            ("sort", request.sort.isEmpty ? nil : request.sort.map(Self.text).joined(separator: ",")),
        ]
        for filter in request.filters {
            let value = filter.comparison.takesValue ? ":\(filter.value)" : ""
            query.append(("filter", "\(filter.column):\(filter.comparison.rawValue)\(value)"))
        }
        return try await get("/v1/regions/\(region)/results/\(request.result.rawValue)\(Self.query(query))")
    }

    private static func text(_ key: SortKey) -> String { (key.isDescending ? "-" : "") + key.column }

    /// With its `?`; what has no value is left out.
    private static func query(_ parameters: [(name: String, value: String?)]) -> String {
        "?" + parameters.compactMap { name, value in value.map { "\(name)=\(escaped($0))" } }.joined(separator: "&")
    }

    func support() async throws -> SupportView { try await get("/v1/support") }

    /// An answer as it came.
    func text(_ path: String) async throws -> String {
        String(decoding: try await send("GET", path, body: nil), as: UTF8.self)
    }

    /// As part of a path or a query.
    static func escaped(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    func get<Value: Decodable>(_ path: String, seconds: Int64 = answerSeconds) async throws -> Value {
        try decode(try await send("GET", path, body: nil, seconds: seconds))
    }

    func post<Value: Decodable>(_ path: String, body: Data?, seconds: Int64 = answerSeconds) async throws -> Value {
        try decode(try await send("POST", path, body: body, seconds: seconds))
    }

    func delete<Value: Decodable>(_ path: String) async throws -> Value {
        try decode(try await send("DELETE", path, body: nil))
    }

    private func decode<Value: Decodable>(_ data: Data) throws(GridError) -> Value {
        do {
            return try GridJSON.decode(Value.self, from: data)
        } catch {
            throw GridError(
                .failed,
                "\(base.absoluteString) gave an answer this version (\(AlphaGrid.version)) does not understand: is its "
                    + "coordinator of another version?")
        }
    }

    /// - Returns: The body of a success.
    private func send(
        _ method: String, _ path: String, body: Data?, seconds: Int64 = answerSeconds
    ) async throws -> Data {
        let first = present.withLock { $0 }
        // One that is frozen must not be waited for as long as the only one.
        let isShort = bases.count > 1 && method == "GET" && seconds == Self.answerSeconds
        var failures: [Failure] = []
        for turn in bases.indices {
            let index = (first + turn) % bases.count
            do {
                let data = try await send(
                    method, path, body: body, to: bases[index], seconds: isShort ? Limits.answerSecondsOfSeveral : seconds)
                present.withLock { $0 = index }
                return data
            } catch let failure as Failure {
                failures.append(failure)
                // What may have been done must not be asked for twice.
                guard failure.isUndone || method == "GET" else { break }
            }
        }
        throw Failure.summary(of: failures, hint: hint)
    }

    private func send(
        _ method: String, _ path: String, body: Data?, to base: URL, seconds: Int64
    ) async throws -> Data {
        var request = HTTPClientRequest(url: base.absoluteString + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "Authorization", value: "Bearer \(token.secret)")
        if let body {
            request.body = .bytes(ByteBuffer(bytes: body))
            request.headers.add(name: "Content-Type", value: "application/json")
        }
        let status: UInt
        let data: Data
        do {
            let deadline = NIODeadline.now() + .seconds(seconds)
            let response = try await http.execute(request, deadline: deadline)
            status = response.status.code
            data = Data(try await response.body.collect(upTo: Self.answerBytesMax).readableBytesView)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure(base: base, error: error, seconds: seconds)
        }
        if (200..<300).contains(status) { return data }
        throw try Failure(base: base, status: status, body: data)
    }
}
