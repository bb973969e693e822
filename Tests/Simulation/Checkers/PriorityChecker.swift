import ClusterModel
import Scheduling

/// No lease goes to a job while one that comes before it, of the same numeric profile, has queued tasks.
struct PriorityChecker: Checker {
    private var priorities: [JobID: Int] = [:]
    private var paused: Set<JobID> = []
    private var leased: Set<JobID> = []

    mutating func coordinatorStarts() {
        priorities = [:]
        paused = []
    }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .submit(let stage):
            guard priorities[stage.job] == nil else { return }
            priorities[stage.job] = stage.priority
            if stage.isPaused { paused.insert(stage.job) } else { paused.remove(stage.job) }
        case .setPaused(let job, let isPaused): if isPaused { paused.insert(job) } else { paused.remove(job) }
        case .setPriority(let job, let priority): if priorities[job] != nil { priorities[job] = priority }
        case .finish(let job): priorities[job] = nil
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        if case .lease(_, let lease) = effect { leased.insert(lease.ref.task.job) }
        if case .jobFailed(let job, _) = effect { priorities[job] = nil }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        defer { leased = [] }
        guard !leased.isEmpty, let scheduler = simulation.coordinators[host].scheduler else { return nil }
        // A task that failed somewhere may have to wait for a particular worker.
        if scheduler.counters.tasksFailed > 0 { return nil }
        for job in leased.sorted() {
            guard let priority = priorities[job] else { continue }
            for (other, otherPriority) in priorities.sorted(by: { $0.key < $1.key }) where other != job && !paused.contains(other)
            {
                let isBefore = otherPriority > priority || (otherPriority == priority && other < job)
                guard isBefore, let progress = scheduler.progress(of: other), progress.queued > 0,
                    scheduler.profile(of: other) == scheduler.profile(of: job)
                else { continue }
                return "job \(job) got a lease before job \(other), which has \(progress.queued) queued tasks"
            }
        }
        return nil
    }
}
