import ClusterModel
import Scheduling

/// Watches the scheduler from outside: what it is told, what it does, and how things stand after each event.
///
/// A checker keeps its own small account, so that a mistake in the scheduler's books cannot hide itself.
/// It answers with a sentence when its invariant does not hold.
protocol Checker {
    /// A new process; what earlier ones remembered is gone.
    mutating func coordinatorStarts()
    mutating func told(_ event: SchedulerEvent)
    mutating func did(_ effect: SchedulerEffect) -> String?
    mutating func verdict(_ simulation: Simulation) -> String?
}

extension Checker {
    mutating func coordinatorStarts() {}
    mutating func told(_ event: SchedulerEvent) {}
    mutating func did(_ effect: SchedulerEffect) -> String? { nil }
    mutating func verdict(_ simulation: Simulation) -> String? { nil }
}

/// - Parameter withBooks: also let the scheduler check itself.
func allCheckers(withBooks: Bool) -> [any Checker] {
    let outside: [any Checker] = [
        MergedOnceChecker(), OpenStageChecker(), CreditChecker(), ProfileChecker(), CoreTypeChecker(), DrainChecker(),
        AcknowledgeChecker(), PriorityChecker(), FailureChecker(), StrangerChecker(), CountsChecker(), MemoryChecker(),
        AlarmChecker(),
    ]
    return withBooks ? outside + [BooksChecker()] : outside
}
