import ClusterModel

/// What a program does with a socket. All methods run on the socket's own thread, one at a time, and must not block.
///
/// A handler is the thin shell around a state machine: it turns messages into events, asks the machine, and sends
/// what the machine wants sent. It is made on the socket's thread and never leaves it, so it needs no locks.
package protocol SocketHandler: SendableMetatype {
    /// What other threads may ask of it, through `SocketLoop.post`.
    associatedtype Command: Sendable

    /// A complete message of 1 to `Limits.framesPerMessageMax` frames.
    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort)

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort)

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort)

    /// Called once at the start and after every batch of the above.
    /// - Returns: when to be called next even if nothing happens; nil for no such wish.
    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime?
}

package enum SocketEvent: Hashable, Sendable {
    /// A connecting socket has a connection; `Peer` is its handle until `disconnected`.
    case connected(Peer)
    case disconnected(Peer)
    /// A connecting socket found nobody, or nobody who answers as it should; it keeps trying by itself.
    case connectFailed
    /// No connection came about, because of keys or because the other side speaks no ZeroMQ. A connecting socket tries
    /// again after `SocketOptions.retryMilliseconds`.
    case refused(HandshakeRefusal)
    /// The key of this peer was taken off the ring. Nothing it says arrives any more; it can be told so once.
    case revoked(Peer, key: String)
    /// A message was thrown away before anybody saw it: too many frames or too many bytes.
    case dropped(Peer, reason: String)
}

package enum HandshakeRefusal: Hashable, Sendable {
    /// The other side does not know this program's key, or no longer.
    case keyUnknown
    /// One side shows a key and the other has none.
    case onlyOneHasKeys
    /// The other side ended the connection before both had agreed: it has not the key that was expected of it, or it was
    /// the first to see that only one has keys.
    case closed
    case notUnderstood
    /// Somebody at this address showed a key that is not on the ring.
    case strangeKey(address: String)
    /// Somebody at this address showed no key where one is asked for, or one where there are none.
    case keyMismatch(address: String)
}

package enum SendOutcome: Hashable, Sendable {
    /// Handed over; whether it arrives only an answer can tell.
    case sent
    /// The peer's queue is full: it reads too slowly, or not at all. Nothing was sent.
    case congested
    /// The peer is gone, or there is no connection. Nothing was sent.
    case unroutable
}

package enum SocketRole: Hashable, Sendable {
    /// Accepts any number of peers.
    case router(bind: Endpoint)
    /// Connects to one peer, again and again.
    case dealer(connect: Endpoint)
    /// Connects to as many as its handler calls (`SocketPort.call`), and accepts nobody.
    case caller
}

package struct SocketOptions: Sendable {
    /// Of a bound socket: a larger frame ends its connection before memory is spent on it. Those that connect take more.
    package var frameBytesMax = Limits.frameBytesMax
    /// Messages queued for and from each peer.
    package var highWaterMark = Limits.socketHighWaterMark
    /// Commands from other threads waiting at once.
    package var commandsMax = Limits.commandQueueMax
    /// How long unsent messages are kept trying after an orderly stop.
    package var lingerMilliseconds: Int32 = 500
    package var security = SocketSecurity.none
    /// Until somebody who has refused this socket is tried again.
    package var retryMilliseconds = Limits.handshakeRetryMilliseconds
    /// Until a connecting socket that has heard nothing of its connection is replaced, the first time.
    package var connectMilliseconds = Limits.connectPatienceMilliseconds
    package init() {}
}
