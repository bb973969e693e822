import ClusterModel

/// A fact the worker engine is told. Payload bytes stay with the shell; `PayloadHandle`s stand for them.
package enum WorkerEvent: Equatable, Sendable {
    /// There is a socket: the first one, or the one that replaces it after `WorkerEffect.reconnect`.
    case connected
    case received(CoordinatorMessage, payload: PayloadHandle? = nil)
    /// An attempt given out by `WorkerEffect.start` is done; `payload` is its partial.
    case finished(AttemptRef, payload: PayloadHandle, computeSeconds: Double, flops: Double)
    /// It could not be done; `message` is one sentence a person can act on.
    case failedToCompute(AttemptRef, message: String)
    /// What this machine computed for it, or kept of it, is not what it should be.
    case damaged(AttemptRef, message: String)
    /// Bytes of blocks in the worker's cache, for the views.
    case cacheHolds(bytes: UInt64)
    /// The worker shall leave (SIGTERM): finish what is in hand, take nothing new.
    case drainRequested
    /// Time has passed; due at `WorkerEngine.nextDeadline` at the latest.
    case tick
}
