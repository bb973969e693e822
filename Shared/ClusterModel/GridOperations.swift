// What operators do with a running grid beyond submitting jobs, and what they are told: values of the HTTP interface, as in
// `GridControl.swift`.

/// An order to take a worker out of service.
package struct DrainOrder: Codable, Hashable, Sendable {
    package var reason: String
    /// When it has to leave whatever it has in hand, in seconds from now; nil leaves it all the time it needs.
    package var deadlineSeconds: Int?
    package init(reason: String = "", deadlineSeconds: Int? = nil) {
        self.reason = reason
        self.deadlineSeconds = deadlineSeconds
    }
}

/// Why a job is where it is.
package struct ExplainView: Codable, Hashable, Sendable {
    /// One of its tasks in the present stage.
    package struct Task: Codable, Hashable, Sendable {
        package var task: Int
        package var stage: String
        /// `queued`, `leased`, `merging` or `merged`.
        package var state: String
        /// What happened to it beyond one lease and its merge, oldest first; empty for most tasks.
        package var story: [String]
        package init(task: Int, stage: String, state: String, story: [String]) {
            self.task = task
            self.stage = stage
            self.state = state
            self.story = story
        }
    }

    package var jobID: JobID
    package var sentence: String
    package var task: Task?
    package init(jobID: JobID, sentence: String, task: Task? = nil) {
        self.jobID = jobID
        self.sentence = sentence
        self.task = task
    }
}

/// What a job would be, found out without reading any PnL.
package struct PlanView: Codable, Hashable, Sendable {
    package struct Stage: Codable, Hashable, Sendable {
        package var name: String
        package var tasks: Int
        /// True of one that may be needed several times, or not at all, which only the values tell; its tasks are those of once.
        package var repeats: Bool?
        /// True of what the coordinator computes by itself, without tasks.
        package var inCoordinator: Bool?
        package init(name: String, tasks: Int, repeats: Bool? = nil, inCoordinator: Bool? = nil) {
            self.name = name
            self.tasks = tasks
            self.repeats = repeats
            self.inCoordinator = inCoordinator
        }
    }

    package var alphas: Int
    /// Days of the panel, and those of them whose returns count.
    package var days: Int
    package var windowDays: Int
    package var tiles: Int
    package var tasks: Int
    package var stages: [Stage]
    /// Of all tiles' products.
    package var flops: Double
    package var panelBytes: Int
    /// When every worker fetches every block that its tasks need once.
    package var bytesToWorkers: Int
    package var coordinatorMemoryBytes: Int
    /// With which a worker need not fetch a block twice.
    package var workerMemoryBytes: Int
    /// Absent when no worker is connected that has measured itself.
    package var predictedSeconds: Double?
    package var predictedLowSeconds: Double?
    package var predictedHighSeconds: Double?
    /// What the figures are based on, as one sentence.
    package var basis: String

    package init(
        alphas: Int, days: Int, windowDays: Int, tiles: Int, tasks: Int, stages: [Stage], flops: Double, panelBytes: Int,
        bytesToWorkers: Int, coordinatorMemoryBytes: Int, workerMemoryBytes: Int, basis: String
    ) {
        self.alphas = alphas
        self.days = days
        self.windowDays = windowDays
        self.tiles = tiles
        self.tasks = tasks
        self.stages = stages
        self.flops = flops
        self.panelBytes = panelBytes
        self.bytesToWorkers = bytesToWorkers
        self.coordinatorMemoryBytes = coordinatorMemoryBytes
        self.workerMemoryBytes = workerMemoryBytes
        self.basis = basis
    }
}

/// A job that is to be begun again and again, as `POST /v1/schedules` takes it. Either `cron` or `onChange`.
package struct ScheduleRequest: Codable, Hashable, Sendable {
    package var name: String
    /// Five fields: minute, hour, day of the month, month, day of the week.
    package var cron: String?
    /// Whether it runs when the PnL of its region has changed.
    package var onChange: Bool?
    /// IANA name of the zone that `cron` is in; UTC unless said.
    package var timeZone: String?
    /// Between two jobs that changes have begun.
    package var minPauseSeconds: Int?
    package var job: JobRequest
    package init(name: String, job: JobRequest) {
        self.name = name
        self.job = job
    }
}

package struct ScheduleView: Codable, Hashable, Sendable {
    package var scheduleID: Int64
    package var name: String
    package var cron: String?
    package var onChange: Bool
    package var timeZone: String
    package var minPauseSeconds: Int
    package var job: JobRequest
    package var paused: Bool
    package var createdAt: String
    /// When it is due next; nil while it is paused, and for one that waits for a change.
    package var nextAt: String?
    package var lastAt: String?
    package var lastJobID: JobID?
    /// Why the last time brought no job, such as that the job before was still running.
    package var lastError: String?
    package init(
        scheduleID: Int64, name: String, cron: String?, onChange: Bool, timeZone: String, minPauseSeconds: Int, job: JobRequest,
        paused: Bool, createdAt: String
    ) {
        self.scheduleID = scheduleID
        self.name = name
        self.cron = cron
        self.onChange = onChange
        self.timeZone = timeZone
        self.minPauseSeconds = minPauseSeconds
        self.job = job
        self.paused = paused
        self.createdAt = createdAt
    }
}

