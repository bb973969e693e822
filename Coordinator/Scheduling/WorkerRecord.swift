import ClusterModel

/// What the scheduler knows of a worker; slots of the table are reused.
struct WorkerRecord: Sendable {
    enum State: Sendable {
        /// Nobody's slot. Goes to connected.
        case vacant
        /// Said hello and is heard of. Goes to unreachable, lost, or vacant after its goodbye.
        case connected
        /// What was sent to it did not get through. What it has said before is heard all the same, and it may come back, also by
        /// another connection. Goes to connected, lost, or vacant after its goodbye.
        case unreachable
        /// Silent for too long, its attempts given back. Goes to connected, or to vacant when it is forgotten.
        case lost
    }

    var id = WorkerID("")
    var state = State.vacant
    var incarnation: UInt64 = 0
    /// Earlier processes of this name that a later one took over from; bounded by `Limits.takenOverProcessesMax`.
    var displaced: [UInt64] = []
    /// By which it said hello last, whether or not it still works; nil while vacant, or when another worker speaks by it now.
    var peer: Peer?
    /// Position in `Scheduler.profiles`; nil only while vacant.
    var profile: Int?
    /// What it measured of its present core type and of those it can change to.
    var coreTypes: [CoreTypeSpeed] = []
    /// When it was last asked to change its core type.
    var askedToChangeAt: MonotonicTime?
    var slots = 1
    var credit = 1
    var memoryBytes: UInt64 = 0
    var host = ""
    /// Whose voice it is where workers disagree: all of one key, or without keys all of one host, are one.
    var party = ""
    var processID: Int32 = 0
    var version = ""

    /// An operator asked for it, so it holds over reconnects.
    var drainOrdered = false
    /// When it is sent away whatever it has in hand; nil leaves it all the time it needs.
    var drainDeadline: MonotonicTime?
    var draining = false
    /// It was sent away, or has said by itself that it leaves: nobody can keep it.
    var isLeaving = false
    /// Found to compute wrongly; holds until another process of the name comes.
    var isSuspect = false

    /// Attempts that occupy credit, in the order of their leases.
    var outstanding: [AttemptID] = []
    /// What it listed in its last hello beyond those. They occupy credit too until it has answered; whether it has them
    /// is only its word, so the scheduler's table of attempts knows nothing of them.
    var unwanted: [AttemptID] = []
    var greetedAt = MonotonicTime(nanoseconds: 0)
    var creditInUse: Int { outstanding.count + unwanted.count }
    /// Counted in its profile's `slots` and `workers`; kept by `Scheduler.refresh`.
    var leasable = false

    var lastHeard = MonotonicTime(nanoseconds: 0)
    var lastSent = MonotonicTime(nanoseconds: 0)
    /// When it was last asked who it is although it had said so.
    var lastAsked: MonotonicTime?
    /// Raised with every change of owner or state, so that older timers of the slot mean nothing.
    var timerGeneration: UInt32 = 0

    var heartbeat = Heartbeat()
    var heartbeatAt: MonotonicTime?
    var gigaflopsPerSecond = 0.0
    var tasksDone = 0
    var tasksFailed = 0
    var recent = RecentGroups()

    mutating func describe(_ hello: Hello) {
        // What it has was given to it by what it said before: no process takes that back while it has anything.
        if outstanding.isEmpty {
            slots = min(Int(hello.slots), Limits.creditPerWorkerMax)
            credit = min(max(Int(hello.credit), slots), Limits.creditPerWorkerMax)
        }
        coreTypes = Array(hello.coreTypes.prefix(Limits.coreTypesPerWorkerMax))
        memoryBytes = hello.memoryBytes
        host = hello.host
        party = hello.keyName ?? hello.host
        processID = hello.processID
        version = hello.version
    }
}

/// The last few block groups a worker's tasks touched, newest first.
struct RecentGroups: Sendable {
    // A tuple, because an array would cost an allocation per worker and SIMD a slow comparison on plain x86-64.
    private var keys: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (.max, .max, .max, .max, .max, .max)

    static func key(job: JobID, group: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: job.rawValue) << 32 | UInt64(truncatingIfNeeded: group) & 0xFFFF_FFFF
    }

    func contains(_ key: UInt64) -> Bool {
        keys.0 == key || keys.1 == key || keys.2 == key || keys.3 == key || keys.4 == key || keys.5 == key
    }

    mutating func touch(_ key: UInt64) {
        if !contains(key) { keys = (key, keys.0, keys.1, keys.2, keys.3, keys.4) }
    }
}

/// The workers of one numeric profile that may be given a lease.
struct ProfileRecord: Sendable {
    var profile: NumericProfile
    /// Workers and jobs that refer to this slot of the table; it is reused when nobody does.
    var references = 0
    /// Leasable workers and their slots.
    var workers = 0
    var slots = 0
    /// Leasable workers with a free slot, and those with all slots taken but credit left.
    var idle: NumberSet
    var topUp: NumberSet
    /// Whom to look at next, so that leases go round.
    var cursor = 0
}
