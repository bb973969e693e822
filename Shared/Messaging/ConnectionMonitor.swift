import CZeroMQ

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

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
    private let isListening: Bool
    /// Where those have come from who were accepted, by descriptor; no more than there are connections.
    private var addresses: [Int32: String] = [:]
    /// A handshake has failed because of keys, and the next connection to end is the one.
    private var hasMismatch = false

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
        let ofListening = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED
        let events = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | (isListening ? ofListening : ofConnecting)
        self.isListening = isListening
        try zmqCall("zmq_socket_monitor", address) { zmq_socket_monitor(watched, address, events) }
        pair = try ZeroMQSocket(context, type: ZMQ_PAIR)
        try pair.set(ZMQ_LINGER, 0)
        try pair.connect(address)
        self.watched = watched
    }

    /// Reads what is there first: while libzmq waits for room in the pair it holds what it needs to stop.
    deinit {
        var left = Self.newsWaitingMax
        while left > 0, let _ = try? pair.receive() { left -= 1 }
        zmq_socket_monitor(watched, nil, 0)
    }

    /// Frames that fit the pair, and more.
    private static let newsWaitingMax = 8_192

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
            if isListening {
                if let news = listening(event, value) { return news }
                continue
            }
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

    /// Who was kept out is told by the end of the connection: the failure itself names nobody. Both come from the one thread of
    /// libzmq's, one right after the other.
    private func listening(_ event: Int32, _ value: Int32) -> News? {
        switch event {
        case ZMQ_EVENT_ACCEPTED:
            addresses[value] = Self.peerAddress(of: value)
            return nil
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            // Whoever sends garbage is thrown out without a word.
            hasMismatch = value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
            return nil
        case ZMQ_EVENT_DISCONNECTED:
            let address = addresses.removeValue(forKey: value)
            defer { hasMismatch = false }
            return hasMismatch ? .refused(.keyMismatch(address: address ?? "an unknown address")) : nil
        default: return nil
        }
    }

    /// The numeric address at the other end; nil when the connection is gone already.
    private static func peerAddress(of descriptor: Int32) -> String? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getpeername(descriptor, address, &length) == 0
                    ? getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) : -1
            }
        }
        return code == 0 ? Z85.text(host) : nil
    }

    /// Ends a connection that was accepted at this port, which libzmq has no way to do: to it the other side is gone.
    ///
    /// The descriptor may have become something else's, which is left alone: no other part of the program accepts at the port.
    /// Should it be another worker's connection by now, that one is made anew.
    static func cut(_ descriptor: Int32, acceptedAt port: UInt16) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let found = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> UInt16? in
                guard getsockname(descriptor, address, &length) == 0 else { return nil }
                // The port stands at the same place in both kinds of address.
                return UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_port.bigEndian
            }
        }
        let isInternet = [AF_INET, AF_INET6].contains(Int32(storage.ss_family))
        if isInternet, found == port { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
}
