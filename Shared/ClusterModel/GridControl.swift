// What people and programs ask of a running grid, and what they get to see. These values are the JSON of the
// HTTP interface (keys in snake_case, times in ISO 8601 UTC) and what the command line decodes.

/// Request for a job, as `POST /v1/jobs` takes it. Absent parameters take the region's configured values.
package struct JobRequest: Codable, Hashable, Sendable {
    package var kind: String
    package var region: String
    package var pool: String?
    package var convention: String?
    package var window: String?
    package var minOverlap: Int?
    package var precision: String?
    package var blockEdge: Int?
    /// Nearest neighbours kept of each alpha, at either end.
    package var top: Int?
    /// Pairs with r, or |r| with `absolute`, from this on are kept one by one; none without it. -1 ... 1.
    package var threshold: Double?
    package var absolute: Bool?
    /// Whether all pairs are computed, also those that a kept result covers.
    package var fresh: Bool?
    /// Larger runs first; bulk work has 0, a recompute on demand 100. -1000 ... 1000.
    package var priority: Int?
    /// What only jobs of this kind have, by name (see `JobOptions`).
    package var params: [String: String]?

    /// From which r on pairs are looked at one by one; a selection has one without being told.
    package var effectiveThreshold: Double? { threshold ?? (kind == "selection" ? SubmissionRule.threshold : nil) }

    package init(kind: String, region: String) {
        self.kind = kind
        self.region = region
    }
}

package enum JobState: String, Codable, Sendable, CaseIterable {
    /// Accepted, not begun. Goes to planning, cancelled or failed.
    case queued
    /// Reading the region and cutting tiles. Goes to running, cancelled or failed.
    case planning
    /// Tasks of some stage are leased. Goes to publishing, cancelled or failed.
    case running
    /// One transaction replaces the region's rows. Goes to done or failed.
    case publishing
    case done, failed, cancelled

    package var isFinal: Bool { self == .done || self == .failed || self == .cancelled }
}

package struct StageView: Codable, Hashable, Sendable {
    package var name: String
    package var tasksDone: Int
    package var tasksTotal: Int
    /// Of stages that repeat until something is found: the how many-th time it is; nil for one that does not. How many there will
    /// be nobody knows, so its tasks are those known so far.
    package var round: Int?
    /// True of what the coordinator computes by itself, which counts as one task; nil where workers have the tasks.
    package var inCoordinator: Bool?
    package init(name: String, tasksDone: Int, tasksTotal: Int, round: Int? = nil, inCoordinator: Bool? = nil) {
        self.name = name
        self.tasksDone = tasksDone
        self.tasksTotal = tasksTotal
        self.round = round
        self.inCoordinator = inCoordinator
    }
}

package struct JobView: Codable, Hashable, Sendable {
    package var jobID: JobID
    package var kind: String
    package var region: String
    package var pool: String
    package var state: JobState
    package var priority: Int
    package var convention: String
    package var window: String
    package var minOverlap: Int
    package var precision: String
    package var blockEdge: Int
    package var top: Int
    package var threshold: Double?
    package var absolute: Bool
    package var fresh: Bool
    package var params: [String: String]
    package var submittedAt: String
    package var startedAt: String?
    package var finishedAt: String?
    /// When a coordinator has last taken it up where another one, or its own earlier process, had left it, and how often
    /// that has happened; nil for never.
    package var resumedAt: String?
    package var resumed: Int?
    /// Partials of earlier coordinators that the last of them merged instead of having them computed again.
    package var partialsKept: Int?
    package var stages: [StageView]
    package var alphaCount: Int?
    package var dayCount: Int?
    package var tilesPerSecond: Double?
    package var etaSeconds: Double?
    /// Between these the rest will take, four times out of five.
    package var etaLowSeconds: Double?
    package var etaHighSeconds: Double?
    /// Of all its tiles together, of late, and the share of what its workers can do at most; 0 ... 1.
    package var gigaflopsPerSecond: Double?
    package var peakShare: Double?
    /// While it is, none of its tasks goes to a worker.
    package var paused: Bool
    /// Why it was paused or cancelled, as whoever did it said.
    package var reason: String?
    /// What it waits for, to go behind "it waits"; nil while it gets on and after its end.
    package var waits: String?
    package var profile: String?
    package var panelHash: String?
    package var digest: String?
    /// Where the rows were published, such as `correlation_usa`.
    package var resultTable: String?
    package var warnings: [String]
    package var error: String?

    package init(
        jobID: JobID, kind: String, region: String, pool: String, state: JobState, priority: Int, convention: String,
        window: String, minOverlap: Int, precision: String, blockEdge: Int, submittedAt: String
    ) {
        self.jobID = jobID
        self.kind = kind
        self.region = region
        self.pool = pool
        self.state = state
        self.priority = priority
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
        self.precision = precision
        self.blockEdge = blockEdge
        self.submittedAt = submittedAt
        top = CorrelationParameters.defaultNeighbours
        absolute = false
        fresh = false
        paused = false
        params = [:]
        stages = []
        warnings = []
    }
}

