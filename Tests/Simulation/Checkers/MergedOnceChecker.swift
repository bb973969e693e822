import ClusterModel
import Scheduling

/// Each (job, plan hash, task) is merged exactly once, and the finished set only grows.
struct MergedOnceChecker: Checker {
    private var merging: Set<TaskID> = []
    private var merged: Set<TaskID> = []

    mutating func coordinatorStarts() {
        // What was merged in memory died with the process; its jobs begin again.
        merging = []
        merged = []
    }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .merged(let task):
            if merging.remove(task) != nil { merged.insert(task) }
        case .mergeRejected(let task, _): merging.remove(task)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .merge(let ref, _):
            if merged.contains(ref.task) { return "task \(ref.task) is merged a second time" }
            if !merging.insert(ref.task).inserted { return "task \(ref.task) is merged twice at once" }
        case .lease(_, let lease) where merged.contains(lease.ref.task):
            return "task \(lease.ref.task) is leased after it was merged"
        case .lease(_, let lease) where merging.contains(lease.ref.task):
            return "task \(lease.ref.task) is leased while its partial is being merged"
        default: break
        }
        return nil
    }
}
