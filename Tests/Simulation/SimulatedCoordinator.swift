import ClusterModel
import DequeModule
import Scheduling

/// A coordinator's host: its clock, and the process, if one runs: the real scheduler in a simulated shell.
struct SimulatedCoordinator {
    /// A job from its planning to its end.
    struct Job {
        enum Phase {
            /// Its row is saved and its panel is read. Goes to running, ending.
            case planning
            /// It has an open stage, or is about to. Goes to publishing, ending.
            case running
            /// Its rows are written. Goes away.
            case publishing
            /// Cancelled or failed; that is being saved. Goes away.
            case ending
        }
        let scenario: Scenario.Job
        var phase = Phase.planning
        /// As it is, or will be, in the database.
        var row: SimulatedStore.Job
        /// Of the present stage.
        var stage = 0
        var plan = PlanHash(0)
        var carry: UInt64 = 0
        var sum: UInt64 = 0
        var profile: NumericProfile?
        /// What earlier coordinators kept of its work.
        var kept = SimulatedDisk.Kept()
        /// Partials that are not written yet.
        var waiting: [SimulatedDisk.Record] = []
        /// Whether partials still go to the disk: not after one found no room.
        var isLogged = true

        /// As its row said, or an operator since.
        var isPaused = false

        var isEnding: Bool { phase == .ending }
    }

    // The host
    var clock = MachineClock()
    var isCutFromStore = false

    // The process
    var isAlive = false
    /// Waits for the lease rather than to take it.
    var isStandby = false
    /// The last sign of life it saw of the leader, and since when there was no other, by its own clock.
    var watched: (epoch: Epoch, renewals: Int, since: MonotonicTime)?
    /// Nil unless it has the lease, as far as it knows.
    var epoch: Epoch?
    /// When it took the lease.
    var beganAt = MonotonicTime(nanoseconds: 0)
    var scheduler: Scheduler?
    /// Whether it has read what earlier coordinators left; before, it takes no jobs, which it would then find once more.
    var hasTakenUp = false
    /// Raised with every process, so that what belongs to an earlier one means nothing.
    var generation = 0
    var jobs: [JobID: Job] = [:]
    var payloads: [PayloadHandle: ToyJob.Partial] = [:]
    var handles: UInt64 = 0
    var tickAt: MonotonicTime?
    /// Facts that came up while the scheduler was being told another one.
    var pending: Deque<SchedulerEvent> = []
    var isTelling = false
    /// What came in while the process was stopped; nil while it runs.
    var backlog: [Happening]?
    /// Those whom no crowd of strangers pushes out of the shell's memory, which is bounded.
    var keptPeers: Set<Peer> = []
    /// Handles that a planted mistake gives to connections which have another one already.
    var renamedPeers: [Peer: Peer] = [:]

    mutating func keep(_ partial: ToyJob.Partial) -> PayloadHandle {
        handles += 1
        payloads[PayloadHandle(handles)] = partial
        return PayloadHandle(handles)
    }

    /// What the scheduler is told of it.
    func asHeard(_ event: SchedulerEvent) -> SchedulerEvent {
        guard case .received(let peer, let message, let payload, let checksum) = event, let renamed = renamedPeers[peer] else {
            return event
        }
        return .received(from: renamed, message, payload: payload, checksum: checksum)
    }

    mutating func stop() {
        isAlive = false
        isStandby = false
        watched = nil
        epoch = nil
        scheduler = nil
        hasTakenUp = false
        jobs = [:]
        payloads = [:]
        pending = []
        tickAt = nil
        backlog = nil
        keptPeers = []
        renamedPeers = [:]
        generation += 1
    }
}
