import ClusterModel
import HTTPTypes
import Hummingbird

/// The one gate: what is behind it answers only to a request that shows a valid token.
///
/// It stands in front of the routes that are added after it and in front of unknown paths, so that nothing tells
/// an outsider which paths exist. What the caller may do there is for each route to say (`APIRoute`).
struct TokenGate: RouterMiddleware {
    typealias Context = APIContext

    let authenticator: Authenticator
    let trail: AuditTrail
    let clock: APIClock
    let sessions: SessionDirectory
    let callers = RateLimiter(perSecond: Limits.requestsPerSecondMax, burst: Limits.requestsBurstMax)
    let strangers: RateLimiter

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization] else {
            if let cookie = SessionCookie.value(in: request.headers) {
                return try await handle(request, context, cookie, next)
            }
            throw refusal(
                request, context, "this path needs the header 'Authorization: Bearer TOKEN'",
                challenge: #"Bearer realm="alphagrid""#)
        }
        let verdict: Authenticator.Verdict
        if let presented = Self.bearer(header) {
            // Signatures cost more than a comparison: an address that keeps sending wrong ones waits before the next.
            if JWTVerifier.looksLikeOne(presented), strangers.isExhausted(context.peer, now: clock.monotonic()) {
                verdict = .stranger
            } else {
                verdict = await authenticator.identify(presented)
            }
        } else {
            verdict = .stranger
        }
        let presented = Self.bearer(header) ?? ""
        return try await admit(
            verdict, request, context, refusing: "the token of the Authorization header is not valid here",
            again: { [authenticator] in await authenticator.identify(presented) }, next)
    }

    /// A browser that has signed in. A page of somebody else's can have its cookie sent, but not this header.
    private func handle(
        _ request: Request, _ context: APIContext, _ cookie: Substring,
        _ next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let verdict: Authenticator.Verdict
        if let grant = sessions.find(cookie) {
            verdict = await authenticator.identify(grant)
        } else {
            verdict = .stranger
        }
        if verdict != .stranger { try SessionCookie.expectPage(request) }
        return try await admit(
            verdict, request, context, refusing: "this browser is not signed in any more",
            again: { [authenticator, sessions] in
                guard let grant = sessions.find(cookie) else { return .stranger }
                return await authenticator.identify(grant)
            }, next)
    }

    private func admit(
        _ verdict: Authenticator.Verdict, _ request: Request, _ context: APIContext, refusing detail: String,
        again: @escaping @Sendable () async -> Authenticator.Verdict,
        _ next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        switch verdict {
        case .stranger:
            throw refusal(request, context, detail, challenge: #"Bearer realm="alphagrid", error="invalid_token""#)
        case .unavailable:
            throw Problem(.serviceUnavailable, "tokens cannot be checked at the moment: try again")
        case .known(let principal):
            if let seconds = callers.take(principal.name, now: clock.monotonic()) {
                throw Problem.tooMany("this token sends too many requests", seconds: seconds)
            }
            var context = context
            context.principal = principal
            context.remainsKnown = { await again() == .known(principal) }
            return try await next(request, context)
        }
    }

    private func refusal(_ request: Request, _ context: APIContext, _ detail: String, challenge: String) -> Problem {
        trail.refused(AuditEntry(refusing: request, context, status: .unauthorized))
        if let seconds = strangers.take(context.peer, now: clock.monotonic()) {
            return Problem.tooMany("this address sends too many requests without a valid token", seconds: seconds)
        }
        return Problem(.unauthorized, detail, headers: [.wwwAuthenticate: challenge])
    }

    /// The token of a header value; the word `Bearer` in any case, as RFC 9110 says.
    static func bearer(_ header: String) -> Substring? {
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].drop { $0 == " " }
    }
}

extension Problem {
    static func tooMany(_ detail: String, seconds: Double) -> Problem {
        let whole = max(1, Int(seconds.rounded(.up)))
        return Problem(
            .tooManyRequests, "\(detail): try again in \(whole) s", headers: [.retryAfter: "\(whole)"])
    }
}

extension AuditEntry {
    init(_ request: Request, _ context: APIContext, action: String, status: HTTPResponse.Status? = nil) {
        self.init(
            actor: context.principal?.name, role: context.principal?.role, action: action,
            method: String(request.method.rawValue.prefix(10)).printable,
            path: request.uri.path.auditable, subject: context.parameters.get("id")?.auditable, status: status?.code,
            peer: context.peer)
    }

    init(refusing request: Request, _ context: APIContext, status: HTTPResponse.Status) {
        self.init(request, context, action: "refused", status: status)
    }
}

extension String {
    /// Without control characters, which neither a table nor a terminal should get, and not longer than a row may be.
    fileprivate var auditable: String {
        var out = ""
        for scalar in unicodeScalars {
            guard out.utf8.count + 4 <= Limits.auditPathBytesMax else { return out }
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            out.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return out
    }
}
