import ClusterModel
import Scheduling

/// A coordinator that has heard of its successor leases nothing any more.
struct StepDownChecker: Checker {
    private var hasHeard = false

    mutating func coordinatorStarts() { hasHeard = false }
    mutating func heardOfSuccessor() { hasHeard = true }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        if case .lease(_, let lease) = effect, hasHeard {
            return "task \(lease.ref.task) is leased by a coordinator that has heard of its successor"
        }
        return nil
    }
}
