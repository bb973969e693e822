import ClusterModel
import Scheduling

/// A worker that drains gets no new lease, until it is lost, taken back, or another process of its name comes; none is sent away
/// without an order that holds.
struct DrainChecker: Checker {
    private var nameByPeer: [Peer: WorkerID] = [:]
    /// Of the last process of each name that was welcomed.
    private var incarnations: [WorkerID: UInt64] = [:]
    /// Welcomed, and neither lost nor gone since.
    private var present: Set<WorkerID> = []
    private var draining: Set<WorkerID> = []
    /// Sent away, or has said that it leaves: there is no way back.
    private var leaving: Set<WorkerID> = []
    /// Lost on its way out. It goes on leaving when it comes back, unless it has been forgotten by then: both are right.
    private var lostLeaving: Set<WorkerID> = []
    /// Those whom an order to drain holds for; one that was forgotten meanwhile may stay among them.
    private var ordered: Set<WorkerID> = []
    /// Counts once it is welcomed; a rival's is refused.
    private var greeting: Hello?

    // A new coordinator has not been told; the worker itself says so in its hello.
    mutating func coordinatorStarts() { self = DrainChecker() }

    mutating func told(_ event: SchedulerEvent) {
        greeting = nil
        switch event {
        case .drain(let worker, _):
            ordered.insert(worker)
            if present.contains(worker) { draining.insert(worker) }
        case .undrain(let worker):
            guard !leaving.contains(worker) else { return }
            draining.remove(worker)
            if !lostLeaving.contains(worker) { ordered.remove(worker) }
        case .received(let peer, .hello(let hello), _, _):
            nameByPeer[peer] = hello.worker
            greeting = hello
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .send(_, .welcome): if let greeting { accept(greeting) }
        case .workerLost(let name, _):
            present.remove(name)
            draining.remove(name)
            if leaving.remove(name) != nil { lostLeaving.insert(name) }
        // Said by the scheduler, since not every goodbye counts: not that of a process which another one has taken over from,
        // nor one by a connection that is gone already.
        case .workerLeft(let name): forget(name)
        case .send(let peer, .drain):
            guard let name = nameByPeer[peer] else { return nil }
            leaving.insert(name)
            if !ordered.contains(name) { return "\(name) is sent away though nobody wants it to drain any more" }
        case .lease(let peer, _):
            if let name = nameByPeer[peer], draining.contains(name) { return "\(name) got a lease while it drains" }
        default: break
        }
        return nil
    }

    private mutating func accept(_ hello: Hello) {
        // What was asked of a process, or said by it, means nothing for the next one of its name.
        if let before = incarnations[hello.worker], before != hello.incarnation { forget(hello.worker) }
        incarnations[hello.worker] = hello.incarnation
        present.insert(hello.worker)
        if hello.draining {
            draining.insert(hello.worker)
            leaving.insert(hello.worker)
        }
    }

    private mutating func forget(_ name: WorkerID) {
        incarnations[name] = nil
        present.remove(name)
        draining.remove(name)
        leaving.remove(name)
        lostLeaving.remove(name)
        ordered.remove(name)
    }
}
