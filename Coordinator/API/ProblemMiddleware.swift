import ClusterModel
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// The outermost layer: turns every failure into problem details and puts the security headers on every answer.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let logger: Logger

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPParserError {
            // The connection is beyond use: the server answers 400 itself and closes it.
            throw error
        } catch {
            response = try problem(for: error, request).response()
            if request.method == .head { response = response.createHeadResponse() }
        }
        logger.debug(
            "answered",
            metadata: [
                "method": "\(request.method)", "path": "\(request.uri.path.printable)", "status": "\(response.status.code)",
            ])
        for (name, value) in Self.headers where response.headers[name] == nil { response.headers[name] = value }
        return response
    }

    private func problem(for error: any Error, _ request: Request) -> Problem {
        let problem = Problem(for: error)
        switch error {
        case is Problem: break
        case let error as GridError:
            if problem.status.code >= 500 { log(error.message, request) }
        case is any HTTPResponseError where problem.status == .notFound:
            return Problem(.notFound, "there is nothing at \(request.uri.path.printable)")
        case is any HTTPResponseError, is NIOTooManyBytesError: break
        default: log("\(error)", request)
        }
        return problem
    }

    private func log(_ message: String, _ request: Request) {
        logger.error(
            "a request failed",
            metadata: ["error": "\(message)", "method": "\(request.method)", "path": "\(request.uri.path.printable)"])
    }

    private static let headers: [(HTTPField.Name, String)] = [
        (.xContentTypeOptions, "nosniff"),
        (.cacheControl, "no-store"),
        (.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'"),
    ]
}

extension Problem {
    init(for error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as GridError: self.init(error)
        case is NIOTooManyBytesError: self = .bodyTooLarge(bytesMax: Limits.httpBodyBytesMax)
        case let error as any HTTPResponseError:
            self.init(error.status, "the request could not be handled: \(error.status.reasonPhrase)")
        default:
            // What went wrong inside may name paths, statements or addresses: it is for the log alone.
            self.init(.internalServerError, "the coordinator failed to answer this request; its log says why")
        }
    }

    static func bodyTooLarge(bytesMax: Int) -> Problem {
        Problem(.contentTooLarge, "the body is too large: expected at most \(bytesMax) bytes")
    }
}
