import API
import AsyncHTTPClient
import ClusterModel
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Requests
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A coordinator behind its HTTP interface.
final class GridClient: GridControl {
    let base: URL
    private let token: AccessToken
    private let http: HTTPClient

    private static let connectSeconds: Int64 = 5
    private static let answerSeconds: Int64 = 30
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

    /// - Parameter authority: PEM file of the only authority that is trusted; nil trusts those of the system.
    /// - Throws: `GridError(.usage)` when the file holds none.
    init(base: URL, token: AccessToken, authority: String? = nil) throws(GridError) {
        self.base = base
        self.token = token
        http = try Self.client(authority: authority)
    }

    func status() async throws -> StatusView { try await get("/v1/status") }

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
                    ("state", request.states.isEmpty ? nil : request.states.map(\.rawValue).joined(separator: ",")),
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

    func drain(_ worker: WorkerID) async throws -> WorkerView {
        try await post("/v1/workers/\(Self.escaped(worker.rawValue))/drain", body: nil)
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

    /// As part of a path or a query.
    private static func escaped(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    private func get<Value: Decodable>(_ path: String, seconds: Int64 = answerSeconds) async throws -> Value {
        try decode(try await send("GET", path, body: nil, seconds: seconds))
    }

    private func post<Value: Decodable>(_ path: String, body: Data?, seconds: Int64 = answerSeconds) async throws -> Value {
        try decode(try await send("POST", path, body: body, seconds: seconds))
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
            throw unreachable(error, seconds)
        }
        if (200..<300).contains(status) { return data }
        throw refusal(status: status, body: data)
    }

    private func unreachable(_ error: any Error, _ seconds: Int64) -> GridError {
        GridError(
            .unreachable,
            "cannot reach the coordinator at \(base.absoluteString): \(Self.reason(error, seconds)); start one with "
                + "'alphagrid up', or name another with --url or ALPHAGRID_URL")
    }

    private static func reason(_ error: any Error, _ seconds: Int64) -> String {
        switch error {
        case let error as NIOConnectionError:
            let refused = error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
            return error.connectionErrors.isEmpty
                ? "nobody knows this host" : refused ? "nothing listens there" : "no way leads there"
        case let error as NIOSSLError:
            return tlsReason(error)
        case let error as NIOSSLExtraError:
            return "its certificate is not for this name (\(error))"
        case let error as IOError:
            return error.errnoCode == ECONNREFUSED ? "nothing listens there" : systemMessage(error.errnoCode)
        case let error as HTTPClientError where error == .connectTimeout:
            return "no answer within \(connectSeconds) seconds"
        case let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded:
            return "no answer within \(seconds) seconds"
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return "it closed the connection"
        default: return "\(error)"
        }
    }

    private static func tlsReason(_ error: NIOSSLError) -> String {
        if case .handshakeFailed(let cause) = error, "\(cause)".contains("CERTIFICATE_VERIFY_FAILED") {
            return "no trusted authority has signed its certificate; name its own with --ca or ALPHAGRID_CA"
        }
        return "TLS with it is not possible; does it serve https?"
    }

    /// The coordinator's own sentence, or that whoever answers is none.
    private func refusal(status: UInt, body: Data) -> GridError {
        guard let problem = try? GridJSON.decode(ProblemDocument.self, from: body) else {
            return GridError(
                .unreachable,
                "\(base.absoluteString) answers with status \(status), but not as a coordinator does: check the address")
        }
        switch status {
        case 401:
            return GridError(
                .failed,
                "\(base.absoluteString) refuses the token: set ALPHAGRID_TOKEN or ALPHAGRID_TOKEN_FILE to the one in its "
                    + "state folder")
        case 403:
            return GridError(.failed, "\(base.absoluteString) refuses: \(problem.detail)")
        case 400, 405, 406, 413, 415, 422: return GridError(.usage, problem.detail)
        case 404: return GridError(.notFound, problem.detail)
        case 409: return GridError(.conflict, problem.detail)
        case 503: return GridError(.unreachable, problem.detail)
        default: return GridError(.failed, problem.detail)
        }
    }
}
