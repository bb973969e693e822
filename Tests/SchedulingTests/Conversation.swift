import ClusterModel
import Testing

@testable import Scheduling

/// A scheduler, the time, and what was said so far: tests read as facts in and exactly these effects out.
struct Conversation {
    var scheduler: Scheduler
    var now = MonotonicTime(nanoseconds: 0)
    private var handles: UInt64 = 0

    init(epoch: Int64 = 1, _ change: (inout SchedulerConfiguration) -> Void = { _ in }) {
        var configuration = SchedulerConfiguration(blockPort: 5_711)
        change(&configuration)
        scheduler = Scheduler(epoch: Epoch(epoch), configuration: configuration)
    }

    /// Tells a fact; the scheduler's books have to agree after each.
    @discardableResult
    mutating func tell(_ event: SchedulerEvent, sourceLocation: SourceLocation = #_sourceLocation) -> [SchedulerEffect] {
        let effects = scheduler.handle(event, at: now)
        #expect(scheduler.validate() == [], sourceLocation: sourceLocation)
        return effects
    }

    /// Lets time pass, with the ticks that the scheduler asks for on the way; what they lead to is returned.
    @discardableResult
    mutating func wait(milliseconds: Int64) -> [SchedulerEffect] {
        let end = now.advanced(milliseconds: milliseconds)
        var effects: [SchedulerEffect] = []
        while let deadline = scheduler.nextDeadline, deadline < end {
            now = deadline
            effects += tell(.tick)
        }
        now = end
        return effects
    }

    /// Says hello for a worker whose connection has its number: `w3` is `peer 3`.
    @discardableResult
    mutating func join(
        _ worker: Int, slots: Int = 1, credit: Int? = nil, core: String = "Haswell", host: String = "host", keyName: String? = nil
    ) -> [SchedulerEffect] {
        var hello = hello(worker, slots: slots, credit: credit, core: core)
        (hello.host, hello.keyName) = (host, keyName)
        return tell(.received(from: peer(worker), .hello(hello)))
    }

    /// The same for a worker that has measured core types, the first of which it runs: GFLOP/s of a slot.
    @discardableResult
    mutating func join(
        _ worker: Int, incarnation: UInt64 = 1, slots: Int = 1, cores: KeyValuePairs<String, Double>
    ) -> [SchedulerEffect] {
        tell(.received(from: peer(worker), .hello(measured(worker, incarnation: incarnation, slots: slots, cores: cores))))
    }

    @discardableResult
    mutating func submit(
        _ job: Int64 = 1, plan: UInt64 = 7, tasks: Int, grid: TaskGrid? = nil, priority: Int = 0, profile: String? = nil
    ) -> [SchedulerEffect] {
        tell(
            .submit(
                StageSubmission(
                    job: JobID(job), plan: PlanHash(plan), stageName: "tiles", kind: "toy", taskCount: tasks, grid: grid,
                    priority: priority, profile: profile.map(coreProfile))))
    }

    /// The partial of an attempt arrives; its payload has a number that was not used before.
    @discardableResult
    mutating func result(_ ref: AttemptRef, from worker: Int, checksum: UInt32? = nil) -> [SchedulerEffect] {
        handles += 1
        let result = TaskResult(ref: ref, computeSeconds: 0.1, flops: 1e9)
        return tell(.received(from: peer(worker), .result(result), payload: PayloadHandle(handles), checksum: checksum))
    }

    /// The handle of the last `result`.
    var lastPayload: PayloadHandle { PayloadHandle(handles) }

    @discardableResult
    mutating func fail(_ ref: AttemptRef, on worker: Int, _ message: String = "no luck") -> [SchedulerEffect] {
        tell(.received(from: peer(worker), .failed(TaskFailure(ref: ref, message: message))))
    }

    @discardableResult
    mutating func heartbeat(from worker: Int, running: Int = 0, queued: Int = 0) -> [SchedulerEffect] {
        tell(.received(from: peer(worker), .heartbeat(Heartbeat(running: UInt32(running), queued: UInt32(queued)))))
    }
}

func peer(_ number: Int) -> Peer { Peer(UInt64(number)) }
func coreProfile(_ core: String) -> NumericProfile { NumericProfile(blasVersion: "0.3", coreType: core, epilogueVersion: 1) }

func hello(
    _ worker: Int, incarnation: UInt64 = 1, slots: Int = 1, credit: Int? = nil, core: String = "Haswell",
    version: UInt32 = Limits.protocolVersion, draining: Bool = false, inHand: [AttemptRef] = []
) -> Hello {
    Hello(
        worker: WorkerID("w\(worker)"), incarnation: incarnation, protocolVersion: version, slots: UInt32(slots),
        credit: UInt32(credit ?? slots), memoryBytes: 1 << 30, profile: coreProfile(core), host: "host", processID: 9,
        version: "1", draining: draining, inHand: inHand)
}

func measured(
    _ worker: Int, incarnation: UInt64 = 1, slots: Int = 1, cores: KeyValuePairs<String, Double>, draining: Bool = false,
    inHand: [AttemptRef] = []
) -> Hello {
    var hello = hello(
        worker, incarnation: incarnation, slots: slots, core: cores.first?.key ?? "", draining: draining, inHand: inHand)
    hello.coreTypes = cores.map {
        CoreTypeSpeed(coreType: $0.key, float32GigaflopsPerSecond: $0.value, float64GigaflopsPerSecond: $0.value)
    }
    return hello
}

func changeCoreType(_ worker: Int, to core: String) -> SchedulerEffect { .send(peer(worker), .changeCoreType(core)) }

func task(_ index: UInt32, job: Int64 = 1, plan: UInt64 = 7) -> TaskID {
    TaskID(job: JobID(job), plan: PlanHash(plan), index: index)
}

/// The `serial`-th attempt of the coordinator, at a task.
func attempt(_ serial: UInt64, _ index: UInt32, job: Int64 = 1, plan: UInt64 = 7, epoch: Int64 = 1) -> AttemptRef {
    AttemptRef(task: task(index, job: job, plan: plan), attempt: AttemptID(epoch: Epoch(epoch), serial: serial))
}

func lease(_ serial: UInt64, _ index: UInt32, to worker: Int, job: Int64 = 1, plan: UInt64 = 7) -> SchedulerEffect {
    .lease(peer(worker), Lease(ref: attempt(serial, index, job: job, plan: plan), kind: "toy"))
}

func ack(_ ref: AttemptRef, to worker: Int) -> SchedulerEffect { .send(peer(worker), .ack(ref.attempt)) }

func welcome(_ worker: Int, epoch: Int64 = 1) -> SchedulerEffect {
    .send(
        peer(worker),
        .welcome(
            Welcome(epoch: Epoch(epoch), heartbeatMilliseconds: UInt32(Limits.heartbeatIntervalMilliseconds), blockPort: 5_711)))
}

func profileChosen(_ core: String = "Haswell", job: Int64 = 1) -> SchedulerEffect {
    .profileChosen(JobID(job), coreProfile(core))
}

extension [SchedulerEffect] {
    /// Which task went to which worker, in order; everything else is left out.
    var leases: [String] {
        compactMap { effect in
            guard case .lease(let peer, let lease) = effect else { return nil }
            return "\(lease.ref.task.job).\(lease.ref.task.index)->w\(peer.rawValue)"
        }
    }
    var failure: String? {
        for case .jobFailed(_, let reason) in self { return reason }
        return nil
    }
}
