import ClusterModel
import Scheduling
import WorkerEngine

// What goes into the trace of each fact and effect: a few numbers that tell it from others.

extension Trace {
    mutating func add(_ event: SchedulerEvent, _ host: Int, _ now: MonotonicTime) {
        let (kind, a, b) = event.numbers
        add(now, UInt64(host) << 8 | 16 + kind, a, b, "coordinator \(host) <- \(event)")
    }

    mutating func add(_ effect: SchedulerEffect, _ host: Int, _ now: MonotonicTime) {
        let (kind, a, b) = effect.numbers
        add(now, UInt64(host) << 8 | 32 + kind, a, b, "coordinator \(host) -> \(effect)")
    }

    mutating func add(_ event: WorkerEvent, _ worker: Int, _ now: MonotonicTime) {
        let (kind, a) = event.numbers
        add(now, 64 + kind, a, UInt64(worker), "worker \(worker) <- \(event)")
    }
}

private typealias Numbers = (UInt64, UInt64, UInt64)

extension SchedulerEvent {
    fileprivate var numbers: Numbers {
        switch self {
        case .received(let peer, let message, let payload, _):
            let (kind, attempt) = message.numbers
            return (0, peer.rawValue << 4 | kind, attempt << 16 ^ (payload?.rawValue ?? 0))
        case .undecodable(let peer, _): return (1, peer.rawValue, 0)
        case .unsupportedVersion(let peer, let version): return (2, peer.rawValue, UInt64(version))
        case .unroutable(let peer): return (3, peer.rawValue, 0)
        case .submit(let stage): return (4, UInt64(bitPattern: stage.job.rawValue), stage.plan.rawValue)
        case .setPriority(let job, let priority):
            return (5, UInt64(bitPattern: job.rawValue), UInt64(bitPattern: Int64(priority)))
        case .finish(let job): return (6, UInt64(bitPattern: job.rawValue), 0)
        case .merged(let task): return (7, task.plan.rawValue, UInt64(task.index))
        case .mergeRejected(let task, _): return (8, task.plan.rawValue, UInt64(task.index))
        case .drain: return (9, 0, 0)
        case .undrain: return (11, 0, 0)
        case .setPaused(let job, let isPaused): return (12, UInt64(bitPattern: job.rawValue), isPaused ? 1 : 0)
        case .tick: return (10, 0, 0)
        }
    }
}

extension SchedulerEffect {
    fileprivate var numbers: Numbers {
        switch self {
        case .send(let peer, let message):
            let (kind, attempt) = message.numbers
            return (0, peer.rawValue << 4 | kind, attempt)
        case .lease(let peer, let lease):
            return (1, peer.rawValue, lease.ref.attempt.rawValue << 8 ^ UInt64(lease.ref.task.index))
        case .merge(let ref, let payload): return (2, ref.attempt.rawValue, payload.rawValue)
        case .discard(let payload): return (3, payload.rawValue, 0)
        case .profileChosen(let job, let profile):
            return (4, UInt64(bitPattern: job.rawValue), UInt64(profile.coreType.utf8.count))
        case .stageComplete(let job, let plan): return (5, UInt64(bitPattern: job.rawValue), plan.rawValue)
        case .jobFailed(let job, let reason): return (6, UInt64(bitPattern: job.rawValue), UInt64(reason.utf8.count))
        case .workerJoined(let worker): return (7, UInt64(worker.rawValue.utf8.count), 0)
        case .workerLost(_, let returned): return (8, UInt64(returned), 0)
        case .workerLeft: return (9, 0, 0)
        case .alarm(let text, _, _): return (10, UInt64(text.utf8.count), 0)
        case .forget(let peer): return (11, peer.rawValue, 0)
        }
    }
}

extension WorkerEvent {
    fileprivate var numbers: (UInt64, UInt64) {
        switch self {
        case .connected: (0, 0)
        case .received(let message, let payload): (1, message.numbers.1 << 8 ^ message.numbers.0 << 4 ^ (payload?.rawValue ?? 0))
        case .finished(let ref, _, _, _): (2, ref.attempt.rawValue)
        case .failedToCompute(let ref, _): (3, ref.attempt.rawValue)
        case .damaged(let ref, _): (11, ref.attempt.rawValue)
        case .cacheHolds(let bytes): (4, bytes)
        case .drainRequested: (5, 0)
        case .tick: (6, 0)
        }
    }
}

extension WorkerMessage {
    fileprivate var numbers: (UInt64, UInt64) {
        switch self {
        case .hello(let hello): (0, hello.inHand.reduce(hello.incarnation) { mix($0 ^ $1.attempt.rawValue) })
        case .heartbeat(let heartbeat): (1, UInt64(heartbeat.running) << 8 | UInt64(heartbeat.queued))
        case .result(let result): (2, result.ref.attempt.rawValue)
        case .failed(let failure): (3, failure.ref.attempt.rawValue)
        case .goodbye: (4, 0)
        }
    }
}

extension CoordinatorMessage {
    fileprivate var numbers: (UInt64, UInt64) {
        switch self {
        case .welcome(let welcome): (0, UInt64(bitPattern: welcome.epoch.rawValue))
        case .whoAreYou: (1, 0)
        case .lease(let lease): (2, lease.ref.attempt.rawValue)
        case .cancel(let attempts): (3, attempts.reduce(0) { mix($0 ^ $1.rawValue) })
        case .ack(let attempt): (4, attempt.rawValue)
        case .drain: (5, 0)
        case .refused(let reason): (6, UInt64(reason.utf8.count))
        case .changeCoreType(let core): (7, UInt64(core.utf8.count))
        }
    }
}
