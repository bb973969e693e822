/// How often things happened since the coordinator started; they only grow.
package struct SchedulerCounters: Equatable, Sendable {
    package var leases = 0
    package var speculativeLeases = 0
    /// Attempts a worker turned out to hold that were taken up again instead of leased anew.
    package var attemptsAdopted = 0
    package var tasksMerged = 0
    package var tasksRequeued = 0
    package var tasksFailed = 0
    package var partialsRejected = 0
    /// Results of attempts that had been given up, taken because the task was still open.
    package var resultsLateAccepted = 0
    /// Results of tasks that were merged or over, dropped.
    package var resultsDropped = 0
    /// Results left for the worker to send again because too many merges were waiting.
    package var resultsDeferred = 0
    /// Results of one task by two workers that were compared and found equal.
    package var tasksVerified = 0
    /// The same with different bytes.
    package var disagreements = 0
    /// Comparisons that were given up because nobody gave a second result in time.
    package var verificationsGivenUp = 0
    /// Workers found to compute wrongly.
    package var workersSuspected = 0
    package var workersJoined = 0
    package var workersLost = 0
    package var workersRefused = 0
    /// Requests to workers to start again with another core type.
    package var coreTypeChangesAsked = 0
    /// Messages from peers that had not said who they are.
    package var messagesFromStrangers = 0
    package var messagesUndecodable = 0
    package var alarms = 0

    package init() {}

    /// Adds what another scheduler counted.
    package mutating func add(_ other: SchedulerCounters) {
        leases += other.leases
        speculativeLeases += other.speculativeLeases
        attemptsAdopted += other.attemptsAdopted
        tasksMerged += other.tasksMerged
        tasksRequeued += other.tasksRequeued
        tasksFailed += other.tasksFailed
        partialsRejected += other.partialsRejected
        resultsLateAccepted += other.resultsLateAccepted
        resultsDropped += other.resultsDropped
        resultsDeferred += other.resultsDeferred
        tasksVerified += other.tasksVerified
        disagreements += other.disagreements
        verificationsGivenUp += other.verificationsGivenUp
        workersSuspected += other.workersSuspected
        workersJoined += other.workersJoined
        workersLost += other.workersLost
        workersRefused += other.workersRefused
        coreTypeChangesAsked += other.coreTypeChangesAsked
        messagesFromStrangers += other.messagesFromStrangers
        messagesUndecodable += other.messagesUndecodable
        alarms += other.alarms
    }
}
