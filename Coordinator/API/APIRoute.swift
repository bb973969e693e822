import ClusterModel
import HTTPTypes
import Hummingbird
import Requests

/// One path and method: who may use it, how large its body may be, and what it is called in the audit log.
struct APIRoute: Sendable {
    typealias Handler = @Sendable (Request, APIContext) async throws -> Response

    enum Access: Hashable, Sendable {
        /// Answers without a token.
        case open
        /// The least role that may use it.
        case needs(AccessRole)
    }

    var method: HTTPRequest.Method
    /// With `:name` for what varies.
    var path: String
    var access: Access
    /// Name of the change it makes, for the audit log; nil for a route that changes nothing.
    var change: String?
    var bodyBytesMax: Int
    /// It tells of this process and not of the grid: a coordinator that does not lead answers it too.
    var isOfProcess = false
    var handler: Handler

    static func open(_ path: String, _ handler: @escaping Handler) -> APIRoute {
        APIRoute(method: .get, path: path, access: .open, change: nil, bodyBytesMax: 0, handler: handler)
    }

    static func get(
        _ path: String, _ role: AccessRole, isOfProcess: Bool = false, _ handler: @escaping Handler
    ) -> APIRoute {
        APIRoute(
            method: .get, path: path, access: .needs(role), change: nil, bodyBytesMax: 0, isOfProcess: isOfProcess,
            handler: handler)
    }

    /// A question that is too long for a query, and changes nothing.
    static func ask(_ path: String, _ role: AccessRole, bodyBytesMax: Int, _ handler: @escaping Handler) -> APIRoute {
        APIRoute(method: .post, path: path, access: .needs(role), change: nil, bodyBytesMax: bodyBytesMax, handler: handler)
    }

    /// What makes or ends a session: whoever sends it brings its own proof, or has nothing but the session to lose.
    static func session(_ method: HTTPRequest.Method, _ access: Access, _ handler: @escaping Handler) -> APIRoute {
        APIRoute(
            method: method, path: "v1/session", access: access, change: nil,
            bodyBytesMax: method == .post ? Limits.sessionBodyBytesMax : 0, handler: handler)
    }

    /// - Parameter name: What the audit log calls it.
    static func change(_ path: String, _ role: AccessRole, as name: String, _ handler: @escaping Handler) -> APIRoute {
        APIRoute(
            method: .post, path: path, access: .needs(role), change: name, bodyBytesMax: Limits.httpBodyBytesMax,
            handler: handler)
    }

    /// A change that takes something away; it has no body.
    static func delete(_ path: String, _ role: AccessRole, as name: String, _ handler: @escaping Handler) -> APIRoute {
        APIRoute(method: .delete, path: path, access: .needs(role), change: name, bodyBytesMax: 0, handler: handler)
    }

    /// The handler behind this route's own checks.
    func guarded(by trail: AuditTrail) -> Handler {
        { request, context in
            try expectRole(request, context, trail)
            var context = context
            context.bodyBytesMax = bodyBytesMax
            if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > bodyBytesMax {
                throw Problem.bodyTooLarge(bytesMax: bodyBytesMax)
            }
            guard let change else { return try await handler(request, context) }
            try trail.expectRoom(for: context.principal?.name ?? "")
            let row = try await trail.begin(AuditEntry(request, context, action: change))
            do {
                // One that nobody reads would be taken for one that counts, such as a deadline, which belongs into the body.
                _ = try QueryParameters(request.uri.query, names: [])
                let response = try await handler(request, context)
                // What was made has its number only now.
                let made = response.headers[.location]?.split(separator: "/").last.map(String.init)
                await trail.finish(row, status: response.status.code, subject: made)
                return response
            } catch {
                await trail.finish(row, status: Problem(for: error).status.code, subject: nil)
                throw error
            }
        }
    }

    private func expectRole(_ request: Request, _ context: APIContext, _ trail: AuditTrail) throws(Problem) {
        guard case .needs(let needed) = access else { return }
        guard let principal = context.principal else {
            // The gate lets nobody through without; a route that stood before it must not answer either.
            throw Problem(.unauthorized, "this path needs the header 'Authorization: Bearer TOKEN'")
        }
        guard principal.role >= needed else {
            trail.refused(AuditEntry(refusing: request, context, status: .forbidden))
            throw Problem(
                .forbidden, "the role \(principal.role.rawValue) of this token does not allow that: it takes \(needed.rawValue)")
        }
    }
}
