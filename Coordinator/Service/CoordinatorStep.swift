/// The labelled steps of a coordinator's work. Tests end a coordinator at each of them, to see that the next one goes on
/// and comes to the same result.
package enum CoordinatorStep: String, CaseIterable, Sendable {
    case tookLease
    case renewedLease
    /// The job's row is in the database.
    case jobQueued
    case planning
    case panelLoaded
    case running
    /// The job's thread has handed a stage to the scheduler.
    case stageBegun
    case leaseSent
    case resultReceived
    /// Partials are on the disk.
    case partialLogged
    case partialMerged
    case resultAcknowledged
    case stageComplete
    case publishing
    /// All rows are written and nobody sees them yet.
    case publishWritten
    case publishCommitted
    case logRemoved
    /// Messages about the job's end are on their way.
    case endTold
    /// What the next job of the region can go on from is on the disk.
    case stateKept
}
