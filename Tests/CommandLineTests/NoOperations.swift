import ClusterModel

/// What a grid of these tests does not do unless it says otherwise.
extension GridOperations {
    private var nothing: GridError { GridError(.failed, "this grid does not do that") }

    func explain(_ id: JobID, task: Int?) async throws -> ExplainView { throw nothing }
    func plan(_ request: JobRequest) async throws -> PlanView { throw nothing }
    func pause(_ id: JobID, reason: String) async throws -> JobView { throw nothing }
    func resume(_ id: JobID) async throws -> JobView { throw nothing }
    func retry(_ id: JobID) async throws -> JobView { throw nothing }
    func setPriority(_ id: JobID, _ priority: Int) async throws -> JobView { throw nothing }
    func remove(_ id: JobID) async throws -> JobView { throw nothing }
    func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView { throw nothing }
    func undrain(_ worker: WorkerID) async throws -> WorkerView { throw nothing }
}

extension GridSchedules {
    private var nothing: GridError { GridError(.failed, "this grid does not do that") }

    func schedules() async throws -> [ScheduleView] { throw nothing }
    func schedule(_ id: Int64) async throws -> ScheduleView { throw nothing }
    func addSchedule(_ request: ScheduleRequest) async throws -> ScheduleView { throw nothing }
    func removeSchedule(_ id: Int64) async throws -> ScheduleView { throw nothing }
    func setSchedule(_ id: Int64, paused: Bool) async throws -> ScheduleView { throw nothing }
}

extension GridWebhooks {
    private var nothing: GridError { GridError(.failed, "this grid does not do that") }

    func webhooks() async throws -> [WebhookView] { throw nothing }
    func webhook(_ id: Int64) async throws -> WebhookView { throw nothing }
    func addWebhook(_ request: WebhookRequest) async throws -> WebhookView { throw nothing }
    func removeWebhook(_ id: Int64) async throws -> WebhookView { throw nothing }
    func testWebhook(_ id: Int64) async throws -> WebhookView { throw nothing }
    func alerts(limit: Int, region: Region?) async throws -> [AlertView] { throw nothing }
}
