import ClusterModel

/// The worker's times; the defaults are the product's.
package struct WorkerConfiguration: Equatable, Sendable {
    /// Between heartbeats until a coordinator says otherwise.
    package var heartbeatMilliseconds: Int64 = Limits.heartbeatIntervalMilliseconds
    /// Silence of the coordinator after which the socket is replaced.
    package var coordinatorSilentAfterMilliseconds: Int64 = Limits.workerLostAfterMilliseconds
    /// First wait before an answer that was not acknowledged is sent again; it doubles up to eight times this.
    package var resultResendMilliseconds: Int64 = Limits.resultResendMilliseconds
    /// How long draining may take before the worker leaves with attempts in hand.
    package var drainMilliseconds: Int64 = Limits.drainMilliseconds

    package init() {}
}
