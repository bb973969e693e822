import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird
import Requests

/// Answers of lists.
package struct ScheduleList: Codable, Hashable, Sendable {
    package var schedules: [ScheduleView]
    package init(schedules: [ScheduleView]) { self.schedules = schedules }
}

package struct WebhookList: Codable, Hashable, Sendable {
    package var webhooks: [WebhookView]
    package init(webhooks: [WebhookView]) { self.webhooks = webhooks }
}

package struct AlertList: Codable, Hashable, Sendable {
    package var alerts: [AlertView]
    package init(alerts: [AlertView]) { self.alerts = alerts }
}

// Jobs that begin by themselves, and whom to tell of what happens.
extension APIRoutes {
    private static let alertsPageDefault = 100

    var scheduleTable: [APIRoute] {
        [
            .get("v1/schedules", .viewer, listSchedules),
            .change("v1/schedules", .operator, as: "add schedule", addSchedule),
            .get("v1/schedules/:id", .viewer, showSchedule),
            .delete("v1/schedules/:id", .operator, as: "remove schedule", removeSchedule),
            .change("v1/schedules/:id/pause", .operator, as: "pause schedule", pauseSchedule),
            .change("v1/schedules/:id/resume", .operator, as: "resume schedule", resumeSchedule),
            .get("v1/webhooks", .admin, listWebhooks),
            .change("v1/webhooks", .admin, as: "add webhook", addWebhook),
            .get("v1/webhooks/:id", .admin, showWebhook),
            .delete("v1/webhooks/:id", .admin, as: "remove webhook", removeWebhook),
            .change("v1/webhooks/:id/test", .admin, as: "test webhook", testWebhook),
            .get("v1/alerts", .viewer, listAlerts),
        ]
    }

    @Sendable private func listSchedules(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        return try answer(ScheduleList(schedules: await control.schedules()))
    }

    @Sendable private func addSchedule(_ request: Request, _ context: APIContext) async throws -> Response {
        let asked = try ScheduleRequest(decoding: try await jsonBody(of: request, context))
        let made = try await control.addSchedule(asked)
        return try answer(made, status: .created, headers: [.location: "/v1/schedules/\(made.scheduleID)"])
    }

    @Sendable private func showSchedule(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let id = try number("schedule", context)
        return try answer(await control.schedule(id))
    }

    @Sendable private func removeSchedule(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try number("schedule", context)
        return try answer(await control.removeSchedule(id))
    }

    @Sendable private func pauseSchedule(_ request: Request, _ context: APIContext) async throws -> Response {
        try await setSchedule(request, context, paused: true)
    }

    @Sendable private func resumeSchedule(_ request: Request, _ context: APIContext) async throws -> Response {
        try await setSchedule(request, context, paused: false)
    }

    private func setSchedule(_ request: Request, _ context: APIContext, paused: Bool) async throws -> Response {
        let id = try number("schedule", context)
        let body = try await jsonBody(of: request, context, mayBeEmpty: true)
        try StrictObject.expectEmpty(body, what: "the request to \(paused ? "pause" : "resume")")
        return try answer(await control.setSchedule(id, paused: paused))
    }

    @Sendable private func listWebhooks(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        return try answer(WebhookList(webhooks: await control.webhooks()))
    }

    @Sendable private func addWebhook(_ request: Request, _ context: APIContext) async throws -> Response {
        let asked = try WebhookRequest(decoding: try await jsonBody(of: request, context))
        let made = try await control.addWebhook(asked)
        return try answer(made, status: .created, headers: [.location: "/v1/webhooks/\(made.webhookID)"])
    }

    @Sendable private func showWebhook(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let id = try number("webhook", context)
        return try answer(await control.webhook(id))
    }

    @Sendable private func removeWebhook(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try number("webhook", context)
        return try answer(await control.removeWebhook(id))
    }

    @Sendable private func testWebhook(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try number("webhook", context)
        try StrictObject.expectEmpty(try await jsonBody(of: request, context, mayBeEmpty: true), what: "the request to test")
        return try answer(await control.testWebhook(id))
    }

    @Sendable private func listAlerts(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(request.uri.query, names: ["limit", "region"])
        let limit = try query.whole("limit", in: 1...Limits.alertsMax) ?? Self.alertsPageDefault
        let region = try query["region"].map { text throws(GridError) in try Region(text) }
        return try answer(AlertList(alerts: await control.alerts(limit: limit, region: region)))
    }

    private func number(_ what: String, _ context: APIContext) throws -> Int64 {
        try Int64(parsing: try pathParameter("id", context), what: what)
    }
}
