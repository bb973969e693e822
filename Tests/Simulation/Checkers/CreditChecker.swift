import ClusterModel
import Scheduling

/// A worker never has more leases outstanding than the credit it said; no attempt has the number of another.
struct CreditChecker: Checker {
    private struct Worker {
        var incarnation: UInt64
        var credit: Int
        var outstanding: Set<AttemptID> = []
    }
    private var workers: [WorkerID: Worker] = [:]
    private var nameByPeer: [Peer: WorkerID] = [:]
    /// Counts once it is welcomed; a rival's is refused.
    private var greeting: Hello?
    /// Of all coordinators of the host.
    private var attempts: Set<AttemptID> = []

    mutating func coordinatorStarts() {
        workers = [:]
        nameByPeer = [:]
    }

    mutating func told(_ event: SchedulerEvent) {
        greeting = nil
        switch event {
        case .received(let peer, .hello(let hello), _, _):
            nameByPeer[peer] = hello.worker
            greeting = hello
        case .received(let peer, .goodbye, _, _):
            if let name = nameByPeer[peer] { workers[name]?.outstanding = [] }
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .send(_, .welcome): if let greeting { accept(greeting) }
        case .lease(let peer, let lease):
            let id = lease.ref.attempt
            if !attempts.insert(id).inserted { return "attempt \(id) was leased before" }
            guard let name = nameByPeer[peer], let worker = workers[name] else { return "a lease went to a stranger" }
            workers[name]?.outstanding.insert(id)
            if worker.outstanding.count + 1 > worker.credit {
                return "\(name) has \(worker.outstanding.count + 1) leases outstanding, its credit is \(worker.credit)"
            }
        case .send(let peer, .ack(let attempt)):
            if let name = nameByPeer[peer] { workers[name]?.outstanding.remove(attempt) }
        case .workerLost(let name, _), .workerLeft(let name): workers[name]?.outstanding = []
        default: break
        }
        return nil
    }

    private mutating func accept(_ hello: Hello) {
        let inHand = Set(hello.inHand.map(\.attempt))
        var worker = workers[hello.worker] ?? Worker(incarnation: hello.incarnation, credit: Int(hello.credit))
        if worker.incarnation != hello.incarnation { worker.outstanding = [] }
        worker.incarnation = hello.incarnation
        // What it does not list it does not have, or will get; counting only the former is on the safe side.
        worker.outstanding.formIntersection(inHand)
        workers[hello.worker] = worker
    }
}
