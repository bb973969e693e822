import ClusterModel
import Hummingbird

/// The one gate: what is behind it answers only to a request that shows the token.
///
/// It stands in front of the routes that are added after it and in front of unknown paths, so that nothing tells
/// an outsider which paths exist.
struct TokenGate: RouterMiddleware {
    typealias Context = APIContext

    let token: AccessToken

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization] else {
            throw Problem(
                .unauthorized, "this path needs the header 'Authorization: Bearer TOKEN'",
                headers: [.wwwAuthenticate: #"Bearer realm="alphagrid""#])
        }
        guard let presented = Self.bearer(header), token.matches(presented.utf8) else {
            throw Problem(
                .unauthorized, "the token of the Authorization header is not the token of this coordinator",
                headers: [.wwwAuthenticate: #"Bearer realm="alphagrid", error="invalid_token""#])
        }
        return try await next(request, context)
    }

    /// The token of a header value; the word `Bearer` in any case, as RFC 9110 says.
    static func bearer(_ header: String) -> Substring? {
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].drop { $0 == " " }
    }
}
