import ClusterModel

/// What the shell has to do, in this order, after an event.
package enum WorkerEffect: Equatable, Sendable {
    /// A result goes out with its partial, possibly several times: the shell keeps the bytes until `release`.
    case send(WorkerMessage, payload: PayloadHandle? = nil)
    /// Compute on a free slot; `payload` is the task. There are never more of these open than the worker has slots.
    case start(AttemptRef, kind: String, payload: PayloadHandle)
    /// Nobody needs these bytes any more.
    case release(PayloadHandle)
    /// The coordinator has been silent for too long: replace the socket, then say `connected`.
    case reconnect
    /// Leave; nothing follows.
    case exit(WorkerExit)
}

package enum WorkerExit: Equatable, Sendable {
    /// Everything in hand was finished and acknowledged.
    case drained
    /// Draining took too long; so many attempts are left to other workers.
    case drainTimedOut(attemptsLeft: Int)
    /// Everything in hand was finished, as far as there was time: start again with this core type of OpenBLAS.
    case changeCoreType(String)
    /// This machine damages what it computes or keeps; the last time is described.
    case machineSuspect(String)
    /// The coordinator will not work with this worker, and says why.
    case refused(String)
}
