// The HTTP interface of a coordinator: routes over any `GridControl`, and nothing that computes. `TokenGate` is the one
// gate in front of them, the target `Requests` judges what was sent, `Problem` and `ProblemMiddleware` turn every failure
// into problem details, `APIServer` binds, answers and stops.

import ClusterModel
import Foundation
import GridMetrics
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Requests

/// What a request carries through the middleware.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Address of the other end of the connection.
    let peer: String
    /// Who asks; nil before the gate.
    var principal: Principal?
    /// As the route has it.
    var bodyBytesMax = 0

    init(source: Source) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }

    var maxUploadSize: Int { bodyBytesMax }
}

/// Which path does what.
struct APIRoutes: Sendable {
    let control: any GridControl
    let logger: Logger
    var metrics = MetricsRegistry()

    static let jobsPageDefault = 50

    /// Every route there is; the router is made of nothing else.
    var table: [APIRoute] {
        [
            .open("livez", live),
            .open("readyz", ready),
            .get("metrics", .viewer, scrape),
            .get("v1/status", .viewer, status),
            .get("v1/jobs", .viewer, listJobs),
            .change("v1/jobs", .operator, as: "submit job", submit),
            .get("v1/jobs/:id", .viewer, showJob),
            .change("v1/jobs/:id/cancel", .operator, as: "cancel job", cancel),
            .get("v1/workers", .viewer, listWorkers),
            .ask("v1/regions/:region/check", .viewer, bodyBytesMax: Limits.checkBodyBytesMax, check),
            .get("v1/regions/:region/pairs", .viewer, pair),
            .get("v1/regions/:region/results/:result", .viewer, results),
        ] + operationTable + scheduleTable
    }

