import ClusterModel
import Hummingbird
import Requests

// What jobs have published of a region.
extension APIRoutes {
    @Sendable func results(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["alpha_id", "job", "limit", "method", "offset"])
        let region = try Region(try pathParameter("region", context))
        var asked = ResultRequest(try RegionResult(parsing: try pathParameter("result", context)))
        asked.alphaID = query["alpha_id"]
        asked.job = try query["job"].map { text throws(GridError) in try JobID(parsing: text) }
        asked.limit = try query.whole("limit", in: 1...Limits.resultRowsMax) ?? ResultRequest.limitDefault
        asked.method = query["method"]
        asked.offset = try query.whole("offset", in: 0...Int(Int32.max)) ?? 0
        return try answer(await control.results(asked, region: region))
    }
}