package struct WorkerView: Codable, Hashable, Sendable {
    package var worker: String
    package var host: String
    package var processID: Int32
    package var version: String
    package var profile: String
    /// `connected`, `draining`, `suspect` (found to compute wrongly: it gets no leases), `lost`, or `drained` (an operator's
    /// order is fulfilled, and it has left).
    package var state: String
    package var slots: Int
    package var running: Int
    package var queued: Int
    package var tasksDone: Int
    package var tasksFailed: Int
    package var memoryBytes: UInt64
    package var cachedBytes: UInt64
    /// Of all slots together, of late.
    package var gigaflopsPerSecond: Double
    /// What one slot computes at most with the present profile, as the worker measured at its start; nil when it did not.
    package var peakFloat32GigaflopsPerSecond: Double?
    package var peakFloat64GigaflopsPerSecond: Double?
    package var heartbeatAgeSeconds: Double
    /// Of the order to drain: why, and when it has to leave at the latest; nil without.
    package var drainReason: String?
    package var drainDeadline: String?
    package init(
        worker: String, host: String, processID: Int32, version: String, profile: String, state: String, slots: Int,
        running: Int, queued: Int, tasksDone: Int, tasksFailed: Int, memoryBytes: UInt64, cachedBytes: UInt64,
        gigaflopsPerSecond: Double, heartbeatAgeSeconds: Double
    ) {
        self.worker = worker
        self.host = host
        self.processID = processID
        self.version = version
        self.profile = profile
        self.state = state
        self.slots = slots
        self.running = running
        self.queued = queued
        self.tasksDone = tasksDone
        self.tasksFailed = tasksFailed
        self.memoryBytes = memoryBytes
        self.cachedBytes = cachedBytes
        self.gigaflopsPerSecond = gigaflopsPerSecond
        self.heartbeatAgeSeconds = heartbeatAgeSeconds
    }
}

/// The coordinator that leads. Times in ISO 8601 UTC.
package struct LeaderView: Codable, Hashable, Sendable {
    /// Host and process.
    package var holder: String
    package var epoch: Int64
    package var since: String?
    /// Of its HTTP interface, as it says that others reach it; nil where it is not known.
    package var url: String?
    package init(holder: String, epoch: Int64, since: String? = nil, url: String? = nil) {
        self.holder = holder
        self.epoch = epoch
        self.since = since
        self.url = url
    }
}

/// A coordinator that waits for the leader's end.
package struct StandbyView: Codable, Hashable, Sendable {
    package var holder: String
    package var url: String?
    /// Its last sign of life.
    package var seenAt: String
    package init(holder: String, url: String?, seenAt: String) {
        self.holder = holder
        self.url = url
        self.seenAt = seenAt
    }
}

package struct StatusView: Codable, Hashable, Sendable {
    package var version: String
    package var epoch: Int64
    /// Since this coordinator leads.
    package var uptimeSeconds: Double
    /// Whether the last use of the database worked; `/readyz` says the same.
    package var databaseReachable: Bool
    package var workersConnected: Int
    package var slotsTotal: Int
    package var slotsBusy: Int
    package var jobsQueued: Int
    package var jobsRunning: Int
    package var tasksDoneTotal: Int
    package var lastError: String?
    /// What a person might want to do something about, one sentence each.
    package var notes: [String]?
    /// This coordinator, as others know it.
    package var leader: LeaderView?
    /// Those that wait for its end; nil where none is known.
    package var standbys: [StandbyView]?
    package init(
        version: String, epoch: Int64, uptimeSeconds: Double, databaseReachable: Bool, workersConnected: Int,
        slotsTotal: Int, slotsBusy: Int, jobsQueued: Int, jobsRunning: Int, tasksDoneTotal: Int, lastError: String?
    ) {
        self.version = version
        self.epoch = epoch
        self.uptimeSeconds = uptimeSeconds
        self.databaseReachable = databaseReachable
        self.workersConnected = workersConnected
        self.slotsTotal = slotsTotal
        self.slotsBusy = slotsBusy
        self.jobsQueued = jobsQueued
        self.jobsRunning = jobsRunning
        self.tasksDoneTotal = tasksDoneTotal
        self.lastError = lastError
    }
}

/// The grid as the HTTP interface sees it; errors are `GridError`s.
package protocol GridControl: GridOperations, GridSchedules, GridWebhooks {
    func status() async throws -> StatusView
    func ready() async throws
    /// Who leads when this coordinator does not, and so has nothing else to say; nil when it leads itself.
    func leaderElsewhere() -> LeaderView?
    func submit(_ request: JobRequest) async throws -> JobView
    /// At most `request.limit`, in its order.
    func jobs(_ request: JobsRequest) async throws -> [JobView]
    func job(_ id: JobID) async throws -> JobView
    func cancel(_ id: JobID, reason: String) async throws -> JobView
    func workers() async throws -> [WorkerView]
    /// Compares candidates with the region's pool and with each other.
    func check(_ request: CheckRequest, region: Region) async throws -> CheckView
    /// Looks closely at one pair of a pool.
    func pair(_ request: PairRequest, region: Region) async throws -> PairView
    /// What jobs have published of the region.
    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage
}

/// All that the HTTP interface serves.
package typealias ServedGrid = GridControl & RegionReading & GridWatching

extension GridControl {
    /// Newest first.
    package func jobs(limit: Int, before: JobID?) async throws -> [JobView] {
        try await jobs(JobsRequest(limit: limit, before: before))
    }

    package func leaderElsewhere() -> LeaderView? { nil }
}

package enum AlphaGrid {
    package static let version = "0.1.0"
}
