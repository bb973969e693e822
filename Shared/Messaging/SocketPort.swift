import CZeroMQ
import ClusterModel

/// What a handler can do with its socket. Lives on the socket's thread, like the handler.
package final class SocketPort {
    private let context: ZeroMQContext
    let options: SocketOptions
    let isRouter: Bool
    private var socket: ZeroMQSocket
    var monitor: ConnectionMonitor?
    /// Of a socket that others connect to with keys.
    let ring: KeyRing?
    let zap: ZAPHandler?
    var ringRevision: UInt64 = 0
    var peers = PeerTable()
    var connections: UInt64 = 0
    /// The one peer of a connecting socket, while there is a connection.
    var connection: Peer?
    private(set) var isStopping = false
    /// When a connecting socket that has no connection is replaced, unless libzmq tells of a new attempt before.
    var retryAt: MonotonicTime?
    /// Until then whoever has been revoked keeps the connection, lest the word that says so be lost with it.
    var cutsFrom = MonotonicTime(nanoseconds: .min)
    /// Connections that are ended then.
    var toBeCut: [Int32] = []
    /// How long nothing may be heard of an attempt to connect, in milliseconds.
    var patience: Int64

    /// Where the socket is bound or connects to; means nothing for a caller.
    package private(set) var endpoint: Endpoint

    init(_ role: SocketRole, _ options: SocketOptions) throws(GridError) {
        context = try ZeroMQContext()
        self.options = options
        patience = options.connectMilliseconds
        if case .server(let keys) = options.security {
            // Before anything listens.
            zap = try ZAPHandler(context, ring: keys.ring)
            ring = keys.ring
            ringRevision = keys.ring.revision
        } else {
            zap = nil
            ring = nil
        }
        switch role {
        case .router(let endpoint):
            isRouter = true
            self.endpoint = endpoint
            socket = try Self.bound(context, endpoint, options)
            self.endpoint = endpoint.with(port: try boundPort())
            monitor = try? ConnectionMonitor(context, watching: socket, isListening: true)
        case .caller:
            isRouter = true
            endpoint = Endpoint(host: "*", port: 0)
            socket = try Self.caller(context, options)
        case .dealer(let endpoint):
            isRouter = false
            self.endpoint = endpoint
            do throws(ZeroMQError) {
                socket = try Self.dealer(context, endpoint, options)
            } catch {
                throw Self.connectError(error, endpoint)
            }
            try startConnecting()
        }
    }

    // The monitor has to go before the socket it watches.
    deinit { monitor = nil }

    private func boundPort() throws(GridError) -> UInt16 {
        let address = try? socket.lastEndpoint()
        guard let port = address?.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw GridError(.failed, "cannot tell which port \(endpoint) was bound to")
        }
        return port
    }

    private func startConnecting() throws(GridError) {
        do throws(ZeroMQError) {
            monitor = try ConnectionMonitor(context, watching: socket)
            try socket.connect(endpoint.description)
        } catch {
            throw Self.connectError(error, endpoint)
        }
        retry(afterMilliseconds: patience)
    }

    private static func connectError(_ error: ZeroMQError, _ endpoint: Endpoint) -> GridError {
        GridError(.failed, "cannot connect to \(endpoint): \(error)")
    }

    /// Sends all frames, at least one, or nothing; never waits.
    package func send(_ frames: [Payload], to peer: Peer) -> SendOutcome {
        precondition(!frames.isEmpty, "a message has at least one frame")
        do throws(ZeroMQError) {
            if isRouter {
                guard let route = peers.route(of: peer) else { return .unroutable }
                guard try socket.send(MessageFrame(copying: route), more: true) else { return .congested }
            } else if peer != connection {
                return .unroutable
            }
            for (index, frame) in frames.enumerated() {
                guard try socket.send(MessageFrame(sending: frame), more: index + 1 < frames.count) else { return .congested }
            }
            return .sent
        } catch {
            // It keeps its handle: libzmq still delivers what a connection brought before it broke.
            return .unroutable
        }
    }

    /// The one peer of a connecting socket; nil while there is no connection.
    package var connectedPeer: Peer? { connection }

    /// Vouches for a peer, so that a flood of unknown ones cannot push it out.
    /// - Returns: false when the peer is gone or `Limits.workersMax` are kept already.
    @discardableResult package func keep(_ peer: Peer) -> Bool { peers.keep(peer) }

    /// All that are kept, in the order they came.
    package var kept: [Peer] { peers.kept }

    /// The name that the peer's key was given to; nil where there are no keys.
    package func keyName(of peer: Peer) -> String? { peers.userID(of: peer).map { KeyRing.name(inUserID: $0) } }

    /// Where a peer that has spoken connects from.
    package func address(of peer: Peer) -> String { peers.address(of: peer) ?? "an unknown address" }

    /// The peer is of no interest any more; its next message comes from a new handle.
    package func forget(_ peer: Peer) { peers.forget(peer) }

    /// Replaces a connecting socket by a new one: what was queued is gone, and the next connection is announced as usual.
    /// - Parameter other: connect there from now on; nil for the same address.
    package func reconnect(to other: Endpoint? = nil) throws(GridError) {
        precondition(!isRouter, "only a connecting socket can be replaced")
        try? socket.set(ZMQ_LINGER, 0)
        monitor = nil
        connection = nil
        endpoint = other ?? endpoint
        // Where not even a socket is to be had, it is tried again.
        retry(afterMilliseconds: options.retryMilliseconds)
        do throws(ZeroMQError) {
            socket = try Self.dealer(context, endpoint, options)
        } catch {
            throw Self.connectError(error, endpoint)
        }
        try startConnecting()
    }

    /// Begins to connect a `.caller` to one more peer. What is sent before there is a connection waits for it; whether there
    /// ever is one only an answer can tell. It lasts as long as the socket: `zmq_disconnect` can end the program, where a message
    /// from there is being read, and can end a connection to somebody else, where this one has ended by itself.
    ///
    /// - Throws: `.failed` when nothing can be sent there at all.
    package func call(_ endpoint: Endpoint) throws(GridError) -> Peer {
        connections += 1
        // Routing ids of libzmq's own making begin with a zero.
        let route = [1] + withUnsafeBytes(of: connections.littleEndian) { Array($0) }
        do throws(ZeroMQError) {
            try socket.set(ZMQ_IPV6, endpoint.isIPv6 ? 1 : 0)
            try socket.set(ZMQ_CONNECT_ROUTING_ID, bytes: route)
            try socket.connect(endpoint.description)
        } catch {
            throw Self.connectError(error, endpoint)
        }
        let peer = peers.peer(route: route)
        peers.keep(peer)
        return peer
    }

    /// Ends the thread after the present batch.
    package func stop() { isStopping = true }

    // MARK: What the loop calls

    /// Waits for messages, news of the connection, `descriptor` or the timeout, whichever comes first.
    func wait(orFor descriptor: Int32, milliseconds: Int) throws(ZeroMQError) {
        // The monitor comes first: libzmq looks at the items in order, and a connection that was announced must be
        // usable by the time the announcement is read.
        var items = [
            zmq_pollitem_t(socket: socket.raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0),
            zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0),
        ]
        if let monitor { items.insert(monitor.pollItem, at: 0) }
        try zmqCall("zmq_poll") { zmq_poll(&items, Int32(items.count), milliseconds) }
    }

    enum Incoming {
        case nothing
        /// Said by somebody whose key is not admitted any more, or who is not to be borne; the connection ends.
        case ignored
        case message(Peer, [Payload])
        case dropped(Peer, reason: String)
    }

    /// The next complete message. libzmq delivers the frames of a message all at once or not at all.
    func receive() throws(ZeroMQError) -> Incoming {
        guard var frame = try socket.receive() else { return .nothing }
        // Before the first announcement is read a connecting socket's messages belong to the connection to come.
        var peer = connection ?? Peer(connections + 1)
        if isRouter {
            let isRouteFit = frame.bytes.count <= Limits.routingIDBytesMax
            let route = isRouteFit ? Array(frame.bytes) : []
            guard frame.hasMore, let next = try socket.receive() else {
                return ring == nil ? .dropped(peers.peer(route: route), reason: "a message without frames") : .ignored
            }
            frame = next
            // The routing id is libzmq's own frame; what the sender has shown is known of the sender's.
            guard isRouteFit, let sender = sender(route, userID: ring == nil ? nil : frame.userID) else {
                let isTold = ring?.revision == ringRevision && MonotonicTime.now() >= cutsFrom
                if !isRouteFit || isTold { ConnectionMonitor.cut(frame.descriptor, acceptedAt: endpoint.port) }
                var hasMore = frame.hasMore
                while hasMore, let next = try socket.receive() { hasMore = next.hasMore }
                return .ignored
            }
            peer = sender
            peers.note(sender) { (frame.peerAddress, frame.descriptor) }
        }
        var frames: [Payload] = []
        var frameCount = 0
        var bytesLeft = Limits.headerBytesMax + Limits.payloadBytesMax
        while true {
            frameCount += 1
            bytesLeft -= frame.bytes.count
            let hasMore = frame.hasMore
            if frameCount <= Limits.framesPerMessageMax && bytesLeft >= 0 { frames.append(frame.intoPayload()) }
            guard hasMore, let next = try socket.receive() else { break }
            frame = next
        }
        if frameCount > Limits.framesPerMessageMax {
            return .dropped(peer, reason: "a message of \(frameCount) frames, the limit is \(Limits.framesPerMessageMax)")
        }
        if bytesLeft < 0 { return .dropped(peer, reason: "a message beyond \(Limits.payloadBytesMax) bytes") }
        return .message(peer, frames)
    }
}
