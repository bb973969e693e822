import ClusterModel
import Scheduling

/// Nothing of a paused job is leased, neither to be computed nor to be compared.
struct PauseChecker: Checker {
    private var paused: Set<JobID> = []
    private var known: Set<JobID> = []

    mutating func coordinatorStarts() {
        paused = []
        known = []
    }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .submit(let stage): if known.insert(stage.job).inserted, stage.isPaused { paused.insert(stage.job) }
        case .setPaused(let job, let isPaused):
            guard known.contains(job) else { return }
            if isPaused { paused.insert(job) } else { paused.remove(job) }
        case .finish(let job):
            paused.remove(job)
            known.remove(job)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .lease(_, let lease) where paused.contains(lease.ref.task.job):
            return "a task of job \(lease.ref.task.job) was leased while it is paused"
        case .jobFailed(let job, _):
            paused.remove(job)
            known.remove(job)
        default: break
        }
        return nil
    }
}
