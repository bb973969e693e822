import API
import ClusterModel
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A coordinator behind its HTTP interface.
final class GridClient: GridControl {
    let base: URL
    private let token: AccessToken
    private let session: URLSession

    private static let timeoutSeconds = 30.0

    init(base: URL, token: AccessToken) {
        self.base = base
        self.token = token
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = Self.timeoutSeconds
        configuration.httpShouldSetCookies = false
        session = URLSession(configuration: configuration, delegate: NoRedirects(), delegateQueue: nil)
    }

    deinit { session.invalidateAndCancel() }

    func status() async throws -> StatusView { try await get("/v1/status") }

    func ready() async throws { _ = try await send("GET", "/readyz", body: nil) }

    func submit(_ request: JobRequest) async throws -> JobView {
        try await post("/v1/jobs", body: try GridJSON.encode(request))
    }

    func jobs(limit: Int, before: JobID?) async throws -> [JobView] {
        try await jobList(limit: limit, before: before).jobs
    }

    /// A page of jobs with where the next one begins.
    func jobList(limit: Int, before: JobID?) async throws -> JobList {
        try await get("/v1/jobs?limit=\(limit)" + (before.map { "&before=\($0)" } ?? ""))
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
        let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
        let name = worker.rawValue.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
        return try await post("/v1/workers/\(name)/drain", body: nil)
    }

    private func get<Value: Decodable>(_ path: String) async throws -> Value {
        try decode(try await send("GET", path, body: nil))
    }

    private func post<Value: Decodable>(_ path: String, body: Data?) async throws -> Value {
        try decode(try await send("POST", path, body: body))
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
    private func send(_ method: String, _ path: String, body: Data?) async throws -> Data {
        guard let url = URL(string: base.absoluteString + path) else {
            throw GridError(.usage, "'\(path.printable)' is not a path of \(base.absoluteString)")
        }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.setValue("Bearer \(token.secret)", forHTTPHeaderField: "Authorization")
        if let body {
            request.httpBody = body
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let data: Data
        let response: URLResponse
        do {
            (data, response) = try await session.data(for: request)
        } catch let error as URLError {
            throw unreachable(error)
        }
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        if (200..<300).contains(status) { return data }
        throw refusal(status: status, body: data)
    }

    private func unreachable(_ error: URLError) -> GridError {
        let reason =
            switch error.code {
            case .cannotFindHost: "nobody knows this host"
            case .timedOut: "no answer within \(Int(Self.timeoutSeconds)) seconds"
            case .cannotConnectToHost: "nothing listens there"
            default: error.localizedDescription
            }
        return GridError(
            .unreachable,
            "cannot reach the coordinator at \(base.absoluteString): \(reason); start one with 'alphagrid up', or name "
                + "another with --url or ALPHAGRID_URL")
    }

    /// The coordinator's own sentence, or that whoever answers is none.
    private func refusal(status: Int, body: Data) -> GridError {
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
        case 400, 405, 413, 415: return GridError(.usage, problem.detail)
        case 404: return GridError(.notFound, problem.detail)
        case 409: return GridError(.conflict, problem.detail)
        case 503: return GridError(.unreachable, problem.detail)
        default: return GridError(.failed, problem.detail)
        }
    }
}

/// A redirect would carry the token to another address.
private final class NoRedirects: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
