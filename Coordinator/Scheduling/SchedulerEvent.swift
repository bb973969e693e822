import ClusterModel

/// A fact the scheduler is told. Payload bytes stay with the shell; `PayloadHandle`s stand for them.
package enum SchedulerEvent: Equatable, Sendable {
    /// A decoded message. `checksum` is the CRC32C of the payload, if the shell has one: results of the same task must agree.
    case received(from: Peer, WorkerMessage, payload: PayloadHandle? = nil, checksum: UInt32? = nil)
    /// Bytes that are no message.
    case undecodable(from: Peer, reason: String)
    /// A frame of a protocol version that this program does not speak.
    case unsupportedVersion(from: Peer, version: UInt32)
    /// The transport knows no way to this peer any more: what was sent to it is gone. What it has said may still come.
    case unroutable(Peer)

    /// The next stage of a job, or its first. A job has one stage at a time.
    case submit(StageSubmission)
    case setPriority(JobID, Int)
    /// From a pause on nothing of the job is leased any more, until it is resumed.
    case setPaused(JobID, Bool)
    /// The job is over for whatever reason: done, failed or cancelled. Drops its tasks and cancels its attempts.
    case finish(JobID)

    /// The partial given out by `SchedulerEffect.merge` has been merged.
    case merged(TaskID)
    /// The partial was no partial; `reason` is one sentence. The worker that made it is blamed and the task goes back.
    case mergeRejected(TaskID, reason: String)

    /// An operator takes a worker out: it gets nothing new, and is sent away when it has finished what it has, or at `deadline`.
    /// Unknown workers are ignored.
    case drain(WorkerID, deadline: MonotonicTime? = nil)
    /// The operator wants it back. One that is on its way out already goes.
    case undrain(WorkerID)
    /// Time has passed; due at `Scheduler.nextDeadline` at the latest.
    case tick
}

/// The tasks of one stage of a job: `0 ..< taskCount`, alike in kind and of about the same cost.
package struct StageSubmission: Equatable, Sendable {
    package var job: JobID
    package var plan: PlanHash
    package var stageName: String
    /// Names the executor, such as `correlation`; goes into every lease.
    package var kind: String
    /// 0 ... `Limits.tasksPerStageMax`; a stage without tasks is complete at once.
    package var taskCount: Int
    /// Says which tasks share blocks; nil when none do. Its `taskCount` must be the stage's.
    package var grid: TaskGrid?
    /// Larger runs first, then the smaller job number. Counts with the job's first stage; later `setPriority` changes it.
    package var priority: Int
    /// Counts with the job's first stage; later `setPaused` changes it.
    package var isPaused: Bool
    /// The profile an earlier stage or an earlier coordinator fixed; nil leaves the choice to the scheduler.
    package var profile: NumericProfile?
    /// Tasks whose partials have been merged already, from what an earlier coordinator kept: nobody gets them any more.
    package var merged: [UInt32]

    package init(
        job: JobID, plan: PlanHash, stageName: String, kind: String, taskCount: Int, grid: TaskGrid? = nil,
        priority: Int = 0, isPaused: Bool = false, profile: NumericProfile? = nil, merged: [UInt32] = []
    ) {
        self.job = job
        self.plan = plan
        self.stageName = stageName
        self.kind = kind
        self.taskCount = taskCount
        self.grid = grid
        self.priority = priority
        self.isPaused = isPaused
        self.profile = profile
        self.merged = merged
    }
}
