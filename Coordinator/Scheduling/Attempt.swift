import ClusterModel

/// One lease as the scheduler remembers it, until the worker's answer is settled.
struct Attempt: Sendable {
    enum State: Sendable {
        /// May decide its task. Goes to merging, doomed, or away when it fails or its worker is lost.
        case live
        /// Computes a task again whose result is there already; compared, never merged. Goes to doomed, or away when answered,
        /// failed or lost.
        case verifying
        /// Its partial is with the merger. Goes away when that ends.
        case merging
        /// Its task no longer needs it; it only occupies credit until the worker answers. Goes away then.
        case doomed
    }

    let task: TaskID
    /// Position in `Scheduler.workers`.
    let worker: Int
    let leasedAt: MonotonicTime
    var state: State
}

/// The live attempts of a task; a straggler has two.
struct LiveAttempts: Sendable {
    var first: AttemptID
    var second: AttemptID?

    /// What is left without one of them; nil when nothing is.
    func without(_ attempt: AttemptID) -> LiveAttempts? {
        if attempt == second { return LiveAttempts(first: first) }
        guard attempt == first else { return self }
        return second.map { LiveAttempts(first: $0) }
    }

    init(first: AttemptID, second: AttemptID? = nil) {
        self.first = first
        self.second = second
    }
}

/// A partial that was handed over for merging, and whom to thank for it.
struct MergeInFlight: Sendable {
    let attempt: AttemptID
    let worker: Int
    let incarnation: UInt64
    /// Its slot may be somebody else's by the time the merge ends.
    let workerName: WorkerID
    /// Nil when no checksum is known.
    let answer: Verification.Answer?
}
