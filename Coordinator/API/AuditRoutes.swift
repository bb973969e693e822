import ClusterModel
import Hummingbird
import Requests

/// Answer of `GET /v1/audit`, the newest first.
package struct AuditList: Codable, Hashable, Sendable {
    package var entries: [AuditView]
    /// Pass as `before` to get the next page; absent on the last one.
    package var nextBefore: Int64?
    package init(entries: [AuditView], nextBefore: Int64? = nil) {
        self.entries = entries
        self.nextBefore = nextBefore
    }
}

// Who changed what, and who was refused.
extension APIRoutes {
    private static let auditPageDefault = 100

    /// For admins: names and addresses of everybody else are nobody else's business.
    var auditTable: [APIRoute] { [.get("v1/audit", .admin, listAudit)] }

    @Sendable private func listAudit(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["limit", "before", "actor", "action"])
        let limit = try query.whole("limit", in: 1...Limits.auditPageRowsMax) ?? Self.auditPageDefault
        let filter = AuditFilter(
            actor: query["actor"].map { $0 == AuditFilter.nobody ? "" : $0 }, action: query["action"],
            before: try query.whole("before", in: 1...Int.max).map { Int64($0) })
        // One more than asked for tells whether there is a next page.
        let trail = try doorman.expected().trail
        var entries = try await trail.rows(limit: limit + 1, filter)
        let hasMore = entries.count > limit
        entries = Array(entries.prefix(limit))
        return try answer(AuditList(entries: entries, nextBefore: hasMore ? entries.last?.auditID : nil))
    }
}
