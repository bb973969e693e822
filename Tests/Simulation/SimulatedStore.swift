import ClusterModel

/// A model of the database: rows, transactions that lock the epoch, and a wall clock of its own.
struct SimulatedStore {
    /// A job's row.
    struct Job: Equatable {
        var state = JobState.queued
        var value: UInt64?
        var reason = ""
        /// Whether a wrong partial is in it; only the simulation knows.
        var isTainted = false
        /// Since when it is paused; nil when it is not. A column of its own, which saving the job leaves alone.
        var pausedAt: MonotonicTime?
    }

    /// One of the rows that are published for a region.
    struct Row: Equatable {
        let job: JobID
        let epoch: Epoch
        let value: UInt64
    }

    /// Open transactions of publications: each holds the epoch's row, so that no takeover passes it.
    struct Transaction {
        let call: StoreCall
        let job: JobID
        let change: Job
        let rows: [Row]
        let region: Int
        let begunAt: MonotonicTime
    }

    enum Health { case well, down, readOnly, full }

    static let rowsPerRegion: UInt64 = 3
    /// The product's times, four times as fast: 3 s between signs of life, 10 s until a leader without one is gone.
    static let renewMilliseconds = 750
    static let staleMilliseconds: Int64 = 2_500
    /// How long a silent session may hold its locks, unless whoever takes over ends it.
    static let idleMilliseconds: Int64 = 15_000

    var health = Health.well
    var isSlow = false
    /// How far the wall clock is off the time of the world. It is written beside each sign of life and decides nothing.
    var wallMilliseconds: Int64 = 0
    let bug: ShellBug?

    private(set) var epoch = Epoch(0)
    /// Signs of life of the epoch; -1 when its coordinator has left in order.
    private(set) var renewals = 0
    private(set) var renewedAt: Int64 = 0
    private(set) var jobs: [JobID: Job] = [:]
    private(set) var published: [Int: [Row]] = [:]
    private(set) var open: [Transaction] = []
    /// What became of commits that somebody may have to ask after.
    private var commits: Set<Int> = []

    init(bug: ShellBug?) { self.bug = bug }

    private func wallClock(_ now: MonotonicTime) -> Int64 { now.nanoseconds / 1_000_000 + wallMilliseconds }

    // MARK: The lease

    /// - Parameter evicting: ends the transactions of others instead of waiting for them.
    /// - Returns: nil while one holds the row.
    mutating func takeOver(evicting: Bool, _ now: MonotonicTime) -> Epoch? {
        if evicting { open = [] }
        guard open.isEmpty else { return nil }
        if bug != .epochNotRaised || epoch.rawValue == 0 { epoch = Epoch(epoch.rawValue + 1) }
        renewals = 0
        renewedAt = wallClock(now)
        return epoch
    }

    func holds(_ writer: Epoch) -> Bool { writer == epoch || bug == .fencedWriteAccepted }

    mutating func renew(_ now: MonotonicTime) {
        renewals = max(renewals, 0) + 1
        renewedAt = wallClock(now)
    }

    mutating func release() { renewals = -1 }

    // MARK: Jobs

    mutating func insert(_ job: JobID) { if jobs[job] == nil { jobs[job] = Job() } }

    /// Changes a row unless the job is over: what comes late does not begin it again.
    mutating func update(_ job: JobID, _ change: (inout Job) -> Void) {
        guard var row = jobs[job], !row.state.isFinal || bug == .endOverwritten else { return }
        let pausedAt = row.pausedAt
        change(&row)
        row.pausedAt = pausedAt
        jobs[job] = row
    }

    mutating func setPaused(_ job: JobID, _ isPaused: Bool, _ now: MonotonicTime) {
        guard let row = jobs[job], !row.state.isFinal else { return }
        jobs[job]?.pausedAt = isPaused ? row.pausedAt ?? now : nil
    }

    var areAllFinal: Bool { jobs.values.allSatisfy(\.state.isFinal) }

    // MARK: Publications

    mutating func begin(_ transaction: Transaction) {
        open.append(transaction)
        if bug == .publishedInPieces { published[transaction.region] = Array(transaction.rows.prefix(1)) }
    }

    /// - Returns: false when the session had been ended: nothing was written.
    mutating func commit(_ call: StoreCall) -> Bool {
        guard let position = open.firstIndex(where: { $0.call.number == call.number }) else { return false }
        let transaction = open.remove(at: position)
        published[transaction.region] = transaction.rows
        update(transaction.job) { $0 = transaction.change }
        commits.insert(call.number)
        return true
    }

    /// Like the mark that a commit leaves: nil while the transaction is open.
    func wasCommitted(_ call: StoreCall) -> Bool? {
        open.contains { $0.call.number == call.number } ? nil : commits.contains(call.number)
    }

    mutating func noteCommit(_ call: StoreCall) { commits.insert(call.number) }

    /// Sessions whose process is gone, or that say nothing for too long, are ended by the server.
    mutating func endSessions(where isOver: (Transaction) -> Bool) { open.removeAll(where: isOver) }
}

/// What a coordinator wants of the database; each is one transaction.
enum StoreRequest {
    case readLease
    case takeOver(evicting: Bool)
    case renew
    /// By one that leaves in order; it does not wait for the answer.
    case release
    case readJobs
    case insert(JobID)
    /// - Parameter confirms: what the coordinator goes on with when it is done.
    case save(JobID, SimulatedStore.Job, confirms: Confirmation)
    case publish(JobID, SimulatedStore.Job)
    case setPaused(JobID, Bool)

    enum Confirmation { case planning, running, end }
}

struct StoreCall {
    let number: Int
    let host: Int
    /// Generation of the process that asks.
    let process: Int
    let epoch: Epoch
    let request: StoreRequest
}

enum StoreAnswer {
    case done
    case epoch(Epoch)
    case lease(Epoch, renewals: Int)
    case jobs([JobID])
    /// The rows are in the transaction: now commit.
    case written
    /// Another coordinator has taken over; nothing was written.
    case epochIsOver
    /// Nothing was written, for a reason that passes.
    case unavailable
    /// The connection was lost in COMMIT.
    case doubtful
}
