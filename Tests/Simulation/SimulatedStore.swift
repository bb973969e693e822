import ClusterModel

/// The database: what is left of a job when the coordinator that ran it is gone.
struct SimulatedStore {
    struct Job {
        var state = JobState.queued
        var profile: NumericProfile?
        var value: UInt64?
        var reason = ""
    }

    private(set) var epoch = Epoch(0)
    private(set) var jobs: [JobID: Job] = [:]

    /// A new coordinator takes over; whatever an older one writes after this is refused.
    mutating func takeOver() -> Epoch {
        epoch = Epoch(epoch.rawValue + 1)
        return epoch
    }

    mutating func insert(_ job: JobID) { jobs[job] = Job() }

    /// - Returns: false when nothing was written: an older epoch, or a job that has ended.
    @discardableResult
    mutating func write(_ job: JobID, as writer: Epoch, _ change: (inout Job) -> Void) -> Bool {
        guard writer == epoch, let stored = jobs[job], !stored.state.isFinal else { return false }
        var changed = stored
        change(&changed)
        jobs[job] = changed
        return true
    }

    var areAllFinal: Bool { jobs.values.allSatisfy(\.state.isFinal) }
}
