// The HTTP interface of a coordinator: routes over any `ServedGrid`, and nothing that computes. `TokenGate` is the one
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
    /// Whether who asks would be let in again, for answers that take long.
    var remainsKnown: @Sendable () async -> Bool = { false }

    init(source: Source) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }

    var maxUploadSize: Int { bodyBytesMax }
}

/// Which path does what.
struct APIRoutes: Sendable {
    let control: any ServedGrid
    let logger: Logger
    let hub: EventHub
    private let keys = IdempotencyKeys()
    private let readiness: Readiness
    let budget: AnswerBudget
    var page: PageFiles
    /// nil where nobody signs in, as when only the table is looked at.
    var doorman: Doorman?
    var metrics: MetricsRegistry
    let support: @Sendable () async throws -> SupportView

    init(
        control: any ServedGrid, logger: Logger, page: PageFiles = PageFiles(assets: nil),
        metrics: MetricsRegistry = MetricsRegistry(),
        support: @escaping @Sendable () async throws -> SupportView = { SupportView() }, hub: EventHub? = nil,
        budget: AnswerBudget = AnswerBudget()
    ) {
        self.control = control
        self.logger = logger
        self.budget = budget
        readiness = Readiness(logger: logger) { try await control.ready() }
        self.page = page
        self.metrics = metrics
        self.support = support
        self.hub = hub ?? EventHub(control: control, logger: logger)
    }

    /// Every route there is; the router is made of nothing else.
    var table: [APIRoute] {
        [
            .open("livez", live),
            .open("readyz", ready),
            .get("openapi.json", .viewer, openAPI),
            .open("/", index),
            .open("assets/:file", asset),
            .session(.post, .open, signIn),
            .session(.get, .needs(.viewer), showSession),
            .session(.delete, .needs(.viewer), signOut),
            .change("v1/session/codes", .admin, as: "make sign-in code", makeSignInCode),
            .get("metrics", .viewer, isOfProcess: true, scrape),
            .get("v1/status", .viewer, status),
            .get("v1/support", .admin, supportFacts),
            .get("v1/jobs", .viewer, listJobs),
            .change("v1/jobs", .operator, as: "submit job", submit),
            .get("v1/jobs/:id", .viewer, showJob),
            .change("v1/jobs/:id/cancel", .operator, as: "cancel job", cancel),
            .get("v1/jobs/:id/events", .viewer, jobEvents),
            .get("v1/jobs/:id/tiles", .viewer, tiles),
            .get("v1/events", .viewer, events),
            .get("v1/workers", .viewer, listWorkers),
            .ask("v1/regions/:region/check", .viewer, bodyBytesMax: Limits.checkBodyBytesMax, check),
            .get("v1/regions", .viewer, regions),
            .get("v1/regions/:region/alphas/:id", .viewer, alpha),
            .get("v1/regions/:region/alphas/:id/pnl", .viewer, pnl),
            .get("v1/regions/:region/matrix", .viewer, matrix),
            .get("v1/regions/:region/pairs", .viewer, pair),
            .get("v1/regions/:region/usage", .viewer, usage),
            .get("v1/regions/:region/results/:result", .viewer, results),
        ] + operationTable + scheduleTable + auditTable
    }

