import ClusterModel
import Scheduling

/// A worker that says goodbye by the connection by which it was welcomed has left, also when nothing can be sent to it any
/// more: nobody waits for it until it counts as lost. And nobody remembers connections of which no worker is left.
struct GoodbyeChecker: Checker {
    /// By which each was welcomed last.
    private var connections: [WorkerID: Peer] = [:]
    /// Counts once it is welcomed; a rival's is refused.
    private var greeting: (worker: WorkerID, peer: Peer)?
    private var leaving: WorkerID?
    private var keptMost = 0

    mutating func coordinatorStarts() { self = GoodbyeChecker() }

    mutating func told(_ event: SchedulerEvent) {
        greeting = nil
        leaving = nil
        switch event {
        case .received(let peer, .hello(let hello), _, _): greeting = (hello.worker, peer)
        // A connection is of one worker, so there is no other one to be found.
        case .received(let peer, .goodbye, _, _): leaving = connections.first { $0.value == peer }?.key
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .send(_, .welcome):
            guard let greeting else { return nil }
            connections = connections.filter { $0.value != greeting.peer }
            connections[greeting.worker] = greeting.peer
        case .workerLeft(let name), .workerLost(let name, _):
            connections[name] = nil
            if leaving == name { leaving = nil }
        default: break
        }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        if let leaving { return "\(leaving) said goodbye by the connection it was welcomed by, and is still taken to be there" }
        // What piles up reaches a new height; looking only then costs next to nothing.
        let kept = simulation.coordinators[host].keptPeers.count
        if kept <= keptMost { return nil }
        keptMost = kept
        let workers = simulation.coordinators[host].scheduler?.workerViews(at: simulation.now).count ?? 0
        return kept > workers ? "\(kept) connections of \(workers) workers are remembered" : nil
    }
}
