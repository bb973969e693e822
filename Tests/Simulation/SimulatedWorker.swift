import ClusterModel
import WorkerEngine

/// A worker's process and host: the real engine in a simulated shell.
struct SimulatedWorker {
    let scenario: Scenario.Worker
    /// Nil while no process runs.
    var engine: WorkerEngine?
    var incarnation: UInt64 = 0
    /// What the present process computes with; a process that was killed starts again with the scenario's.
    var profile: NumericProfile
    /// The coordinators' host that it is connected to, or tries to be.
    var address = 0
    /// The connection's handle at the coordinator; nil while there is none.
    var peer: Peer?
    /// The host lost its power: nobody is told that the connection is gone.
    var isHalfOpen = false
    /// It never comes back.
    var hasDeparted = false
    /// What came in while the process was stopped; nil while it runs.
    var backlog: [Happening]?
    var clock = MachineClock()
    var slowness = 1
    var failsPercent = 0
    var garblesPercent = 0
    var errsPercent = 0
    /// The same, as another worker of its host errs.
    var errsAlikePercent = 0
    var cutToCoordinator = false
    var cutToWorker = false
    var lastToCoordinator = MonotonicTime(nanoseconds: 0)
    var lastToWorker = MonotonicTime(nanoseconds: 0)
    /// When the agenda will tick it next.
    var tickAt: MonotonicTime?

    var tasks: [PayloadHandle: ToyJob.Task] = [:]
    var partials: [PayloadHandle: ToyJob.Partial] = [:]
    var handles: UInt64 = 0
    var computing: Set<AttemptID> = []

    init(_ scenario: Scenario.Worker) {
        self.scenario = scenario
        profile = scenario.profile
    }

    var isRunning: Bool { engine != nil && backlog == nil }

    mutating func keep(_ task: ToyJob.Task) -> PayloadHandle {
        handles += 1
        tasks[PayloadHandle(handles)] = task
        return PayloadHandle(handles)
    }

    mutating func keep(_ partial: ToyJob.Partial) -> PayloadHandle {
        handles += 1
        partials[PayloadHandle(handles)] = partial
        return PayloadHandle(handles)
    }

    /// False when these bytes were released before.
    mutating func release(_ handle: PayloadHandle) -> Bool {
        tasks.removeValue(forKey: handle) != nil || partials.removeValue(forKey: handle) != nil
    }

    /// The process ends, however; what it had in memory is gone.
    mutating func stop() {
        engine = nil
        backlog = nil
        tickAt = nil
        tasks = [:]
        partials = [:]
        computing = []
    }
}
