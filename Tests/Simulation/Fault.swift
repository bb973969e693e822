/// What can go wrong in a simulated cluster; each seed draws which of these are on.
package enum Fault: String, CaseIterable, Sendable {
    // Network
    case loss, duplication, delay, reordering
    /// Bits of a message are turned over.
    case corruption
    /// The end of a message is missing.
    case truncation
    /// A message of more frames, or with longer frames, than there may be.
    case oversize
    /// A message that says to be of another version of the protocol.
    case wrongVersion = "wrong-version"
    /// The connection breaks and comes back under another peer handle without the worker noticing.
    case flap
    case partition
    /// Only one direction is cut.
    case oneWayPartition = "one-way-partition"
    /// Cut and mended several times a second.
    case flappingPartition = "flapping-partition"
    /// All connections break several times, and a crowd says hello that is never heard of again.
    case reconnectStorm = "reconnect-storm"

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
    /// Says hello, claims attempts that nobody gave it, and is never heard of again.
    case liar
    /// A worker says that it takes more leases than it does.
    case creditLie = "credit-lie"
    /// A worker returns well-formed partials that are wrong, different ones each time.
    case wrongBytes = "wrong-bytes"

    // Clocks of coordinators and workers
    /// A machine's clock jumps ahead.
    case clockJump = "clock-jump"
    /// It stands still, and then either catches up or stays behind.
    case clockStall = "clock-stall"

    // Tasks
    /// A task fails on this worker now and then.
    case taskFailure = "task-failure"
    /// A worker's partial is no partial.
    case garbledPartial = "garbled-partial"
    /// A task that fails wherever it runs: its job must fail.
    case poisonTask = "poison-task"

    // Coordinators
    /// Killed at any moment, and started again.
    case coordinatorRestart = "coordinator-restart"
    /// Told to stop: it writes down what it has and gives the lease back.
    case coordinatorStop = "coordinator-stop"
    /// Killed exactly at one of the steps of `Step`, and started again.
    case killAtStep = "kill-at-step"
    /// Its host loses its power, and with it the last writes to its disk.
    case powerLoss = "power-loss"
    /// Its process is stopped, and continued with everything that came in meanwhile.
    case coordinatorFreeze = "coordinator-freeze"
    /// A second one waits on another host, and takes over when the lease of the first is stale.
    case standby
    /// Both keep their files in one folder, where the second finds those of the first.
    case sharedDisk = "shared-disk"
    /// Somebody starts the second one while the first is well.
    case secondCoordinator = "second-coordinator"
    /// No room on the disk for the log of partials.
    case stateDiskFull = "state-disk-full"
    case slowMerge = "slow-merge"
    /// Hardly any room for partials that wait to be merged.
    case smallMergeQueue = "small-merge-queue"

    // Database
    case databaseRestart = "database-restart"
    case databaseSlow = "database-slow"
    /// It reads and does not write.
    case databaseReadOnly = "database-read-only"
    case databaseFull = "database-full"
    /// The connection is lost in COMMIT: it was done, or it was not.
    case commitLost = "commit-lost"
    /// A coordinator and the database do not hear each other.
    case databaseCut = "database-cut"
    /// Its wall clock jumps, ahead or back.
    case wallClockJump = "wall-clock-jump"

    // People
    case cancel
    /// The region of a job is computed again, before everything else, while it runs.
    case onDemand = "on-demand"
    case drain
    case priorityChange = "priority-change"
    /// A job is paused, and resumed after a while.
    case pause
    /// A worker is to drain, and is taken back before or after it has.
    case undrain

    // New ones come last, since what a seed draws of the others goes by their places.
    /// What a worker says waits to be read, and meanwhile it leaves, or its connection breaks.
    case hangUp = "hang-up"
    /// Two workers of one host return wrong partials, the same ones.
    case accomplices

    package var position: Int { Self.positions[self] ?? 0 }

    private static let positions = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
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
