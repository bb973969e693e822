import ClusterModel
import Scheduling

/// Each (job, plan hash, task) is merged exactly once, and the finished set only grows. A task that has a result is leased
/// again only to be compared: not to the worker that gave it. Nobody knows who gave those of the log.
struct MergedOnceChecker: Checker {
    private var merging: Set<TaskID> = []
    private var merged: Set<TaskID> = []
    private var replayed: Set<TaskID> = []
    private var answeredBy: [TaskID: WorkerID] = [:]
    private var nameByPeer: [Peer: WorkerID] = [:]
    private var sender: WorkerID?

    mutating func coordinatorStarts() {
        // What was merged in memory died with the process; its jobs begin again, with what the log has of them.
        merging = []
        merged = []
        replayed = []
        answeredBy = [:]
        nameByPeer = [:]
    }

    mutating func replays(
        _ merged: Set<UInt32>, of plan: PlanHash, _ job: JobID, _ simulation: Simulation, _ host: Int
    ) -> String? {
        replayed.formUnion(merged.map { TaskID(job: job, plan: plan, index: $0) })
        self.merged.formUnion(replayed)
        return nil
    }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .received(let peer, .hello(let hello), _, _): nameByPeer[peer] = hello.worker
        case .received(let peer, .result, _, _): sender = nameByPeer[peer]
        case .merged(let task):
            if merging.remove(task) != nil { merged.insert(task) }
        case .mergeRejected(let task, _):
            merging.remove(task)
            answeredBy[task] = nil
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .merge(let ref, _):
            if merged.contains(ref.task) { return "task \(ref.task) is merged a second time" }
            if !merging.insert(ref.task).inserted { return "task \(ref.task) is merged twice at once" }
            answeredBy[ref.task] = sender
        case .lease(_, let lease) where replayed.contains(lease.ref.task):
            return "task \(lease.ref.task) is leased although it was merged from the log"
        case .lease(let peer, let lease) where merged.contains(lease.ref.task) || merging.contains(lease.ref.task):
            guard let name = nameByPeer[peer], answeredBy[lease.ref.task] != name else {
                return "task \(lease.ref.task) has a result and is leased to the worker that gave it"
            }
        default: break
        }
        return nil
    }
}