    func router(access: AccessSettings) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let counts = RequestMetrics()
        metrics.add { counts.families }
        router.add(middleware: CountingMiddleware(counts: counts, clock: access.clock))
        router.add(middleware: ProblemMiddleware(logger: logger))
        let trail = AuditTrail(records: access.records, clock: access.clock, logger: logger) { counts.refused(status: $0) }
        add(table.filter { $0.access == .open }, to: router, trail)
        // Whatever is added from here on, and every unknown path, wants a token.
        router.add(
            middleware: TokenGate(
                authenticator: Authenticator(access, logger: logger), trail: trail, clock: access.clock))
        router.add(middleware: LeaderGate(control: control))
        add(table.filter { $0.access != .open }, to: router, trail)
        return router
    }

    /// Adds routes, and says 405 to the methods that their paths do not have.
    private func add(_ routes: [APIRoute], to router: Router<APIContext>, _ trail: AuditTrail) {
        var allowed: [(path: String, methods: [HTTPRequest.Method])] = []
        for route in routes {
            router.on(RouterPath(route.path), method: route.method, use: route.guarded(by: trail))
            let methods: [HTTPRequest.Method] = route.method == .get ? [.get, .head] : [route.method]
            if let known = allowed.firstIndex(where: { $0.path == route.path }) {
                allowed[known].methods += methods
            } else {
                allowed.append((route.path, methods))
            }
        }
        for (path, methods) in allowed {
            let names = methods.map(\.rawValue).joined(separator: ", ")
            let others: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace]
            for method in others where !methods.contains(method) {
                router.on(RouterPath(path), method: method) { request, _ -> Response in
                    throw Problem(
                        .methodNotAllowed, "\(request.method) is not possible here: expected \(names)",
                        headers: [.allow: names])
                }
            }
        }
    }

    // MARK: Health

    @Sendable private func live(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = ResponseBody(byteBuffer: ByteBuffer(string: "ok\n"))
        return Response(status: .ok, headers: [.contentType: "text/plain; charset=utf-8"], body: body)
    }

    /// Whoever asks shows no token, so the reason stays in the log.
    @Sendable private func ready(_ request: Request, _ context: APIContext) async throws -> Response {
        if control.leaderElsewhere() != nil {
            throw Problem(.serviceUnavailable, "this coordinator does not lead: it stands by, or another one has taken over")
        }
        do {
            try await control.ready()
        } catch {
            logger.warning("not ready", metadata: ["error": "\(error)"])
            throw Problem(.serviceUnavailable, "the coordinator is not ready; its log says why")
        }
        return try await live(request, context)
    }

    /// For Prometheus, in its own format; costs the same whatever the grid holds.
    @Sendable private func scrape(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = ResponseBody(byteBuffer: ByteBuffer(string: metrics.text()))
        return Response(status: .ok, headers: [.contentType: MetricsRegistry.contentType], body: body)
    }

    @Sendable private func status(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        return try answer(await control.status())
    }

    // MARK: Jobs

    @Sendable private func submit(_ request: Request, _ context: APIContext) async throws -> Response {
        let job = try await control.submit(try JobRequest(decoding: try await jsonBody(of: request, context)))
        return try answer(job.finite, status: .created, headers: [.location: "/v1/jobs/\(job.jobID)"])
    }

    @Sendable private func listJobs(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["before", "limit"])
        let limit = try query.whole("limit", in: 1...Limits.jobsListedMax) ?? Self.jobsPageDefault
        let before = try query["before"].map { text throws(GridError) in try JobID(parsing: text) }
        let jobs = try await control.jobs(limit: limit, before: before)
        return try answer(JobList(jobs: jobs.map(\.finite), nextBefore: jobs.count < limit ? nil : jobs.last?.jobID))
    }

    @Sendable private func showJob(_ request: Request, _ context: APIContext) async throws -> Response {
        try answer(await control.job(try jobID(context)).finite)
    }

    @Sendable private func cancel(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        let body = try await jsonBody(of: request, context, mayBeEmpty: true)
        return try answer(await control.cancel(id, reason: try CancelRequest(decoding: body).reason).finite)
    }

    // MARK: Workers

    @Sendable private func listWorkers(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        return try answer(WorkerList(workers: try await control.workers().map(\.finite)))
    }

    // MARK: Pieces

    func answer(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        let body = ByteBuffer(bytes: try GridJSON.encode(value))
        return Response(status: status, headers: headers, body: .init(byteBuffer: body))
    }

    func jobID(_ context: APIContext) throws -> JobID {
        try JobID(parsing: try pathParameter("id", context))
    }

    func pathParameter(_ name: String, _ context: APIContext) throws -> String {
        let raw = try context.parameters.require(name)
        guard let text = raw.removingPercentEncoding else {
            throw GridError(.usage, "'\(raw.printable)' in the path is not valid: its percent encoding is broken")
        }
        return text
    }

    /// The body of a request that must be JSON.
    func jsonBody(of request: Request, _ context: APIContext, mayBeEmpty: Bool = false) async throws -> Data {
        let body = try await body(of: request, context)
        if !(body.isEmpty && mayBeEmpty) { _ = try mediaType(of: request, oneOf: ["application/json"]) }
        return body
    }

    /// A body whose declared size is too large was refused before a byte of it was read (`APIRoute`).
    func body(of request: Request, _ context: APIContext) async throws -> Data {
        var request = request
        do {
            return Data(try await request.collectBody(upTo: context.bodyBytesMax).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Problem.bodyTooLarge(bytesMax: context.bodyBytesMax)
        }
    }

    func mediaType(of request: Request, oneOf expected: [String]) throws -> String {
        let type = request.headers[.contentType] ?? ""
        let media = type.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
        guard expected.contains(media) else {
            let got = type.isEmpty ? "missing" : "'\(type.printable)'"
            throw Problem(
                .unsupportedMediaType, "the Content-Type is \(got): expected \(expected.joined(separator: " or "))",
                headers: [.accept: expected.joined(separator: ", ")])
        }
        return media
    }
}