    /// - Parameter isEncrypted: Whether answers go through TLS, so that cookies may insist on it.
    func router(access: AccessSettings, isEncrypted: Bool = false) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let counts = RequestMetrics()
        metrics.add { counts.families }
        router.add(middleware: CountingMiddleware(counts: counts, clock: access.clock))
        router.add(middleware: ProblemMiddleware(logger: logger))
        let trail = AuditTrail(
            records: access.records, clock: access.clock, logger: logger, changesBurst: access.changesBurst
        ) { counts.refused(status: $0) }
        let authenticator = Authenticator(access, logger: logger)
        let strangers = RateLimiter(
            perSecond: access.strangersPerSecond, burst: max(access.strangersPerSecond, Limits.strangerRequestsBurstMax))
        var routes = self
        routes.doorman = Doorman(
            authenticator: authenticator, sessions: access.sessions, trail: trail, strangers: strangers, clock: access.clock,
            isEncrypted: isEncrypted)
        let table = routes.table
        routes.add(table.filter { $0.access == .open }, to: router, trail, beside: table)
        // Whatever is added from here on, and every unknown path, wants a token.
        router.add(
            middleware: TokenGate(
                authenticator: authenticator, trail: trail, clock: access.clock, sessions: access.sessions,
                strangers: strangers))
        routes.add(table.filter { $0.access != .open && $0.isOfProcess }, to: router, trail, beside: table)
        router.add(middleware: LeaderGate(control: control))
        routes.add(table.filter { $0.access != .open && !$0.isOfProcess }, to: router, trail, beside: table)
        return router
    }

    /// Adds routes, and says 405 to the methods that their paths do not have; those of a path that has routes on both
    /// sides of the gate are said behind it.
    private func add(
        _ routes: [APIRoute], to router: Router<APIContext>, _ trail: AuditTrail, beside table: [APIRoute]
    ) {
        for route in routes { router.on(RouterPath(route.path), method: route.method, use: route.guarded(by: trail)) }
        let isBehind = routes.contains { $0.access != .open }
        let paths = Set(routes.map(\.path))
        var allowed: [(path: String, methods: [HTTPRequest.Method])] = []
        for route in table where paths.contains(route.path) {
            if !isBehind, table.contains(where: { $0.path == route.path && $0.access != .open }) { continue }
            let methods: [HTTPRequest.Method] = route.method == .get ? [.get, .head] : [route.method]
            if let known = allowed.firstIndex(where: { $0.path == route.path }) {
                allowed[known].methods += methods
            } else {
                allowed.append((route.path, methods))
            }
        }
        for (path, methods) in allowed {
            let names = methods.map(\.rawValue).joined(separator: ", ")
            let query = HTTPRequest.Method(rawValue: "QUERY").map { [$0] } ?? []
            let others: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace] + query
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
        guard await readiness.isReady() else {
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

    @Sendable private func openAPI(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let body = ByteBuffer(bytes: try OpenAPIDocument(routes: table).encoded())
        return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: body))
    }

    // MARK: Jobs

    @Sendable private func submit(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await jsonBody(of: request, context)
        let asked = try JobRequest(decoding: body)
        guard let key = try idempotencyKey(request) else { return try made(await control.submit(asked)) }
        let name = "\(context.principal?.name ?? "")\n\(key)"
        switch keys.begin(name, body: body, now: APIClock.system.monotonic()) {
        case .done(let id): return try made(await control.job(id))
        case .underWay: throw Problem(.conflict, "the request with this Idempotency-Key is under way: try again")
        case .different:
            throw Problem(.unprocessableContent, "this Idempotency-Key was used for another request: expected a new one")
        case .new:
            do {
                let job = try await control.submit(asked)
                keys.finish(name, job.jobID)
                return try made(job)
            } catch {
                keys.forget(name)
                throw error
            }
        }
    }

    private func made(_ job: JobView) throws -> Response {
        try answer(job.finite, status: .created, headers: [.location: "/v1/jobs/\(job.jobID)"])
    }

    private func idempotencyKey(_ request: Request) throws(GridError) -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        let isPlain = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPlain, (1...Limits.idempotencyKeyBytesMax).contains(key.utf8.count) else {
            throw GridError(
                .usage,
                "the header Idempotency-Key is not valid: expected 1 to \(Limits.idempotencyKeyBytesMax) visible characters")
        }
        return key
    }

    @Sendable private func listJobs(_ request: Request, _ context: APIContext) async throws -> Response {
        let asked = try JobsRequest(try QueryParameters(request.uri.query, names: JobsRequest.queryNames))
        // One more than asked for tells whether there is a next page.
        var wanted = asked
        wanted.limit += 1
        let found = try await control.jobs(wanted)
        let jobs = found.prefix(asked.limit)
        var list = JobList(jobs: jobs.map(\.finite), nextBefore: nil)
        if found.count > jobs.count {
            if asked.isPagedByID, asked.offset == 0 {
                list.nextBefore = jobs.last?.jobID
            } else {
                list.nextOffset = asked.offset + jobs.count
            }
        }
        return try answer(list)
    }

    @Sendable private func showJob(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let id = try jobID(context)
        return try answer(await control.job(id).finite)
    }

    @Sendable private func cancel(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        let body = try await jsonBody(of: request, context, mayBeEmpty: true)
        let reason = try CancelRequest(decoding: body).reason
        return try answer(await control.cancel(id, reason: reason).finite)
    }

    // MARK: Workers

    @Sendable private func listWorkers(_ request: Request, _ context: APIContext) async throws -> Response {
        let asked = try WorkersRequest(try QueryParameters(request.uri.query, names: WorkersRequest.queryNames))
        let page = asked.page(of: try await control.workers().map(\.finite))
        return try answer(WorkerList(workers: page.workers, nextOffset: page.nextOffset))
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

    /// An answer that may be large: written where few are at once, and counted until it has been taken.
    ///
    /// - Parameter count: How many values it has, more or less.
    func answer(_ value: some Encodable & Sendable, ofValues count: Int) async throws -> Response {
        try await file(ofValues: count, "application/json") { [UInt8](try GridJSON.encode(value)) }
    }

    /// The same in a format that `write` knows.
    func file(
        ofValues count: Int, _ mediaType: String, _ headers: HTTPFields = [:], _ write: @escaping @Sendable () throws -> [UInt8]
    ) async throws -> Response {
        let bytes = count < Limits.codingValuesMin ? try write() : try await control.coding(write)
        var headers = headers
        headers[.contentType] = mediaType
        return Response(status: .ok, headers: headers, body: try budget.body(ByteBuffer(bytes: bytes)))
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
