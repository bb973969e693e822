/// Mistakes that tests plant in the scheduler to see that the simulation catches them.
///
/// They can only be switched on by an initialiser that nothing outside of Tests calls, which a test checks.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// A second result of a merged task is merged again.
    case doubleMerge
    /// The attempts of a lost worker do not go back.
    case lostRequeue
    /// A failed attempt keeps occupying its worker's credit.
    case creditLeak
    /// Workers are given more than their credit.
    case creditIgnored
    /// Tasks of a job that is over are still leased and merged.
    case cancelIgnored
    /// A result counts for the task of the same number in another stage.
    case otherPlanAccepted
    /// A result is acknowledged before it is merged.
    case acknowledgedEarly
    /// Any worker gets any job's leases, whatever its numeric profile.
    case profilesMixed
    /// A worker that was asked to change its core type is taken to have done so.
    case askedCountsAsChanged
    /// Workers are asked to change although they have tasks in hand or another job needs their present profile.
    case presentProfileForgotten
    /// No worker is ever asked to change its core type.
    case changeForgotten
    /// A draining worker still gets leases.
    case drainIgnored
    /// Jobs run in the order of their numbers only.
    case priorityIgnored
    /// A lease that never arrived is waited for.
    case lostLeaseForgotten
    /// A partial that could not be merged counts as merged.
    case rejectionIgnored
    /// A result that is not needed is not acknowledged.
    case dropNotAcknowledged
    /// Attempts of a new coordinator have the numbers of its predecessor's.
    case epochIgnored
    /// Tasks that a stage begins with as merged are leased all the same.
    case mergedListIgnored
    /// A late result is taken from a worker of whatever numeric profile.
    case lateProfileIgnored
    /// Two results of one task are never compared.
    case verificationIgnored
    /// Where two results differ, every worker has a voice, however many belong to one key or host.
    case partiesIgnored
    /// Tasks of a paused job are leased all the same.
    case pauseIgnored
    /// A job that is resumed waits for ever.
    case resumeIgnored
    /// A worker that is taken back while it drains is sent away all the same.
    case undrainIgnored
    /// A worker to which nothing can be sent is a stranger, whatever of its words still waits to be read.
    case unroutableForgotten
    /// Connections of workers that have gone, or have come back by others, are remembered for ever.
    case connectionsKept
}
