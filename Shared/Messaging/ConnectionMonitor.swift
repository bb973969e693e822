import CZeroMQ

/// Tells when a connecting socket gains or loses its connection: libzmq reports it on a socket pair of its own.
///
/// Belongs to the thread of the socket it watches and must go before it does: a socket whose news nobody can receive
/// blocks when it has some.
final class ConnectionMonitor {
    enum News {
        case connected, disconnected, connectFailed
    }

    private let watched: UnsafeMutableRawPointer
    private let pair: ZeroMQSocket

    init(_ context: ZeroMQContext, watching socket: borrowing ZeroMQSocket) throws(ZeroMQError) {
        // Unique within the context, which is all that an in-process address must be.
        let address = "inproc://monitor-\(UInt(bitPattern: socket.raw))"
        let watched = socket.raw
        let events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED
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
            let event = head.bytes.count >= 2 ? Int32(head.bytes.loadUnaligned(as: UInt16.self)) : 0
            if head.hasMore { _ = try pair.receive() }
            switch event {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
            case ZMQ_EVENT_DISCONNECTED: return .disconnected
            case ZMQ_EVENT_CONNECT_RETRIED: return .connectFailed
            default: continue
            }
        }
        return nil
    }
}
