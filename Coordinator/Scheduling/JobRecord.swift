import ClusterModel

/// A job the scheduler has been given a stage of, until it is finished.
struct JobRecord: Sendable {
    let id: JobID
    var priority: Int
    /// While it is, nothing of it is leased; what is with workers ends as usual.
    var isPaused = false
    /// Position in `Scheduler.profiles`; nil until the first lease is due, then fixed for good.
    var profile: Int?
    /// Nil between stages.
    var stage: Stage?
    var lastFailure: String?
    /// Workers whose partials went into the job; at most `Limits.workersMax`. Only ever asked whether it has a name.
    var contributors: Set<WorkerID> = []

    /// Larger priority first, then the smaller number.
    static func runsBefore(_ a: JobRecord, _ b: JobRecord) -> Bool {
        a.priority != b.priority ? a.priority > b.priority : a.id < b.id
    }
}
