import ClusterModel
import Testing
import WorkerEngine

/// A worker engine, the time, and what its shell holds: tests read as facts in and exactly these effects out.
struct Conversation {
    var engine: WorkerEngine
    var now = MonotonicTime(nanoseconds: 0)
    /// Payloads that went in and have not been released.
    private var held: Set<PayloadHandle> = []

    init(slots: UInt32 = 1, credit: UInt32 = 3, _ change: (inout WorkerConfiguration) -> Void = { _ in }) {
        var configuration = WorkerConfiguration()
        change(&configuration)
        engine = WorkerEngine(hello: identity(slots: slots, credit: credit), configuration: configuration)
    }

    init(hello: Hello, drainMilliseconds: Int64 = Limits.drainMilliseconds) {
        var configuration = WorkerConfiguration()
        configuration.drainMilliseconds = drainMilliseconds
        engine = WorkerEngine(hello: hello, configuration: configuration)
    }

    /// Tells a fact. Whatever follows, no payload is released twice or without having come in.
    @discardableResult
    mutating func tell(_ event: WorkerEvent, sourceLocation: SourceLocation = #_sourceLocation) -> [WorkerEffect] {
        switch event {
        case .received(_, let payload?), .finished(_, let payload, _, _): held.insert(payload)
        default: break
        }
        let effects = engine.handle(event, at: now)
        for case .release(let payload) in effects {
            #expect(held.remove(payload) != nil, "\(payload) was released before", sourceLocation: sourceLocation)
        }
        return effects
    }

    mutating func wait(milliseconds: Int64) { now = now.advanced(milliseconds: milliseconds) }

    /// Payloads in the shell's keeping, in order.
    var payloads: [UInt64] { held.map(\.rawValue).sorted() }

    @discardableResult
    mutating func lease(_ number: UInt64) -> [WorkerEffect] {
        tell(.received(.lease(Lease(ref: ref(number), kind: "toy")), payload: PayloadHandle(number)))
    }

    /// The partial of an attempt has the attempt's number and a hundred.
    @discardableResult
    mutating func finish(_ number: UInt64) -> [WorkerEffect] {
        tell(.finished(ref(number), payload: PayloadHandle(100 + number), computeSeconds: 2, flops: 3))
    }

    /// Connected and welcomed by epoch 1.
    mutating func connect() {
        tell(.connected)
        tell(.received(welcome()))
    }
}

func identity(slots: UInt32 = 1, credit: UInt32 = 3, draining: Bool = false, inHand: [UInt64] = []) -> Hello {
    Hello(
        worker: WorkerID("w"), incarnation: 4, slots: slots, credit: credit, memoryBytes: 1, host: "host",
        draining: draining, inHand: inHand)
}

extension Hello {
    fileprivate init(
        worker: WorkerID, incarnation: UInt64, slots: UInt32, credit: UInt32, memoryBytes: UInt64, host: String,
        draining: Bool, inHand: [UInt64]
    ) {
        self.init(
            worker: worker, incarnation: incarnation, slots: slots, credit: credit, memoryBytes: memoryBytes,
            profile: NumericProfile(blasVersion: "0.3", coreType: "Zen", epilogueVersion: 1), host: host, processID: 1,
            version: "1", draining: draining, inHand: inHand.map(ref))
    }
}

func hello(slots: UInt32 = 1, credit: UInt32 = 3, draining: Bool = false, inHand: [UInt64] = []) -> WorkerEffect {
    .send(.hello(identity(slots: slots, credit: credit, draining: draining, inHand: inHand)))
}

func welcome(epoch: Int64 = 1, heartbeatMilliseconds: UInt32 = 1_000) -> CoordinatorMessage {
    .welcome(Welcome(epoch: Epoch(epoch), heartbeatMilliseconds: heartbeatMilliseconds, blockPort: 1))
}

func ref(_ number: UInt64) -> AttemptRef {
    AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: UInt32(number)), attempt: AttemptID(number))
}

func start(_ number: UInt64) -> WorkerEffect { .start(ref(number), kind: "toy", payload: PayloadHandle(number)) }
func release(_ number: UInt64) -> WorkerEffect { .release(PayloadHandle(number)) }

func result(_ number: UInt64) -> WorkerEffect {
    .send(.result(TaskResult(ref: ref(number), computeSeconds: 2, flops: 3)), payload: PayloadHandle(100 + number))
}

func failure(_ number: UInt64, _ message: String) -> WorkerEffect {
    .send(.failed(TaskFailure(ref: ref(number), message: message)))
}

func heartbeat(running: UInt32 = 0, queued: UInt32 = 0, cached: UInt64 = 0, tasks: Double = 0) -> WorkerEffect {
    .send(
        .heartbeat(
            Heartbeat(
                running: running, queued: queued, cachedBytes: cached, flopsTotal: 3 * tasks, busySecondsTotal: 2 * tasks)))
}
