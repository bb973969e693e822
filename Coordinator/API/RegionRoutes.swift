import ClusterModel
import Hummingbird
import Requests

// Questions about single alphas of a region.
extension APIRoutes {
    /// Candidates as JSON with everything else that is asked; or as CSV, and the rest in the query.
    @Sendable func check(_ request: Request, _ context: APIContext) async throws -> Response {
        let region = try Region(try pathParameter("region", context))
        let type = try mediaType(of: request, oneOf: ["application/json", "text/csv"])
        let asked: CheckRequest
        if type == "text/csv" {
            let query = try QueryParameters(request.uri.query, names: CheckRequest.queryNames)
            let body = try await body(of: request, context)
            asked = try CheckRequest(csv: Array(body), query)
        } else {
            _ = try QueryParameters(request.uri.query, names: [])
            let body = try await body(of: request, context)
            let isLarge = body.count >= Limits.codingBytesMin
            asked = isLarge ? try await control.coding { try CheckRequest(json: body) } : try CheckRequest(json: body)
        }
        let view = try await control.check(asked, region: region)
        let matches = view.candidates.reduce(0) { $0 + $1.blocking.count + $1.most.count + $1.least.count }
        return try await answer(view, ofValues: matches + view.candidates.count * view.candidates.count)
    }

    @Sendable func pair(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["a", "b", "min_overlap", "pool", "window"])
        guard let a = query["a"], let b = query["b"] else {
            throw GridError(.usage, "a pair has two alphas: expected the query parameters a and b")
        }
        var asked = PairRequest(a, b)
        asked.pool = query["pool"]
        asked.window = query["window"]
        asked.minOverlap = try query.whole("min_overlap", in: 2...Limits.daysMax)
        let region = try Region(try pathParameter("region", context))
        return try answer(await control.pair(asked, region: region))
    }
}
