import ClusterModel
import DequeModule
import HeapModule

/// Decides which worker computes which task. A pure machine: facts with their time go in, a list of effects comes out.
///
/// Nothing here depends on a clock, on chance or on the order of a dictionary, so the same events give the same effects.
/// An attempt occupies its worker's credit from the lease until the answer is settled: merged, dropped or given up.
package struct Scheduler: Sendable {
    package let epoch: Epoch
    package let configuration: SchedulerConfiguration
    let plantedBug: PlantedBug?

    package internal(set) var counters = SchedulerCounters()
    /// The last tasks that ended, for those who watch.
    package internal(set) var ends = TaskEnds()
    /// Time of the event at hand, and what it has led to so far.
    var now = MonotonicTime(nanoseconds: .min)
    var effects: [SchedulerEffect] = []

    // Workers, in slots that are reused; messages find them by peer, hellos by name.
    var workers: [WorkerRecord] = []
    var vacantWorkers: [Int] = []
    var workerByName: [WorkerID: Int] = [:]
    var workerByPeer: [Peer: Int] = [:]
    var profiles: [ProfileRecord] = []
    /// Workers that may be given a lease, of all profiles.
    var leasableCount = 0
    /// Until then nobody's numeric profile is chosen; nil when no measured worker has come to a cluster without any.
    var profilesSettledAt: MonotonicTime?
    var nextChangeCheck: MonotonicTime?

    // Jobs, in slots that are reused, and the order they run in: all of them, and those with queued tasks.
    var jobs: [JobRecord?] = []
    var jobByID: [JobID: Int] = [:]
    var runOrder: [Int] = []
    var readyOrder: [Int] = []

    var attempts: [AttemptID: Attempt] = [:]
    var lastAttemptSerial: UInt64 = 0
    var mergesInFlight = 0
    /// Of all stages.
    var verificationsOpen = 0
    /// Tasks with notes in the order the notes were begun: the oldest goes when there are too many.
    var noteOrder: Deque<TaskID> = []

    var timers = Heap<WorkerTimer>()
    var nextStragglerCheck: MonotonicTime?

    package init(epoch: Epoch, configuration: SchedulerConfiguration) {
        self.init(epoch: epoch, configuration: configuration, plantedBug: nil)
    }

    /// For tests of the simulation only.
    package init(epoch: Epoch, configuration: SchedulerConfiguration, plantedBug: PlantedBug?) {
        self.epoch = epoch
        self.configuration = configuration
        self.plantedBug = plantedBug
    }

    /// Takes a fact at its time and returns what to do about it, in order.
    package mutating func handle(_ event: SchedulerEvent, at now: MonotonicTime) -> [SchedulerEffect] {
        // Threads that read the clock before they take their turn may come a little out of order.
        let expectedBy = nextDeadline
        self.now = max(self.now, now)
        if let expectedBy { forgiveOwnSilence(since: expectedBy) }
        runWorkerTimers()
        switch event {
        case .received(let peer, let message, let payload, let checksum):
            received(message, payload: payload, checksum: checksum, from: peer)
        case .undecodable(let peer, let reason):
            undecodable(from: peer, reason: reason)
        case .unsupportedVersion(let peer, let version):
            refuse(peer, versionSentence(version))
        case .unroutable(let peer):
            unroutable(peer)
        case .submit(let submission):
            submit(submission)
        case .setPriority(let job, let priority):
            setPriority(of: job, to: priority)
        case .setPaused(let job, let isPaused):
            setPaused(job, isPaused)
        case .finish(let job):
            finish(job)
        case .merged(let task):
            merged(task)
        case .mergeRejected(let task, let reason):
            mergeRejected(task, reason: reason)
        case .drain(let worker, let deadline):
            drain(worker, until: deadline)
        case .undrain(let worker):
            undrain(worker)
        case .tick:
            break
        }
        dispatch()
        askForChanges()
        checkStragglers()
        var done: [SchedulerEffect] = []
        swap(&done, &effects)
        return done
    }

    /// When to say `tick` at the latest; nil while no worker is known. It may be earlier than needed, never later.
    package var nextDeadline: MonotonicTime? {
        // With workers at least every heartbeat: stragglers are looked for, and a gap shows that this process stood still.
        timers.min.map { timer in
            let next = min(timer.at, now.advanced(milliseconds: configuration.heartbeatMilliseconds))
            return profilesSettledAt.map { $0 > now ? min($0, next) : next } ?? next
        }
    }

    private mutating func received(
        _ message: WorkerMessage, payload: PayloadHandle?, checksum: UInt32?, from peer: Peer
    ) {
        if case .result = message {} else if let payload { effects.append(.discard(payload)) }
        if case .hello(let hello) = message {
            self.hello(hello, from: peer)
            return
        }
        guard let worker = workerByPeer[peer] else {
            // Nothing is remembered of strangers, so that any number of them costs no memory.
            counters.messagesFromStrangers += 1
            if case .result = message, let payload { effects.append(.discard(payload)) }
            effects.append(.send(peer, .whoAreYou))
            return
        }
        workers[worker].lastHeard = now
        switch message {
        case .hello:
            break
        case .heartbeat(let heartbeat):
            self.heartbeat(heartbeat, from: worker)
        case .result(let result):
            self.result(result, payload: payload, checksum: checksum, from: worker)
        case .failed(let failure):
            failed(failure, from: worker)
        case .goodbye:
            goodbye(worker)
            return
        }
        // What was sent to it meanwhile may be gone.
        if workers[worker].state != .connected { askAgain(worker) }
    }

    private mutating func undecodable(from peer: Peer, reason: String) {
        counters.messagesUndecodable += 1
        // A stranger's garbage is only counted; from a worker it means that something is broken.
        guard let worker = workerByPeer[peer] else { return }
        let id = workers[worker].id
        alarm("worker \(id) sent a message that cannot be read: \(reason.oneLine())", worker: id)
    }

    /// To a worker whose connection is known; says nothing otherwise.
    mutating func send(_ message: CoordinatorMessage, to worker: Int) {
        guard let peer = workers[worker].peer else { return }
        workers[worker].lastSent = now
        effects.append(.send(peer, message))
    }

    mutating func alarm(_ sentence: String, worker: WorkerID, task: TaskID? = nil) {
        counters.alarms += 1
        effects.append(.alarm(sentence, worker: worker, task: task))
    }

    /// Whether a test planted this mistake.
    @inline(__always)
    func planted(_ bug: PlantedBug) -> Bool { plantedBug == bug }
}
