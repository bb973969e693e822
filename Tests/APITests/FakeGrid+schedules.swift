import ClusterModel

extension FakeGrid {
    private static func schedule(_ id: Int64) -> ScheduleView {
        var view = ScheduleView(
            scheduleID: id, name: "nightly", cron: "30 22 * * 1-5", onChange: false, timeZone: "UTC", minPauseSeconds: 300,
            job: JobRequest(kind: "correlation", region: "USA"), paused: false, createdAt: "2025-01-02T03:04:05Z")
        view.lastJobID = JobID(3)
        return view
    }

    private static func webhook(_ id: Int64) -> WebhookView {
        WebhookView(
            webhookID: id, url: "https://hooks.example.com", events: [.jobFailed], region: nil, threshold: nil,
            createdAt: "2025-01-02T03:04:05Z")
    }

    func schedules() async throws -> [ScheduleView] {
        try check()
        return [Self.schedule(1)]
    }

    func schedule(_ id: Int64) async throws -> ScheduleView { try asked(id, "show") }

    func addSchedule(_ request: ScheduleRequest) async throws -> ScheduleView {
        note(.addSchedule(request))
        try check()
        return Self.schedule(5)
    }

    func removeSchedule(_ id: Int64) async throws -> ScheduleView { try asked(id, "remove") }

    func setSchedule(_ id: Int64, paused: Bool) async throws -> ScheduleView { try asked(id, paused ? "pause" : "resume") }

    private func asked(_ id: Int64, _ what: String) throws -> ScheduleView {
        note(.schedule(id, what))
        try check()
        return Self.schedule(id)
    }

    func webhooks() async throws -> [WebhookView] {
        try check()
        return [Self.webhook(1)]
    }

    func webhook(_ id: Int64) async throws -> WebhookView { try hook(id, "show") }

    func addWebhook(_ request: WebhookRequest) async throws -> WebhookView {
        note(.addWebhook(request))
        try check()
        var view = Self.webhook(6)
        view.secret = "made up"
        return view
    }

    func removeWebhook(_ id: Int64) async throws -> WebhookView { try hook(id, "remove") }

    func testWebhook(_ id: Int64) async throws -> WebhookView { try hook(id, "test") }

    private func hook(_ id: Int64, _ what: String) throws -> WebhookView {
        note(.webhook(id, what))
        try check()
        return Self.webhook(id)
    }

    func alerts(limit: Int, region: Region?) async throws -> [AlertView] {
        note(.alerts(limit, region))
        try check()
        return [
            AlertView(
                alertID: 1, region: "USA", alphaA: "A", alphaB: "B", correlation: -0.9, days: 250, jobID: JobID(3),
                createdAt: "2025-01-02T03:04:05Z")
        ]
    }
}
