import ClusterModel
import GridMetrics
import Logging
import Scheduling
import Synchronization
import WireProtocol

/// What other threads ask of the thread that owns the scheduler.
enum SchedulerCommand: Sendable {
    /// Comes first and once: from now on workers are answered.
    case begin(Scheduler)
    case event(SchedulerEvent)
    /// Has a look at the scheduler.
    case look(@Sendable (Scheduler, MonotonicTime) -> Void)
}

/// How messages reach workers: the control socket, or a function call within one process.
protocol CoordinatorTransport {
    /// Must not block.
    ///
    /// - Returns: false when there is no way to this peer any more, or it does not read what it gets.
    func send(_ message: CoordinatorMessage, payload: Payload?, to peer: Peer) -> Bool

    /// The peer is no worker's any more.
    func forget(_ peer: Peer)
}

/// Carries out what the scheduler decides. Used by one thread: that of the control socket, or of an embedded run.
///
/// The scheduler decides, this type moves the bytes: messages out through a transport, partials to the jobs' threads.
final class SchedulerShell {
    private var scheduler: Scheduler
    private let payloads = PayloadTable()
    private let drivers: JobDrivers
    private let log: Logger?
    private let metrics: RecordedMetrics?
    /// The result that the scheduler is just told of.
    private var arriving: TaskResult?
    /// The hello that the scheduler is just told of.
    private var introduced: Hello?
    private let workerWelcome: (Hello) -> Void
    private let workerGone: (WorkerID) -> Void
    private let stageEnds: (SchedulerCounters) -> Void
    private let reached: @Sendable (CoordinatorStep) -> Void

    /// - Parameters:
    ///   - workerWelcome: called for each hello that is accepted, before the worker hears of it.
    ///   - workerGone: called for each worker that is lost or has left.
    ///   - stageEnds: called before a job hears that its stage is complete: whoever sees that the job has ended finds its tasks
    ///     counted.
    init(
        scheduler: Scheduler, drivers: JobDrivers, log: Logger?, metrics: RecordedMetrics? = nil,
        reached: @escaping @Sendable (CoordinatorStep) -> Void = { _ in },
        workerWelcome: @escaping (Hello) -> Void = { _ in }, workerGone: @escaping (WorkerID) -> Void = { _ in },
        stageEnds: @escaping (SchedulerCounters) -> Void = { _ in }
    ) {
        self.reached = reached
        self.workerWelcome = workerWelcome
        self.workerGone = workerGone
        self.stageEnds = stageEnds
        self.scheduler = scheduler
        self.drivers = drivers
        self.log = log
        self.metrics = metrics
    }

    var nextDeadline: MonotonicTime? { scheduler.nextDeadline }

    /// A message with its payload, as it arrived.
    func received(
        from peer: Peer, _ message: WorkerMessage, payload: Payload?, at now: MonotonicTime,
        via transport: any CoordinatorTransport
    ) {
        arriving = nil
        if case .result(let result) = message {
            arriving = result
            reached(.resultReceived)
        }
        if case .hello(let hello) = message { introduced = hello }
        defer { introduced = nil }
        let handle = payload.map(payloads.insert)
        // What was verified on arrival; computed anew it would tell of the bytes here, whatever has become of them.
        let checksum = payload.map { $0.checksum ?? WireCodec.checksum($0) }
        self.handle(.received(from: peer, message, payload: handle, checksum: checksum), at: now, via: transport)
    }

    func handle(_ event: SchedulerEvent, at now: MonotonicTime, via transport: any CoordinatorTransport) {
        var events = [event]
        while let next = events.popLast() {
            var lost: Set<Peer> = []
            for effect in scheduler.handle(next, at: now) {
                if let peer = carryOut(effect, via: transport), lost.insert(peer).inserted {
                    events.append(.unroutable(peer))
                }
            }
        }
    }

    func look(_ body: (Scheduler, MonotonicTime) -> Void, at now: MonotonicTime) { body(scheduler, now) }

    /// What displays show, taken now.
    ///
    /// - Parameter drained: workers that were drained and have left.
    func snapshot(at now: MonotonicTime, drained: Int = 0) -> GridSnapshot {
        var stages: [JobID: StageProgress] = [:]
        var waits: [JobID: String] = [:]
        for id in drivers.ids {
            stages[id] = scheduler.progress(of: id)
            waits[id] = scheduler.wait(of: id, at: now, drained: drained)
        }
        return GridSnapshot(
            workers: scheduler.workerViews(at: now), load: scheduler.load(), counters: scheduler.counters,
            stages: stages, waits: waits, incarnations: scheduler.incarnations(), leaving: scheduler.leavingWorkers(),
            ends: scheduler.ends)
    }

