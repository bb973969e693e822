import API
import ClusterModel
import Foundation

extension GridClient {
    func schedules() async throws -> [ScheduleView] {
        let list: ScheduleList = try await get("/v1/schedules")
        return list.schedules
    }

    func schedule(_ id: Int64) async throws -> ScheduleView { try await get("/v1/schedules/\(id)") }

    func addSchedule(_ request: ScheduleRequest) async throws -> ScheduleView {
        try await post("/v1/schedules", body: try GridJSON.encode(request))
    }

    func removeSchedule(_ id: Int64) async throws -> ScheduleView { try await delete("/v1/schedules/\(id)") }

    func setSchedule(_ id: Int64, paused: Bool) async throws -> ScheduleView {
        try await post("/v1/schedules/\(id)/\(paused ? "pause" : "resume")", body: nil)
    }

    func webhooks() async throws -> [WebhookView] {
        let list: WebhookList = try await get("/v1/webhooks")
        return list.webhooks
    }

    func webhook(_ id: Int64) async throws -> WebhookView { try await get("/v1/webhooks/\(id)") }

    func addWebhook(_ request: WebhookRequest) async throws -> WebhookView {
        try await post("/v1/webhooks", body: try GridJSON.encode(request))
    }

    func removeWebhook(_ id: Int64) async throws -> WebhookView { try await delete("/v1/webhooks/\(id)") }

    func testWebhook(_ id: Int64) async throws -> WebhookView { try await post("/v1/webhooks/\(id)/test", body: nil) }

    func alerts(limit: Int, region: Region?) async throws -> [AlertView] {
        let list: AlertList = try await get("/v1/alerts?limit=\(limit)" + (region.map { "&region=\($0)" } ?? ""))
        return list.alerts
    }
}
