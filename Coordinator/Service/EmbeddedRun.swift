import ClusterModel
import Dispatch
import Jobs
import Kernels
import Messaging
import Panel
import Scheduling
import Synchronization
import WorkerEngine
import WorkerRuntime

/// One job on one worker in this process. The calling thread owns both state machines and carries their messages.
final class EmbeddedRun {
    private enum Event: Sendable {
        case command(SchedulerCommand)
        case worker(WorkerEvent)
        case done(Result<JobOutcome, GridError>)
    }

    private static let jobID = JobID(1)
    /// What the scheduler knows the only worker as.
    private static let peer = Peer(1)
    private static let progressEveryMilliseconds = 100

    private let events = EventQueue<Event>()
    private let drivers = JobDrivers()
    private let driver: JobDriver
    private let shell: SchedulerShell
    private let workerPayloads = PayloadTable()
    private let slots: SlotPool
    private var engine: WorkerEngine
    private let toWorker = MessageBuffer()

    init(job: any GridJob, panel: Panel, slots count: Int) throws(GridError) {
        let events = events
        driver = JobDriver(
            id: Self.jobID, job: job, queue: DispatchQueue(label: "alphagrid.job"),
            post: { events.push(.command($0)) }, whenDone: { events.push(.done($0)) })
        drivers.add(driver)
        shell = SchedulerShell(
            scheduler: Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 0)), drivers: drivers,
            log: nil)
        let hello = Hello(
            worker: WorkerID("embedded"), incarnation: 1, slots: UInt32(count), credit: UInt32(2 * count), memoryBytes: 0,
            profile: BLAS.profile, host: HostIdentity.name, processID: HostIdentity.processID,
            version: AlphaGrid.version)
        engine = WorkerEngine(hello: hello)
        // The operands of one panel are in use until the end, so there is nothing to let go of.
        let executor = TaskExecutor(source: PanelBlocks([panel]), cache: BlockCache(bytesMax: .max))
        slots = try SlotPool(slots: count, executor: executor)
    }

    /// Runs the job to its end.
    func outcome(progress: (EmbeddedProgress) -> Void) throws(GridError) -> JobOutcome {
        defer { slots.stop() }
        driver.start()
        handle(.connected)
        while true {
            for event in events.takeAll(waitingMilliseconds: Self.progressEveryMilliseconds) {
                switch event {
                case .command(.event(let fact)): tell(fact)
                // The scheduler is here from the start.
                case .command(.begin), .command(.look): break
                case .worker(let fact): handle(fact)
                case .done(let result): return try result.get()
                }
            }
            tell(.tick)
            handle(.tick)
            if let stage = shell.snapshot(at: .now()).stages[Self.jobID] {
                progress(
                    EmbeddedProgress(stageName: stage.stageName, tasksDone: stage.merged, tasksTotal: stage.total))
            }
        }
    }

    private func tell(_ event: SchedulerEvent) {
        shell.handle(event, at: .now(), via: toWorker)
        deliver()
    }

    /// Hands the worker what the scheduler has sent meanwhile.
    private func deliver() {
        while let (message, payload) = toWorker.next() {
            handle(.received(message, payload: payload.map(workerPayloads.insert)))
        }
    }

    private func handle(_ event: WorkerEvent) {
        for effect in engine.handle(event, at: .now()) {
            switch effect {
            case .send(let message, let handle):
                let payload = handle.flatMap(workerPayloads.payload)
                shell.received(from: Self.peer, message, payload: payload, at: .now(), via: toWorker)
            case .start(let ref, let kind, let handle):
                if let task = workerPayloads.payload(handle) { start(ref, kind: kind, task: task) }
            case .release(let handle):
                workerPayloads.remove(handle)
            case .exit(.machineSuspect(let sentence)):
                events.push(.done(.failure(GridError(.damaged, sentence))))
            case .reconnect, .exit:
                break
            }
        }
        deliver()
    }

    private func start(_ ref: AttemptRef, kind: String, task: Payload) {
        let (events, payloads) = (events, workerPayloads)
        slots.submit(kind: kind, payload: task) { result in
            switch result {
            case .success(let done):
                let handle = payloads.insert(done.payload)
                events.push(
                    .worker(.finished(ref, payload: handle, computeSeconds: done.computeSeconds, flops: done.flops)))
            case .failure(let error):
                let isDamage = error.kind == .damaged
                events.push(
                    .worker(
                        isDamage
                            ? .damaged(ref, message: error.message) : .failedToCompute(ref, message: error.message)))
            }
        }
    }
}

/// What the scheduler has sent and the worker not yet seen.
private final class MessageBuffer: CoordinatorTransport {
    private var messages: [(CoordinatorMessage, Payload?)] = []

    func send(_ message: CoordinatorMessage, payload: Payload?, to peer: Peer) -> Bool {
        messages.append((message, payload))
        return true
    }

    func forget(_ peer: Peer) {}

    func next() -> (CoordinatorMessage, Payload?)? {
        messages.isEmpty ? nil : messages.removeFirst()
    }
}