    /// - Returns: the peer that could not be reached, if any.
    private func carryOut(_ effect: SchedulerEffect, via transport: any CoordinatorTransport) -> Peer? {
        switch effect {
        case .send(let peer, let message):
            // A welcome without a hello is but a sign of life.
            if case .welcome = message, let introduced { workerWelcome(introduced) }
            let isSent = transport.send(message, payload: nil, to: peer)
            if case .ack = message { reached(.resultAcknowledged) }
            return isSent ? nil : peer
        case .lease(let peer, let lease):
            // A stage that has just ended has no payloads any more; the scheduler hears of the end in a moment.
            guard let driver = drivers[lease.ref.task.job], let payload = driver.payload(of: lease.ref.task) else { return nil }
            guard payload.count <= Limits.payloadBytesMax else {
                // No worker will ever get it.
                let sizes = "\(payload.count) bytes, the limit is \(Limits.payloadBytesMax)"
                driver.fail("task \(lease.ref.task.index) of its present stage has \(sizes)")
                return nil
            }
            let isSent = transport.send(.lease(lease), payload: payload, to: peer)
            reached(.leaseSent)
            return isSent ? nil : peer
        case .merge(let ref, let handle):
            guard let partial = payloads.remove(handle), let driver = drivers[ref.task.job] else { return nil }
            record(ref, partial, driver)
            driver.merge(ref.task, partial: partial)
        case .discard(let handle):
            payloads.remove(handle)
        case .profileChosen(let job, let profile):
            drivers[job]?.profileChosen(profile)
        case .stageComplete(let job, let plan):
            reached(.stageComplete)
            stageEnds(scheduler.counters)
            drivers[job]?.stageComplete(plan)
        case .jobFailed(let job, let reason):
            drivers[job]?.fail(reason)
        case .workerJoined(let worker):
            log?.info("worker joined", metadata: ["worker": "\(worker)"])
        case .workerLost(let worker, let attempts):
            workerGone(worker)
            metrics?.attemptsLost.add(Double(attempts))
            log?.warning("worker lost", metadata: ["worker": "\(worker)", "attempts_returned": "\(attempts)"])
        case .workerLeft(let worker):
            workerGone(worker)
            log?.info("worker left", metadata: ["worker": "\(worker)"])
        case .alarm(let sentence, let worker, let task):
            var metadata: Logger.Metadata = [:]
            metadata["worker"] = worker.map { "\($0)" }
            metadata["job"] = task.map { "\($0.job)" }
            metadata["task"] = task.map { "\($0.index)" }
            log?.error("\(sentence)", metadata: metadata)
        case .forget(let peer):
            transport.forget(peer)
        }
        return nil
    }

    /// Counts a result once: what is sent again or comes second is never merged.
    private func record(_ ref: AttemptRef, _ partial: Payload, _ driver: JobDriver) {
        guard let metrics, let result = arriving, result.ref == ref else { return }
        metrics.taskSeconds.record(result.computeSeconds, driver.kind(of: ref.task) ?? "other")
        // A worker says it of itself.
        if result.flops.isFinite, result.flops > 0 { metrics.flops.add(result.flops) }
        metrics.partialBytes.add(Double(partial.count))
    }
}

/// A moment of the scheduler, for displays.
struct GridSnapshot: Sendable {
    var workers: [WorkerView] = []
    var load = ClusterLoad()
    var counters = SchedulerCounters()
    var stages: [JobID: StageProgress] = [:]
    /// What jobs of which nothing is being computed wait for.
    var waits: [JobID: String] = [:]
    /// Which start of each worker is there.
    var incarnations: [WorkerID: UInt64] = [:]
    /// Workers that nobody can keep any more.
    var leaving: Set<WorkerID> = []
    var ends = TaskEnds()
}

/// The drivers of the jobs that run, by job; shared by the threads that add, serve and drop them.
final class JobDrivers: Sendable {
    private let drivers = Mutex<[JobID: JobDriver]>([:])

    subscript(id: JobID) -> JobDriver? {
        drivers.withLock { $0[id] }
    }

    var ids: [JobID] { drivers.withLock { $0.keys.sorted() } }

    func add(_ driver: JobDriver) { drivers.withLock { $0[driver.id] = driver } }

    func remove(_ id: JobID) { drivers.withLock { $0[id] = nil } }
}
