import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird
import Requests

/// What signing in needs besides the routes.
struct Doorman: Sendable {
    let authenticator: Authenticator
    let sessions: SessionDirectory
    let trail: AuditTrail
    /// The same one that the gate has: whoever tries codes tries tokens.
    let strangers: RateLimiter
    let clock: APIClock
    let isEncrypted: Bool
}

/// Answer of `GET /v1/session`.
struct SessionView: Codable, Hashable, Sendable {
    var name: String
    var role: AccessRole
    /// Of a browser's session; nil for a token in the header.
    var expiresAt: String?
}

/// Answer of `POST /v1/session/codes`.
package struct SignInCodeView: Codable, Hashable, Sendable {
    package var code: String
    package var role: AccessRole
    package var expiresInSeconds: Double
}

// Signing a browser in and out.
extension APIRoutes {
    /// Takes a one-time code or a token, and gives a cookie that scripts cannot read.
    @Sendable func signIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let doorman = try doorman.expected()
        // Another site's form could sign a browser in as somebody else.
        try SessionCookie.expectPage(request)
        let body = try await jsonBody(of: request, context)
        let grant: Grant
        switch try await finding(try SignInRequest(decoding: body), context, doorman) {
        case .granted(let found): grant = found
        case .unavailable: throw Problem(.serviceUnavailable, "tokens cannot be checked at the moment: try again")
        case .stranger:
            doorman.trail.refused(AuditEntry(refusing: request, context, status: .unauthorized))
            if let seconds = doorman.strangers.take(context.peer, now: doorman.clock.monotonic()) {
                throw Problem.tooMany("this address tries to sign in too often", seconds: seconds)
            }
            throw Problem(
                .unauthorized, "that does not open the page: codes work once and for five minutes, revoked tokens no more",
                headers: [.wwwAuthenticate: #"Bearer realm="alphagrid", error="invalid_token""#])
        }
        // Whoever signs in anew has no use for the session of before.
        if let old = SessionCookie.value(in: request.headers) { doorman.sessions.close(old) }
        let (secret, seconds) = doorman.sessions.open(grant)
        let cookie = SessionCookie.header(secret.secret, seconds: seconds, isEncrypted: doorman.isEncrypted)
        return Response(status: .noContent, headers: [.setCookie: cookie])
    }

    private func finding(
        _ proof: SignInRequest, _ context: APIContext, _ doorman: Doorman
    ) async throws -> Authenticator.Finding {
        switch proof {
        case .code(let code):
            guard let grant = doorman.sessions.redeem(code[...]) else { return .stranger }
            // What the code was made of may be over by now.
            return switch await doorman.authenticator.identify(grant) {
            case .known: .granted(grant)
            case .stranger: .stranger
            case .unavailable: .unavailable
            }
        case .token(let token):
            // As at the gate: signatures cost more than a comparison.
            if JWTVerifier.looksLikeOne(token[...]),
                doorman.strangers.isExhausted(context.peer, now: doorman.clock.monotonic())
            {
                return .stranger
            }
            return await doorman.authenticator.look(at: token[...])
        }
    }

    @Sendable func showSession(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let doorman = try doorman.expected()
        guard let principal = context.principal else { throw Problem(.unauthorized, "this path needs a token") }
        var view = SessionView(name: principal.name, role: principal.role)
        if request.headers[.authorization] == nil, let cookie = SessionCookie.value(in: request.headers),
            let seconds = doorman.sessions.secondsLeft(cookie)
        {
            view.expiresAt = Date(timeIntervalSince1970: doorman.clock.wall() + seconds).formatted(.iso8601)
        }
        return try answer(view)
    }

    @Sendable func signOut(_ request: Request, _ context: APIContext) async throws -> Response {
        let doorman = try doorman.expected()
        if let cookie = SessionCookie.value(in: request.headers) { doorman.sessions.close(cookie) }
        let cookie = SessionCookie.header("", seconds: 0, isEncrypted: doorman.isEncrypted)
        return Response(status: .noContent, headers: [.setCookie: cookie])
    }

    /// Made of what the caller has shown, so that it is over when that is.
    @Sendable func makeSignInCode(_ request: Request, _ context: APIContext) async throws -> Response {
        let doorman = try doorman.expected()
        let body = try await jsonBody(of: request, context, mayBeEmpty: true)
        let role = try SignInRequest.role(decoding: body)
        let shown: Authenticator.Finding
        if let header = request.headers[.authorization], let token = TokenGate.bearer(header) {
            shown = await doorman.authenticator.look(at: token)
        } else {
            let cookie = SessionCookie.value(in: request.headers)
            shown = cookie.flatMap { doorman.sessions.find($0) }.map(Authenticator.Finding.granted) ?? .stranger
        }
        guard case .granted(let grant) = shown else { throw Problem(.unauthorized, "the token is not valid any more") }
        let limited = grant.limited(to: role)
        let code = doorman.sessions.makeCode(for: limited)
        return try answer(
            SignInCodeView(
                code: code.secret, role: limited.principal.role, expiresInSeconds: Limits.signInCodeSeconds),
            status: .created)
    }
}

extension Doorman? {
    func expected() throws(Problem) -> Doorman {
        guard let self else { throw Problem(.serviceUnavailable, "nobody can sign in here") }
        return self
    }
}
