import ClusterModel
import Scheduling

/// When two workers that were leased the same task give different bytes, there is an alarm as soon as both have come; only
/// one of them is merged.
struct DivergenceChecker: Checker {
    private var leases: [AttemptID: (task: TaskID, peer: Peer)] = [:]
    private var names: [Peer: WorkerID] = [:]
    /// Of partials that are merged or about to be.
    private var checksums: [TaskID: (checksum: UInt32, worker: WorkerID)] = [:]
    private var received: (ref: AttemptRef, checksum: UInt32, worker: WorkerID)?
    /// Whose result just came, also one that an earlier coordinator leased: of that an alarm may be, but need not.
    private var arriving: TaskID?
    private var expected: (sentence: String, worker: WorkerID)?
    /// Tasks with different answers of which somebody has been told.
    private var known: Set<TaskID> = []

    mutating func coordinatorStarts() {
        leases = [:]
        names = [:]
        checksums = [:]
        known = []
    }

    mutating func told(_ event: SchedulerEvent) {
        received = nil
        arriving = nil
        expected = nil
        switch event {
        case .received(let peer, .hello(let hello), _, _): names[peer] = hello.worker
        case .received(let peer, .result(let result), _, let checksum?):
            arriving = result.ref.task
            guard let worker = names[peer], let lease = leases[result.ref.attempt], lease.task == result.ref.task,
                names[lease.peer] == worker
            else { return }
            received = (result.ref, checksum, worker)
            if let first = checksums[result.ref.task], first.checksum != checksum, first.worker != worker,
                known.insert(result.ref.task).inserted
            {
                let sentence = "\(worker) gave other bytes for task \(result.ref.task) than were merged, and nobody is alarmed"
                expected = (sentence, worker)
            }
        case .mergeRejected(let task, _):
            checksums[task] = nil
            known.remove(task)
        case .finish(let job): forget(job)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .lease(let peer, let lease): leases[lease.ref.attempt] = (lease.ref.task, peer)
        case .merge(let ref, _):
            if let received, received.ref == ref { checksums[ref.task] = (received.checksum, received.worker) }
        case .stageComplete(let job, _), .jobFailed(let job, _): forget(job)
        case .alarm:
            if let arriving { known.insert(arriving) }
            expected = nil
        // One that was forgotten since is nobody to the scheduler, which asks who it is.
        case .send(_, .whoAreYou): expected = nil
        default: break
        }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        guard let (sentence, worker) = expected else { return nil }
        expected = nil
        // Who is suspect already is not listened to any more.
        let views = simulation.coordinators[host].scheduler?.workerViews(at: simulation.now) ?? []
        return views.contains { $0.worker == worker.rawValue && $0.state == "suspect" } ? nil : sentence
    }

    /// What comes after the end of a stage is not compared.
    private mutating func forget(_ job: JobID) {
        if checksums.isEmpty { return }
        for task in checksums.keys.filter({ $0.job == job }) { checksums[task] = nil }
        if expected != nil { expected = nil }
    }
}
