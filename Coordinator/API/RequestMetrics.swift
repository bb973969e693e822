import HTTPTypes
import Hummingbird
import GridMetrics

/// Requests by route, method and status, and how long their answers took to make.
final class RequestMetrics: Sendable {
    private let requests = CounterFamily(
        "alphagrid_http_requests_total", "Requests that were answered.", by: ["route", "method", "code"])
    private let seconds = Histogram(
        "alphagrid_http_request_duration_seconds", "Time from a request to the beginning of its answer.", by: "route",
        bounds: Histogram.secondsOfAnswers)
    private let refusals = CounterFamily(
        "alphagrid_http_refusals_total", "Requests refused for want of a valid token or of the role.", by: ["code"])

    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

    /// - Parameter route: with `{name}` for what varies; nil, or what Hummingbird calls it, for a path that is none: all are one.
    func answered(_ method: HTTPRequest.Method, route: String?, status: Int, seconds elapsed: Double) {
        let route = route.map { $0 == "NotFound" ? "other" : $0 } ?? "other"
        let method = Self.methods.contains(method.rawValue) ? method.rawValue : "other"
        requests.add(1, [route, method, "\(status)"])
        seconds.record(elapsed, route)
    }

    func refused(status: Int) { refusals.add(1, ["\(status)"]) }

    var families: [MetricFamily] { [requests.family, seconds.family, refusals.family] }
}

/// The outermost layer: counts what the others answer.
struct CountingMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let counts: RequestMetrics
    let clock: APIClock

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let began = clock.monotonic()
        let response: Response
        do {
            response = try await next(request, context)
        } catch {
            counts.answered(
                request.method, route: context.endpointPath, status: Problem(for: error).status.code,
                seconds: clock.monotonic() - began)
            throw error
        }
        counts.answered(
            request.method, route: context.endpointPath, status: response.status.code, seconds: clock.monotonic() - began)
        return response
    }
}
