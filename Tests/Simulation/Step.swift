/// The steps of a coordinator's work at which it may be killed, as `CoordinatorStep` of the product names them.
package enum Step: Int, CaseIterable, Sendable {
    case tookLease, renewedLease, jobQueued, planning, panelLoaded, running, stageBegun, leaseSent
    /// A result has come; nothing has been done with it.
    case resultReceived
    /// Partials are on the disk.
    case partialLogged
    case partialMerged, resultAcknowledged, stageComplete
    case publishing
    /// The rows are in the transaction, which is not committed yet.
    case publishWritten
    case publishCommitted, logRemoved, stateKept

    package var name: String { "\(self)" }

    /// Taken once per job or so; the others once per task.
    var isRare: Bool {
        switch self {
        case .renewedLease, .leaseSent, .resultReceived, .partialMerged, .resultAcknowledged: false
        default: true
        }
    }
}

/// How often each step was taken, and how often a coordinator was killed there.
package struct StepCounts: Sendable {
    package private(set) var taken = [Int](repeating: 0, count: Step.allCases.count)
    package private(set) var kills = [Int](repeating: 0, count: Step.allCases.count)
    package init() {}

    /// - Returns: the how many-th time it was.
    mutating func take(_ step: Step) -> Int {
        taken[step.rawValue] += 1
        return taken[step.rawValue]
    }

    mutating func kill(_ step: Step) { kills[step.rawValue] += 1 }

    package mutating func add(_ other: StepCounts) {
        for position in taken.indices {
            taken[position] += other.taken[position]
            kills[position] += other.kills[position]
        }
    }
}
