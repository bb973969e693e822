import ClusterModel

/// The scheduler's times and bounds; the defaults are the product's.
package struct SchedulerConfiguration: Equatable, Sendable {
    /// How often workers are asked to say that they are alive.
    package var heartbeatMilliseconds: Int64 = Limits.heartbeatIntervalMilliseconds
    /// Silence after which a worker is lost and its attempts go back to the queue.
    package var lostAfterMilliseconds: Int64 = Limits.workerLostAfterMilliseconds
    /// How long a lost worker stays in the views before it is forgotten.
    package var forgetAfterMilliseconds: Int64 = Limits.workerForgottenAfterMilliseconds
    /// A lease younger than this may still be on its way: a worker that does not list it has not lost it yet.
    package var leaseInFlightMilliseconds: Int64 = 2_000
    /// A task is given to a second worker when it runs this many times as long as its stage's tasks usually do ...
    package var stragglerFactor: Double = 4
    /// ... and at least this long, so that short tasks are not doubled for a hiccup.
    package var stragglerMilliseconds: Int64 = 2_000
    /// The same while no task of the stage has ended yet, so that nothing is known of the usual time.
    package var stragglerUnknownMilliseconds: Int64 = 60_000
    /// Open tasks looked at to find one whose blocks the worker already holds; 1 means none but the next.
    package var lookahead: Int = 16
    /// Workers a task may fail on before its job fails.
    package var distinctWorkersFailedMax: Int = Limits.distinctWorkersFailedMax
    /// Failures of one task, on whatever workers, before its job fails.
    package var taskFailuresMax: Int = Limits.taskFailuresMax
    /// Workers that may be lost while running one task before its job fails.
    package var taskLossesMax: Int = Limits.taskLossesMax
    /// Share of the tasks that are computed twice, by two workers of one numeric profile, to compare the bytes; 0 for none.
    package var verifiedShare = Limits.verifiedShare
    /// Which tasks those are depends on it: what a coordinator draws at its start, no worker can foresee.
    package var verificationSalt: UInt64 = 0
    /// How long a stage waits for comparisons after its last merge, and at least twice as long as its tasks take.
    package var verificationWaitMilliseconds: Int64 = 2_000
    /// Partials handed over for merging at once; a further result is left for the worker to send again.
    package var mergesInFlightMax: Int = Limits.mergeQueueMax
    /// How long the first workers are waited for before a job's numeric profile is chosen, so that whoever connects first
    /// does not decide for all. Workers that have measured nothing are not waited for: they have nothing to compare.
    package var profileSettleMilliseconds: Int64 = 1_000
    package var workersMax: Int = Limits.workersMax
    /// TCP port of the block socket, told to every worker.
    package var blockPort: UInt16

    package init(blockPort: UInt16) {
        self.blockPort = blockPort
    }
}
