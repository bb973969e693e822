import ClusterModel
import Scheduling

/// Watches the scheduler of one coordinator's host from outside: what it is told, what it does, and how things stand after
/// each event.
///
/// A checker keeps its own small account, so that a mistake in the scheduler's books cannot hide itself.
/// It answers with a sentence when its invariant does not hold.
protocol Checker {
    /// A new process of the same host; what earlier ones remembered is gone.
    mutating func coordinatorStarts()
    mutating func told(_ event: SchedulerEvent)
    /// What it begins a stage with, from its log; told before the stage is submitted.
    mutating func replays(_ merged: Set<UInt32>, of plan: PlanHash, _ job: JobID, _ simulation: Simulation, _ host: Int)
        -> String?
    /// The process was killed, or has left.
    mutating func processEnded(at now: MonotonicTime)
    /// The database has told it that another coordinator has taken over.
    mutating func heardOfSuccessor()
    mutating func did(_ effect: SchedulerEffect) -> String?
    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String?
}

extension Checker {
    mutating func coordinatorStarts() {}
    mutating func told(_ event: SchedulerEvent) {}
    mutating func replays(
        _ merged: Set<UInt32>, of plan: PlanHash, _ job: JobID, _ simulation: Simulation, _ host: Int
    ) -> String? { nil }
    mutating func processEnded(at now: MonotonicTime) {}
    mutating func heardOfSuccessor() {}
    mutating func did(_ effect: SchedulerEffect) -> String? { nil }
    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? { nil }
}

/// - Parameter withBooks: also let the scheduler check itself.
func allCheckers(withBooks: Bool) -> [any Checker] {
    let outside: [any Checker] = [
        MergedOnceChecker(), OpenStageChecker(), CreditChecker(), ProfileChecker(), CoreTypeChecker(), DrainChecker(),
        AcknowledgeChecker(), PriorityChecker(), FailureChecker(), StrangerChecker(), PauseChecker(), CountsChecker(),
        MemoryChecker(), GoodbyeChecker(),
        AlarmChecker(), SuspectChecker(), DivergenceChecker(), ResumeChecker(), StepDownChecker(),
    ]
    return withBooks ? outside + [BooksChecker()] : outside
}
