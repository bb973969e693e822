import CZeroMQ

/// Tells when a connecting socket gains or loses its connection, and when either kind keeps somebody out or is kept out:
/// libzmq reports it on a socket pair of its own.
///
/// Belongs to the thread of the socket it watches and must go before it does: a socket whose news nobody can receive
/// blocks when it has some.
final class ConnectionMonitor {
    enum News {
        case connected, disconnected, connectFailed
        case refused(HandshakeRefusal)
    }

    private let watched: UnsafeMutableRawPointer
    private let pair: ZeroMQSocket

    /// - Parameter isListening: whether others connect to the socket; only those that it cannot speak to are told of then.
    init(
        _ context: ZeroMQContext, watching socket: borrowing ZeroMQSocket, isListening: Bool = false
    ) throws(ZeroMQError) {
        // Unique within the context, which is all that an in-process address must be.
        let address = "inproc://monitor-\(UInt(bitPattern: socket.raw))"
        let watched = socket.raw
        let ofConnecting =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED
            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
        let events = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | (isListening ? 0 : ofConnecting)
        try zmqCall("zmq_socket_monitor", address) { zmq_socket_monitor(watched, address, events) }
        pair = try ZeroMQSocket(context, type: ZMQ_PAIR)
        try pair.set(ZMQ_LINGER, 0)
        try pair.connect(address)
        self.watched = watched
    }

    deinit { zmq_socket_monitor(watched, nil, 0) }

    var pollItem: zmq_pollitem_t {
        zmq_pollitem_t(socket: pair.raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
    }

    /// The next piece of news, nil when there is none now.
    func next() throws(ZeroMQError) -> News? {
        while let head = try pair.receive() {
            // Two frames: event number (16 bits) and value (32 bits); then the address, which we know.
            guard head.bytes.count >= 6 else { continue }
            let event = Int32(head.bytes.loadUnaligned(as: UInt16.self))
            let value = Int32(bitPattern: head.bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
            if head.hasMore { _ = try pair.receive() }
            switch event {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
            case ZMQ_EVENT_DISCONNECTED: return .disconnected
            case ZMQ_EVENT_CONNECT_RETRIED: return .connectFailed
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .refused(.keyUnknown)
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .refused(.closed)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                return .refused(value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? .onlyOneHasKeys : .notUnderstood)
            default: continue
            }
        }
        return nil
    }
}
