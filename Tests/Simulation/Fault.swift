/// What can go wrong in a simulated cluster; each seed draws which of these are on.
package enum Fault: String, CaseIterable, Sendable {
    // Network
    case loss, duplication, delay, reordering, corruption
    /// The connection breaks and comes back under another peer handle without the worker noticing.
    case flap
    case partition
    /// Only one direction is cut.
    case oneWayPartition = "one-way-partition"

    // Workers
    case crash
    /// A host that never comes back.
    case departure
    /// Stopped, and continued after a while with everything that came in meanwhile.
    case freeze
    case slowness
    /// A second process under the same name.
    case rival
    /// Messages of somebody who never said hello.
    case stranger
    /// A worker of another protocol version, and frames that are of none.
    case wrongVersion = "wrong-version"

    // Tasks
    /// A task fails on this worker now and then.
    case taskFailure = "task-failure"
    /// A worker's partial is no partial.
    case garbledPartial = "garbled-partial"
    /// A task that fails wherever it runs: its job must fail.
    case poisonTask = "poison-task"

    // Coordinator
    case coordinatorRestart = "coordinator-restart"
    case slowMerge = "slow-merge"
    /// Hardly any room for partials that wait to be merged.
    case smallMergeQueue = "small-merge-queue"

    // People
    case cancel
    case onDemand = "on-demand"
    case drain
    case priorityChange = "priority-change"
    /// The coordinator's process is stopped, and continued with everything that came in meanwhile.
    case coordinatorFreeze = "coordinator-freeze"
    /// Says hello, claims attempts that nobody gave it, and is never heard of again.
    case liar

    package var position: Int { Fault.allCases.firstIndex(of: self) ?? 0 }
}

/// How often each fault happened.
package struct FaultCounts: Sendable {
    package private(set) var counts = [Int](repeating: 0, count: Fault.allCases.count)
    package init() {}

    package mutating func add(_ fault: Fault) { counts[fault.position] += 1 }
    package mutating func add(_ other: FaultCounts) {
        for position in counts.indices { counts[position] += other.counts[position] }
    }
    package subscript(fault: Fault) -> Int { counts[fault.position] }
    package var total: Int { counts.reduce(0, +) }
}
