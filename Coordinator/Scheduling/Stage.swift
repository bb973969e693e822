import ClusterModel
import DequeModule

/// Where a task of a stage is.
enum TaskState: UInt8, Sendable {
    /// Waits for a worker. Goes to leased, or to merging when a late result comes in.
    case queued
    /// One or two workers have it. Goes to merging, or back to queued.
    case leased
    /// A partial is with the merger. Goes to merged, or back to queued when it was no partial.
    case merging
    /// Counted. Stays.
    case merged
}

/// The tasks of a job's present stage: a byte and a bit per task, and records only for those in somebody's hands.
struct Stage: Sendable {
    let plan: PlanHash
    let name: String
    let kind: String
    let taskCount: Int
    let grid: TaskGrid?
    let beganAt: MonotonicTime

    private(set) var states: [TaskState]
    private(set) var queued: NumberSet
    private(set) var mergedCount = 0

    /// Live attempts of the leased tasks.
    var live: [UInt32: LiveAttempts] = [:]
    var merges: [UInt32: MergeInFlight] = [:]
    var notes: [UInt32: TaskNote] = [:]
    /// Tasks with failures in their notes that are not merged; while there are none, any worker may take any task.
    var failingCount = 0
    /// Tasks that are computed again, and those of them that wait for a worker; at most `Limits.verificationsPerStageMax`.
    var verifications: [UInt32: Verification] = [:]
    var verificationQueue: Deque<UInt32> = []
    /// When the last partial was merged; nil until then.
    var allMergedAt: MonotonicTime?
    /// Leases in the order they went out, oldest first; ended ones are thrown out now and then.
    var leaseOrder: Deque<LeaseRecord> = []
    /// From lease to result, waiting at the worker included.
    private var turnaroundMillisecondsSum: Int64 = 0
    private var turnaroundCount: Int64 = 0

    struct LeaseRecord: Sendable {
        let attempt: AttemptID
        let task: UInt32
    }

    init(_ submission: StageSubmission, at now: MonotonicTime) {
        plan = submission.plan
        name = submission.stageName
        kind = submission.kind
        taskCount = submission.taskCount
        grid = submission.grid
        beganAt = now
        states = Array(repeating: .queued, count: submission.taskCount)
        queued = NumberSet(capacity: submission.taskCount, full: true)
        for task in submission.merged { move(task, to: .merged) }
    }

    var leasedCount: Int { live.count }
    var isComplete: Bool { mergedCount == taskCount }

    /// The one place where a task changes its state.
    mutating func move(_ task: UInt32, to state: TaskState) {
        let old = states[Int(task)]
        if old == state { return }
        if old == .queued { queued.remove(Int(task)) }
        if old == .merged { mergedCount -= 1 }
        if state == .queued { queued.insert(Int(task)) }
        if state == .merged { mergedCount += 1 }
        states[Int(task)] = state
    }

    mutating func noteTurnaround(milliseconds: Int64) {
        // Capped at an hour so that the sum of sixteen million cannot overflow.
        turnaroundMillisecondsSum += min(max(0, milliseconds), 3_600_000)
        turnaroundCount += 1
    }

    /// Usual time from lease to result; nil before the first result.
    var usualMilliseconds: Int64? {
        turnaroundCount == 0 ? nil : turnaroundMillisecondsSum / turnaroundCount
    }

    mutating func rememberLease(_ attempt: AttemptID, of task: UInt32) {
        leaseOrder.append(LeaseRecord(attempt: attempt, task: task))
        // Dropping the ended ones at twice their number costs a constant per lease and bounds the memory.
        if leaseOrder.count > 2 * live.count + 64 {
            leaseOrder.removeAll { [live] in !Self.isLive($0, in: live) }
        }
    }

    func isLive(_ record: LeaseRecord) -> Bool { Self.isLive(record, in: live) }

    private static func isLive(_ record: LeaseRecord, in live: [UInt32: LiveAttempts]) -> Bool {
        guard let attempts = live[record.task] else { return false }
        return attempts.first == record.attempt || attempts.second == record.attempt
    }
}
