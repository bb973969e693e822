import ClusterModel
import Scheduling

/// A result is acknowledged when its merge has ended, not before: until then only the worker has it for sure.
struct AcknowledgeChecker: Checker {
    private var merging: [TaskID: AttemptID] = [:]
    private var attempts: Set<AttemptID> = []

    mutating func coordinatorStarts() {
        merging = [:]
        attempts = []
    }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .merged(let task), .mergeRejected(let task, _): end(task)
        case .finish(let job): endAll(job)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .merge(let ref, _):
            merging[ref.task] = ref.attempt
            attempts.insert(ref.attempt)
        case .jobFailed(let job, _): endAll(job)
        case .send(_, .ack(let attempt)) where attempts.contains(attempt):
            return "attempt \(attempt) is acknowledged before its partial is merged"
        default: break
        }
        return nil
    }

    private mutating func end(_ task: TaskID) {
        if let attempt = merging.removeValue(forKey: task) { attempts.remove(attempt) }
    }

    private mutating func endAll(_ job: JobID) {
        for task in merging.keys.filter({ $0.job == job }) { end(task) }
    }
}
