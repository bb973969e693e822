import ClusterModel
import Scheduling

/// A worker that drains gets no new lease, until it is lost, taken back, or another process of its name comes; none is sent away
/// without an order that holds.
struct DrainChecker: Checker {
    private var nameByPeer: [Peer: WorkerID] = [:]
    private var incarnations: [WorkerID: UInt64] = [:]
    private var draining: Set<WorkerID> = []
    /// Sent away, or has said that it leaves: there is no way back, also when it is lost in between and comes back.
    private var leaving: Set<WorkerID> = []
    /// Those whom an order to drain holds for; one that was forgotten meanwhile may stay among them.
    private var ordered: Set<WorkerID> = []
    /// Counts once it is welcomed; a rival's is refused.
    private var greeting: Hello?

    mutating func coordinatorStarts() {
        // A new coordinator has not been told; the worker itself says so in its hello.
        draining = []
        leaving = []
        ordered = []
        incarnations = [:]
        nameByPeer = [:]
    }

    mutating func told(_ event: SchedulerEvent) {
        greeting = nil
        switch event {
        case .drain(let worker, _):
            ordered.insert(worker)
            if incarnations[worker] != nil { draining.insert(worker) }
        case .undrain(let worker):
            guard !leaving.contains(worker) else { return }
            draining.remove(worker)
            ordered.remove(worker)
        case .received(let peer, .hello(let hello), _, _):
            nameByPeer[peer] = hello.worker
            greeting = hello
        case .received(let peer, .goodbye, _, _):
            guard let name = nameByPeer[peer] else { return }
            forget(name)
            leaving.remove(name)
            ordered.remove(name)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .send(_, .welcome): if let greeting { accept(greeting) }
        // It may be forgotten by the time it comes back, and is then somebody new.
        case .workerLost(let name, _): forget(name)
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
        if let before = incarnations[hello.worker], before != hello.incarnation {
            draining.remove(hello.worker)
            leaving.remove(hello.worker)
            ordered.remove(hello.worker)
        }
        incarnations[hello.worker] = hello.incarnation
        if hello.draining {
            draining.insert(hello.worker)
            leaving.insert(hello.worker)
        }
    }

    private mutating func forget(_ name: WorkerID) {
        draining.remove(name)
        incarnations[name] = nil
    }
}
