/// Mistakes that tests plant in the simulated shells and the simulated database, where the real ones could make them too,
/// to see that the checkers notice.
package enum ShellBug: String, CaseIterable, Sendable {
    /// The database takes writes of a coordinator whose epoch is over.
    case fencedWriteAccepted
    /// Each partial of the log is merged twice.
    case logReplayedTwice
    /// Partials wait in memory for ever, and are lost with the process.
    case partialsKeptWaiting
    /// What is merged from the log is not said to the scheduler.
    case mergedListForgotten
    /// A record whose end is missing counts as one.
    case tornRecordTrusted
    /// Nobody asks which numeric profile a log is of: the job may go on with another.
    case profileOfLogIgnored
    /// A coordinator that hears of its successor goes on.
    case stepDownIgnored
    /// A commit whose answer was lost counts as done.
    case doubtfulCommitTrusted
    /// The rows of a publication are there before it is committed.
    case publishedInPieces
    /// A job's end is written over by what came late.
    case endOverwritten
    /// A standby takes over without raising the epoch.
    case epochNotRaised
    /// Files of jobs that are over stay for ever.
    case filesLeftBehind
    /// A worker asks only the first address it was given.
    case oneAddressOnly
    /// A write that the database could not take is not tried again.
    case failedWriteForgotten
    /// A coordinator does not ask which jobs are paused.
    case pauseForgotten
    /// Nobody looks at the checksums of headers.
    case headersUnchecked
    /// A coordinator takes jobs before it has read which there are, and then takes up those a second time.
    case jobsTakenEarly
    /// A connection to which nothing can be sent gets another handle when more of it is read.
    case brokenConnectionForgotten
}
