import ClusterModel

/// Kept for the few tasks that needed more than one lease: what happened to them, and whom it happened with.
struct TaskNote: Sendable {
    struct Event: Sendable {
        enum What: Sendable {
            case leased
            case leasedAgain
            case adopted
            case failed(String)
            case rejected(String)
            case workerLost
            case workerLeft
            case workerRestarted
            case leaseLost
            case lateResult
            case merged
            case differs
            case workerSuspect
        }
        let at: MonotonicTime
        let attempt: AttemptID
        let worker: WorkerID
        let what: What
    }

    /// Distinct names of the workers it failed on, in order; a restarted worker is the same one.
    private(set) var failedOn: [WorkerID] = []
    /// Failures and rejected partials.
    private(set) var failures = 0
    /// Workers lost while they were probably computing it.
    private(set) var losses = 0
    /// The merged partial's, to compare a second one with.
    var answer: Verification.Answer?
    private(set) var events: [Event] = []

    mutating func add(_ what: Event.What, attempt: AttemptID, worker: WorkerID, at now: MonotonicTime) {
        // The beginning says how it started, the end how it is now; the middle goes first.
        if events.count >= Limits.taskStoryEventsMax { events.remove(at: Limits.taskStoryEventsMax / 2) }
        events.append(Event(at: now, attempt: attempt, worker: worker, what: what))
    }

    mutating func addFailure(_ what: Event.What, attempt: AttemptID, worker: WorkerID, at now: MonotonicTime) {
        failures += 1
        if !failedOn.contains(worker) { failedOn.append(worker) }
        add(what, attempt: attempt, worker: worker, at: now)
    }

    mutating func addLoss(_ what: Event.What, attempt: AttemptID, worker: WorkerID, at now: MonotonicTime) {
        losses += 1
        add(what, attempt: attempt, worker: worker, at: now)
    }

    /// Whether this attempt's partial has turned out to be none: sent again, it is none again.
    func hasRejected(_ attempt: AttemptID) -> Bool {
        events.contains { event in
            if case .rejected = event.what { return event.attempt == attempt }
            return false
        }
    }

    /// Sentences for people, oldest first; times count from the stage's begin.
    func story(since begin: MonotonicTime) -> [String] {
        events.map { event in
            let tenths = max(0, (event.at.nanoseconds - begin.nanoseconds) / 100_000_000)
            return
                "\(tenths / 10).\(tenths % 10) s: \(event.what.text) \(event.worker) "
                + "(attempt \(event.attempt))\(event.what.detail)"
        }
    }
}

extension TaskNote.Event.What {
    fileprivate var text: String {
        switch self {
        case .leased: "leased to"
        case .leasedAgain: "takes long, also leased to"
        case .adopted: "found in the hands of"
        case .failed: "failed on"
        case .rejected: "not mergeable from"
        case .workerLost: "lost with"
        case .workerLeft: "left behind by"
        case .workerRestarted: "lost in the restart of"
        case .leaseLost: "never arrived at"
        case .lateResult: "late result from"
        case .merged: "merged from"
        case .differs: "DIFFERENT BYTES from"
        case .workerSuspect: "taken from the suspect"
        }
    }

    fileprivate var detail: String {
        switch self {
        case .failed(let message), .rejected(let message): ": \(message)"
        default: ""
        }
    }
}

extension String {
    /// The text as one line of at most `limit` characters, safe to put into a sentence.
    func oneLine(limit: Int = 300) -> String {
        var out = ""
        for (count, scalar) in unicodeScalars.enumerated() {
            if count == limit { return out + "..." }
            out.unicodeScalars.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? " " : scalar)
        }
        return out
    }
}
