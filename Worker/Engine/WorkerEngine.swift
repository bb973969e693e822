import ClusterModel

/// A worker's side of the conversation: takes leases, starts them on free slots, keeps answers until acknowledged.
/// A pure machine: facts with their time go in, a list of effects comes out.
///
/// Every lease that arrives ends with one answer, a result or a failure, which is sent until the coordinator
/// acknowledges it; so both sides agree, whatever the network loses. What is in hand is bounded by the credit.
package struct WorkerEngine: Sendable {
    enum Link: Sendable {
        /// No socket. Goes to greeting.
        case absent
        /// Hello was said, and is repeated. Goes to welcomed, or to absent after a long silence.
        case greeting
        /// The coordinator knows this connection. Goes to greeting when it asks again, or to absent after a long silence.
        case welcomed
        /// Over. Stays.
        case exited
    }

    package let configuration: WorkerConfiguration
    let identity: Hello
    var link = Link.absent
    var effects: [WorkerEffect] = []
    /// Time of the event at hand.
    var now = MonotonicTime(nanoseconds: .min)

    var queue: [LeasedTask] = []
    var running: [LeasedTask] = []
    var answers: [Answer] = []

    var heartbeatMilliseconds: Int64
    var nextHeartbeat = MonotonicTime(nanoseconds: 0)
    var lastHeard = MonotonicTime(nanoseconds: 0)
    var lastHello: MonotonicTime?
    /// Nil unless draining: when to leave whatever is in hand.
    var drainDeadline: MonotonicTime?
    /// Nil unless draining in order to start again with this core type.
    var nextCoreType: String?

    /// How often something was not what it should be.
    var damageCount = 0

    var flopsTotal = 0.0
    var busySecondsTotal = 0.0
    var cachedBytes: UInt64 = 0

    /// Epoch of the coordinator that welcomed the worker; nil until then and after a reconnect.
    package internal(set) var welcomedBy: Epoch?

    /// - Parameter hello: who the worker is; `draining` and `inHand` are filled in by the engine, slots and credit
    ///   are brought into `1 ... Limits.creditPerWorkerMax`, credit at least slots.
    package init(hello: Hello, configuration: WorkerConfiguration = WorkerConfiguration()) {
        var identity = hello
        let most = UInt32(Limits.creditPerWorkerMax)
        identity.slots = min(max(1, hello.slots), most)
        identity.credit = min(max(identity.slots, hello.credit), most)
        self.identity = identity
        self.configuration = configuration
        heartbeatMilliseconds = configuration.heartbeatMilliseconds
    }

    package var isDraining: Bool { drainDeadline != nil }
    package var runningCount: Int { running.count }
    package var queuedCount: Int { queue.count }
    /// Answers not yet acknowledged.
    package var unacknowledgedCount: Int { answers.count }

    /// Takes a fact at its time and returns what to do about it, in order.
    package mutating func handle(_ event: WorkerEvent, at now: MonotonicTime) -> [WorkerEffect] {
        self.now = max(self.now, now)
        if link == .exited {
            releasePayload(of: event)
        } else {
            take(event)
            runTimers()
            leaveWhenDrained()
        }
        var done: [WorkerEffect] = []
        swap(&done, &effects)
        return done
    }

    private mutating func take(_ event: WorkerEvent) {
        switch event {
        case .connected:
            lastHeard = now
            lastHello = nil
            sayHello()
        case .received(let message, let payload):
            received(message, payload)
        case .finished(let ref, let payload, let seconds, let flops):
            finished(ref, payload, computeSeconds: seconds, flops: flops)
        case .failedToCompute(let ref, let message):
            guard endRunning(ref) else { return }
            answer(ref, .failed(TaskFailure(ref: ref, message: message)), payload: nil)
            startNext()
        case .damaged(let ref, let message):
            damaged(ref, message)
        case .cacheHolds(let bytes):
            cachedBytes = bytes
        case .drainRequested:
            drain()
        case .tick:
            break
        }
    }

    private mutating func releasePayload(of event: WorkerEvent) {
        switch event {
        case .received(_, let payload?), .finished(_, let payload, _, _): effects.append(.release(payload))
        case .received, .failedToCompute, .damaged, .connected, .cacheHolds, .drainRequested, .tick: break
        }
    }

    // MARK: Leaving

    mutating func drain() {
        nextCoreType = nil
        beginDraining()
    }

    /// Drains, then starts again with another core type. Only what the hello promised: any other request is a mistake or
    /// one that has come late, and the hello says where the worker stands.
    mutating func changeCoreType(to wanted: String) {
        guard wanted != identity.profile.coreType, identity.coreTypes.contains(where: { $0.coreType == wanted }) else { return }
        // Whoever wants it to leave has the last word.
        if isDraining, nextCoreType == nil { return }
        nextCoreType = wanted
        beginDraining()
    }

    private mutating func beginDraining() {
        guard drainDeadline == nil else { return }
        drainDeadline = now.advanced(milliseconds: configuration.drainMilliseconds)
        // Told at once, so that nothing more is leased.
        if link != .absent { sayHello() }
    }

    private mutating func leaveWhenDrained() {
        guard let drainDeadline, link != .exited else { return }
        let left = queue.count + running.count + answers.count
        guard left == 0 || now >= drainDeadline else { return }
        if link != .absent { effects.append(.send(.goodbye)) }
        if let nextCoreType {
            exit(.changeCoreType(nextCoreType))
        } else {
            exit(left == 0 ? .drained : .drainTimedOut(attemptsLeft: left))
        }
    }

    mutating func exit(_ why: WorkerExit) {
        for task in queue + running { effects.append(.release(task.payload)) }
        for answer in answers { if let payload = answer.payload { effects.append(.release(payload)) } }
        queue = []
        running = []
        answers = []
        link = .exited
        effects.append(.exit(why))
    }
}
