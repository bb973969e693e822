import ClusterModel
import DequeModule
import Scheduling

/// The coordinator's process: the real scheduler in a simulated shell.
struct SimulatedCoordinator {
    /// A job that has an open stage.
    struct RunningJob {
        let scenario: Scenario.Job
        var stage = 0
        var plan: PlanHash
        var carry: UInt64 = 0
        var sum: UInt64 = 0
    }

    /// Nil while no process runs.
    var scheduler: Scheduler?
    /// Raised with every process, so that what belongs to an earlier one means nothing.
    var generation = 0
    var running: [JobID: RunningJob] = [:]
    var payloads: [PayloadHandle: ToyJob.Partial] = [:]
    var handles: UInt64 = 0
    var tickAt: MonotonicTime?
    /// Facts that came up while the scheduler was being told another one.
    var pending: Deque<SchedulerEvent> = []
    var isTelling = false
    /// What came in while the process was stopped; nil while it runs.
    var backlog: [Happening]?

    mutating func keep(_ partial: ToyJob.Partial) -> PayloadHandle {
        handles += 1
        payloads[PayloadHandle(handles)] = partial
        return PayloadHandle(handles)
    }

    mutating func stop() {
        scheduler = nil
        running = [:]
        payloads = [:]
        pending = []
        tickAt = nil
        backlog = nil
        generation += 1
    }
}
