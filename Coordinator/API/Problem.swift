import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird

/// An answer that is not a success, as problem details (RFC 9457).
struct Problem: Error {
    var status: HTTPResponse.Status
    /// One sentence that a person can act on.
    var detail: String
    var headers: HTTPFields
    /// Who would have answered.
    var leader: LeaderView?

    init(_ status: HTTPResponse.Status, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.detail = detail
        self.headers = headers
    }

    /// What a coordinator answers that does not lead.
    init(elsewhere leader: LeaderView) {
        let who =
            leader.holder.isEmpty
            ? "who does is not known yet: try again"
            : "'\(leader.holder.printable)' does, \(leader.url.map { "at \($0.printable)" } ?? "whose address is not known")"
        self.init(.serviceUnavailable, "this coordinator does not lead; \(who)")
        self.leader = leader
    }

    init(_ error: GridError) {
        let status: HTTPResponse.Status =
            switch error.kind {
            case .usage: .badRequest
            case .notFound: .notFound
            case .conflict: .conflict
            case .unreachable: .serviceUnavailable
            case .partlyDone, .damaged, .failed: .internalServerError
            }
        self.init(status, error.message)
        // Too many are waiting, or something is being started: both pass.
        if error.kind == .unreachable { headers[.retryAfter] = "\(Limits.retryAfterSeconds)" }
    }

    func response() throws -> Response {
        let document = ProblemDocument(
            type: "about:blank", title: status.reasonPhrase, status: status.code, detail: detail,
            leader: leader)
        let body = try GridJSON.encode(document)
        var headers = headers
        headers[.contentType] = "application/problem+json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// The members of problem details; `type` is `about:blank`, so `title` is the status's own phrase.
package struct ProblemDocument: Codable, Hashable, Sendable {
    package var type: String
    package var title: String
    package var status: Int
    package var detail: String
    /// Of a 503 of a coordinator that does not lead: who does. An extension member, as RFC 9457 allows.
    package var leader: LeaderView?
}
