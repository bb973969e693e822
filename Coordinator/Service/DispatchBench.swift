import ClusterModel
import Dispatch
import Jobs
import Logging
import Messaging
import Scheduling
import Synchronization

/// Times what a task costs beside its work: tasks that do nothing, through the coordinator's scheduler, sockets and merging
/// and real worker processes.
package final class DispatchBench: Sendable {
    private let drivers = JobDrivers()
    private let control: ControlSocket
    private let snapshot: Box

    private final class Box: Sendable {
        let value = Mutex(GridSnapshot())
    }

    /// Binds a free port of the loopback interface.
    ///
    /// - Parameter keys: what workers have to show; nil for nothing.
    package init(log: Logger, keys: ServerKeys? = nil) throws(GridError) {
        let endpoint = try Endpoint(parsing: "tcp://127.0.0.1:0", for: .bind, field: "address")
        let box = Box()
        snapshot = box
        control = try ControlSocket(endpoint: endpoint, drivers: drivers, log: log, keys: keys) { found in
            box.value.withLock { $0 = found }
        }
        control.post(.begin(Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 0))))
    }

    /// Where workers connect.
    package var endpoint: String { control.endpoint.description }

    package var workersConnected: Int { snapshot.value.withLock { $0.load.workersConnected } }

    /// Seconds from the first task's submission to the last one's merging. Blocks.
    ///
    /// - Parameter job: a number not used before.
    package func run(job: Int64, tasks: Int) throws(GridError) -> Double {
        let done = EventQueue<Result<JobOutcome, GridError>>()
        let driver = JobDriver(
            id: JobID(job), job: IdleJob(tasks: tasks, number: job),
            queue: DispatchQueue(label: "alphagrid.bench"), post: { [control] in control.post($0) },
            whenDone: { done.push($0) })
        drivers.add(driver)
        let start = MonotonicTime.now()
        driver.start()
        var result: Result<JobOutcome, GridError>?
        while result == nil { result = done.takeAll(waitingMilliseconds: 1_000).first }
        let seconds = MonotonicTime.now().seconds(since: start)
        control.post(.event(.finish(JobID(job))))
        drivers.remove(JobID(job))
        _ = try result?.get()
        return seconds
    }

    package func stop() { control.stop() }
}

/// One stage of tasks that return their payload.
private final class IdleJob: GridJob, @unchecked Sendable {
    // Not locked: `GridJob` says that one thread at a time uses a job.
    private let tasks: Int
    private let number: Int64
    private var isBegun = false

    init(tasks: Int, number: Int64) {
        self.tasks = tasks
        self.number = number
    }

    func next(telling tell: @escaping StageTeller) throws -> JobStep {
        guard !isBegun else { return .publish(.nothing) }
        isBegun = true
        return .stage(
            JobStage(
                name: "idle", plan: PlanHash(UInt64(number)), kind: "noop", taskCount: tasks, grid: nil, tileCount: tasks
            ) { Payload(copying: Array("\($0)".utf8)) })
    }

    func merge(task index: Int, partial: Payload) throws(GridError) {
        guard partial.withUnsafeBytes({ $0.elementsEqual("\(index)".utf8) }) else {
            throw GridError(.failed, "task \(index) came back as something else")
        }
    }
}
