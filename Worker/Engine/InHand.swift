import ClusterModel

/// A lease that is queued or being computed.
struct LeasedTask: Sendable {
    let ref: AttemptRef
    let kind: String
    let payload: PayloadHandle
}

/// A result or failure that the coordinator has not acknowledged.
struct Answer: Sendable {
    let ref: AttemptRef
    let message: WorkerMessage
    let payload: PayloadHandle?
    /// When to send it again if nothing is heard, and how long the wait after that is.
    var sendAgainAt: MonotonicTime
    var waitMilliseconds: Int64
}
