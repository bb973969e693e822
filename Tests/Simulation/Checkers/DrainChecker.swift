import ClusterModel
import Scheduling

/// A worker that drains gets no new lease, until it is lost or another process of its name comes.
struct DrainChecker: Checker {
    private var nameByPeer: [Peer: WorkerID] = [:]
    private var incarnations: [WorkerID: UInt64] = [:]
    private var draining: Set<WorkerID> = []
    /// Counts once it is welcomed; a rival's is refused.
    private var greeting: Hello?

    mutating func coordinatorStarts() {
        // A new coordinator has not been told; the worker itself says so in its hello.
        draining = []
        incarnations = [:]
        nameByPeer = [:]
    }

    mutating func told(_ event: SchedulerEvent) {
        greeting = nil
        switch event {
        case .drain(let worker):
            if incarnations[worker] != nil { draining.insert(worker) }
        case .received(let peer, .hello(let hello), _, _):
            nameByPeer[peer] = hello.worker
            greeting = hello
        case .received(let peer, .goodbye, _, _):
            if let name = nameByPeer[peer] { forget(name) }
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .send(_, .welcome): if let greeting { accept(greeting) }
        // It may be forgotten by the time it comes back, and is then somebody new.
        case .workerLost(let name, _): forget(name)
        case .lease(let peer, _):
            if let name = nameByPeer[peer], draining.contains(name) { return "\(name) got a lease while it drains" }
        default: break
        }
        return nil
    }

    private mutating func accept(_ hello: Hello) {
        if incarnations[hello.worker] != hello.incarnation { draining.remove(hello.worker) }
        incarnations[hello.worker] = hello.incarnation
        if hello.draining { draining.insert(hello.worker) }
    }

    private mutating func forget(_ name: WorkerID) {
        draining.remove(name)
        incarnations[name] = nil
    }
}
