import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird
import Requests

// What operators do with jobs and workers that are there.
extension APIRoutes {
    var operationTable: [APIRoute] {
        [
            .get("v1/jobs/:id/explain", .viewer, explain),
            .ask("v1/plan", .viewer, bodyBytesMax: Limits.httpBodyBytesMax, plan),
            .change("v1/jobs/:id/pause", .operator, as: "pause job", pause),
            .change("v1/jobs/:id/resume", .operator, as: "resume job", resume),
            .change("v1/jobs/:id/retry", .operator, as: "retry job", retry),
            .change("v1/jobs/:id/priority", .operator, as: "change priority", setPriority),
            .delete("v1/jobs/:id", .operator, as: "remove job", removeJob),
            .change("v1/workers/:id/drain", .operator, as: "drain worker", drain),
            .change("v1/workers/:id/undrain", .operator, as: "undrain worker", undrain),
        ]
    }

    // MARK: Jobs

    @Sendable private func explain(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["task"])
        let task = try query.whole("task", in: 0...Limits.tasksPerStageMax)
        let id = try jobID(context)
        return try answer(await control.explain(id, task: task))
    }

    @Sendable private func plan(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let asked = try JobRequest(decoding: try await jsonBody(of: request, context))
        return try answer(await control.plan(asked))
    }

    @Sendable private func pause(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        let body = try await jsonBody(of: request, context, mayBeEmpty: true)
        let reason = signed(try CancelRequest(decoding: body).reason, context)
        return try answer(await control.pause(id, reason: reason).finite)
    }

    @Sendable private func resume(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        try StrictObject.expectEmpty(
            try await jsonBody(of: request, context, mayBeEmpty: true), what: "the request to resume")
        return try answer(await control.resume(id).finite)
    }

    @Sendable private func retry(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        try StrictObject.expectEmpty(try await jsonBody(of: request, context, mayBeEmpty: true), what: "the request to retry")
        let job = try await control.retry(id)
        return try answer(job.finite, status: .created, headers: [.location: "/v1/jobs/\(job.jobID)"])
    }

    @Sendable private func setPriority(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        let wanted = try PriorityRequest(decoding: try await jsonBody(of: request, context))
        return try answer(await control.setPriority(id, wanted.priority).finite)
    }

    @Sendable private func removeJob(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try jobID(context)
        return try answer(await control.remove(id).finite)
    }

    // MARK: Workers

    @Sendable private func drain(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try WorkerID(parsing: try pathParameter("id", context))
        var order = try DrainOrder(decoding: try await jsonBody(of: request, context, mayBeEmpty: true))
        order.reason = signed(order.reason, context)
        return try answer(await control.drain(worker, order: order).finite)
    }

    @Sendable private func undrain(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try WorkerID(parsing: try pathParameter("id", context))
        try StrictObject.expectEmpty(
            try await jsonBody(of: request, context, mayBeEmpty: true), what: "the request to undrain")
        return try answer(await control.undrain(worker).finite)
    }

    /// The reason with who gave it, since whoever reads it later will want to ask.
    private func signed(_ reason: String, _ context: APIContext) -> String {
        guard let name = context.principal?.name else { return reason }
        return reason.isEmpty ? "by \(name.printable)" : "\(reason) (by \(name.printable))"
    }
}
