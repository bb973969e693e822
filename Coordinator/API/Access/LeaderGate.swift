import ClusterModel
import Hummingbird

/// Behind the token gate: a coordinator that does not lead answers every question about the grid with who does.
struct LeaderGate: RouterMiddleware {
    typealias Context = APIContext

    let control: any GridControl

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if let leader = control.leaderElsewhere() { throw Problem(elsewhere: leader) }
        do {
            return try await next(request, context)
        } catch let error as GridError where error.kind == .unreachable {
            // It may have been superseded while it worked on this request.
            if let leader = control.leaderElsewhere() { throw Problem(elsewhere: leader) }
            throw error
        }
    }
}
