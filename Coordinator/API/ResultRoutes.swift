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
        switch format {
        case .json: return try answer(page)
        case .csv: return answer(ResultFile.csv(page), format, headers)
        case .npy: return answer(ResultFile.npy(page), format, headers)
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
        return try answer(await control.pnl(of: id, pool: query["pool"], region: region))
    }

    @Sendable func matrix(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: MatrixRequest.queryNames)
        let region = try Region(try pathParameter("region", context))
        let format = try format(of: request, query, among: [.json, .npy])
        let asked = try MatrixRequest(query)
        let view = try await control.matrix(asked, region: region)
        return format == .json ? try answer(view) : answer(ResultFile.npy(view), format)
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

    private func answer(_ bytes: [UInt8], _ format: AnswerFormat, _ headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = format.mediaType
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension HTTPField.Name {
    /// Where the next page begins, of answers that are files.
    static let nextOffset = Self("AlphaGrid-Next-Offset")!
    static let idempotencyKey = Self("Idempotency-Key")!
}