/// What webhooks tell of.
package enum WebhookEvent: String, Codable, Sendable, CaseIterable {
    case jobDone = "job.done"
    case jobFailed = "job.failed"
    /// Pairs beyond a threshold that were not there before.
    case alertCorrelation = "alert.correlation"
    /// Somebody wants to see whether it arrives.
    case test
}

/// Whom to tell, as `POST /v1/webhooks` takes it.
package struct WebhookRequest: Codable, Hashable, Sendable {
    package var url: String
    package var events: [WebhookEvent]
    /// Only events of this region; nil for all.
    package var region: String?
    /// |r| from which on pairs are told of; nil for the coordinator's own.
    package var threshold: Double?
    /// Of the signature; one is made when it is nil.
    package var secret: String?
    package init(url: String, events: [WebhookEvent]) {
        self.url = url
        self.events = events
    }
}

package struct WebhookView: Codable, Hashable, Sendable {
    /// One message, on its way or arrived.
    package struct Delivery: Codable, Hashable, Sendable {
        package var deliveryID: Int64
        package var event: WebhookEvent
        /// `waiting`, `delivered` or `given up`.
        package var state: String
        package var tries: Int
        package var status: Int?
        package var error: String?
        package var createdAt: String
        package init(
            deliveryID: Int64, event: WebhookEvent, state: String, tries: Int, status: Int?, error: String?, createdAt: String
        ) {
            self.deliveryID = deliveryID
            self.event = event
            self.state = state
            self.tries = tries
            self.status = status
            self.error = error
            self.createdAt = createdAt
        }
    }

    package var webhookID: Int64
    package var url: String
    package var events: [WebhookEvent]
    package var region: String?
    package var threshold: Double?
    package var createdAt: String
    /// Shown once, to whoever added it.
    package var secret: String?
    /// Why messages may not arrive as things are; shown once, to whoever added it.
    package var warning: String?
    /// The newest first, where one webhook is asked for.
    package var deliveries: [Delivery]?
    package init(webhookID: Int64, url: String, events: [WebhookEvent], region: String?, threshold: Double?, createdAt: String) {
        self.webhookID = webhookID
        self.url = url
        self.events = events
        self.region = region
        self.threshold = threshold
        self.createdAt = createdAt
    }
}

/// A pair that has come to be more alike, or more opposite, than the threshold with a job's publication.
package struct AlertView: Codable, Hashable, Sendable {
    package var alertID: Int64
    package var region: String
    package var alphaA: String
    package var alphaB: String
    package var correlation: Double
    package var days: Int?
    package var jobID: JobID
    package var createdAt: String
    package init(
        alertID: Int64, region: String, alphaA: String, alphaB: String, correlation: Double, days: Int?, jobID: JobID,
        createdAt: String
    ) {
        self.alertID = alertID
        self.region = region
        self.alphaA = alphaA
        self.alphaB = alphaB
        self.correlation = correlation
        self.days = days
        self.jobID = jobID
        self.createdAt = createdAt
    }
}

/// What operators ask of a grid; errors are `GridError`s: `.notFound` for what is not there, `.conflict` for what is not possible
/// as things are.
package protocol GridOperations: Sendable {
    /// - Parameter task: one task of the present stage to tell of too.
    func explain(_ id: JobID, task: Int?) async throws -> ExplainView
    func plan(_ request: JobRequest) async throws -> PlanView
    func pause(_ id: JobID, reason: String) async throws -> JobView
    func resume(_ id: JobID) async throws -> JobView
    /// A new job like one that has failed or was cancelled.
    func retry(_ id: JobID) async throws -> JobView
    func setPriority(_ id: JobID, _ priority: Int) async throws -> JobView
    /// Forgets a job that has ended, with the results that are keyed by it.
    func remove(_ id: JobID) async throws -> JobView

    func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView
    /// Takes an order to drain back.
    func undrain(_ worker: WorkerID) async throws -> WorkerView
}

/// Jobs that begin by themselves.
package protocol GridSchedules: Sendable {
    func schedules() async throws -> [ScheduleView]
    func schedule(_ id: Int64) async throws -> ScheduleView
    func addSchedule(_ request: ScheduleRequest) async throws -> ScheduleView
    func removeSchedule(_ id: Int64) async throws -> ScheduleView
    func setSchedule(_ id: Int64, paused: Bool) async throws -> ScheduleView
}

/// Whom a grid tells of what happens.
package protocol GridWebhooks: Sendable {
    func webhooks() async throws -> [WebhookView]
    func webhook(_ id: Int64) async throws -> WebhookView
    func addWebhook(_ request: WebhookRequest) async throws -> WebhookView
    func removeWebhook(_ id: Int64) async throws -> WebhookView
    /// Sends a message that says nothing.
    func testWebhook(_ id: Int64) async throws -> WebhookView
    /// Newest first.
    func alerts(limit: Int, region: Region?) async throws -> [AlertView]
}
