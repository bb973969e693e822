import ClusterModel
import HTTPTypes
import Hummingbird
import Requests

// What is known of regions and their alphas: published rows, and correlations that nobody published.
extension APIRoutes {
    @Sendable func regions(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        return try answer(RegionList(regions: try await control.regions()))
    }

    @Sendable func results(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(
            request.uri.query, names: ResultRequest.queryNames, repeatable: ResultRequest.queryRepeatable)
        let region = try Region(try pathParameter("region", context))
        let result = try RegionResult(parsing: try pathParameter("result", context), otherwise: .notFound)
        let format = try format(of: request, query, among: [.json, .csv, .npy])
        let asked = try ResultRequest(result, query, isFile: format != .json)
        let page = try await control.results(asked, region: region)
        var headers = HTTPFields()
        headers[.nextOffset] = page.nextOffset.map { "\($0)" }
        let count = page.rows.count * page.columns.count
        switch format {
        case .json: return try await answer(page, ofValues: count)
        case .csv: return try await file(ofValues: count, format.mediaType, headers) { ResultFile.csv(page) }
        case .npy: return try await file(ofValues: count, format.mediaType, headers) { ResultFile.npy(page) }
        }
    }

    @Sendable func alpha(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let (region, id) = (try Region(try pathParameter("region", context)), try pathParameter("id", context))
        return try answer(await control.alpha(id, region: region))
    }

    @Sendable func pnl(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["pool"])
        let (region, id) = (try Region(try pathParameter("region", context)), try pathParameter("id", context))
        let view = try await control.pnl(of: id, pool: query["pool"], region: region)
        return try await answer(view, ofValues: view.dates.count)
    }

    @Sendable func matrix(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: MatrixRequest.queryNames)
        let region = try Region(try pathParameter("region", context))
        let format = try format(of: request, query, among: [.json, .npy])
        let asked = try MatrixRequest(query)
        let view = try await control.matrix(asked, region: region)
        let count = view.values.reduce(0) { $0 + $1.count }
        guard format == .npy else { return try await answer(view, ofValues: count) }
        return try await file(ofValues: count, format.mediaType) { ResultFile.npy(view) }
    }

    @Sendable func usage(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["pool"])
        let region = try Region(try pathParameter("region", context))
        return try answer(await control.usage(pool: query["pool"], region: region))
    }

    private func format(
        of request: Request, _ query: QueryParameters, among possible: [AnswerFormat]
    ) throws -> AnswerFormat {
        guard let format = try AnswerFormat(query, accept: request.headers[.accept], among: possible) else {
            let types = possible.map(\.mediaType).joined(separator: ", ")
            throw Problem(.notAcceptable, "the header Accept wants what is not to be had here: expected one of \(types)")
        }
        return format
    }
}

extension HTTPField.Name {
    /// Where the next page begins, of answers that are files.
    static let nextOffset = Self("AlphaGrid-Next-Offset")!
    static let idempotencyKey = Self("Idempotency-Key")!
}
