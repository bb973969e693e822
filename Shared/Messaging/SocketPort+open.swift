import CZeroMQ
import ClusterModel

extension SocketPort {
    /// A ROUTER bound to `endpoint`.
    static func bound(
        _ context: ZeroMQContext, _ endpoint: Endpoint, _ options: SocketOptions
    ) throws(GridError) -> ZeroMQSocket {
        do throws(ZeroMQError) {
            let socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
            // Sending to somebody who is gone is an error we want to see, not a message that vanishes.
            try socket.set(ZMQ_ROUTER_MANDATORY, 1)
            try configure(socket, endpoint, options)
            try socket.bound(frameBytes: options.frameBytesMax)
            try socket.bind(endpoint.bindAddress)
            return socket
        } catch {
            throw bindError(error, endpoint)
        }
    }

    /// A ROUTER that calls others and is called by nobody.
    static func caller(_ context: ZeroMQContext, _ options: SocketOptions) throws(GridError) -> ZeroMQSocket {
        do throws(ZeroMQError) {
            let socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
            try socket.set(ZMQ_ROUTER_MANDATORY, 1)
            try socket.set(ZMQ_RECONNECT_IVL, 100)
            try socket.set(ZMQ_RECONNECT_IVL_MAX, 2_000)
            try socket.set(ZMQ_CONNECT_TIMEOUT, Limits.connectMilliseconds)
            try configure(socket, Endpoint(host: "*", port: 0), options)
            try socket.bound(frameBytes: Limits.payloadBytesMax)
            return socket
        } catch {
            throw GridError(.failed, "a socket cannot be made: \(error)")
        }
    }

    /// A DEALER that will connect to `endpoint`; the monitor has to be in place before it starts.
    static func dealer(
        _ context: ZeroMQContext, _ endpoint: Endpoint, _ options: SocketOptions
    ) throws(ZeroMQError) -> ZeroMQSocket {
        let socket = try ZeroMQSocket(context, type: ZMQ_DEALER)
        // ZMQ_IMMEDIATE stays off: with it libzmq ends the program where a connection is lost while one of its messages is
        // being read. What was sent too late to leave waits for the next connection, and is answered like a stranger's word.
        try socket.set(ZMQ_RECONNECT_IVL, 100)
        try socket.set(ZMQ_RECONNECT_IVL_MAX, 2_000)
        try socket.set(ZMQ_CONNECT_TIMEOUT, Limits.connectMilliseconds)
        try configure(socket, endpoint, options)
        try socket.bound(frameBytes: Limits.payloadBytesMax)
        return socket
    }

    private static func configure(
        _ socket: borrowing ZeroMQSocket, _ endpoint: Endpoint, _ options: SocketOptions
    ) throws(ZeroMQError) {
        try socket.set(ZMQ_SNDHWM, options.highWaterMark)
        try socket.set(ZMQ_RCVHWM, options.highWaterMark)
        try socket.set(ZMQ_LINGER, options.lingerMilliseconds)
        try socket.set(ZMQ_IPV6, endpoint.isIPv6 ? 1 : 0)
        try secure(socket, options.security)
        // Whoever connects and says nothing must not hold a descriptor for the default half minute.
        try socket.set(ZMQ_HANDSHAKE_IVL, Limits.handshakeMilliseconds)
        // A host that lost its power never says so: let the system find out, also while data is unacknowledged.
        try socket.set(ZMQ_TCP_KEEPALIVE, 1)
        try socket.set(ZMQ_TCP_KEEPALIVE_IDLE, 30)
        try socket.set(ZMQ_TCP_KEEPALIVE_INTVL, 10)
        try socket.set(ZMQ_TCP_KEEPALIVE_CNT, 3)
        try socket.set(ZMQ_TCP_MAXRT, 20_000)
    }

    private static func secure(_ socket: borrowing ZeroMQSocket, _ security: SocketSecurity) throws(ZeroMQError) {
        switch security {
        case .none: break
        case .server(let keys):
            try socket.set(ZMQ_ZAP_DOMAIN, bytes: Array(ZAPHandler.domain.utf8))
            try socket.set(Int32(ALPHAGRID_ZAP_ENFORCE_DOMAIN), 1)
            try socket.set(ZMQ_CURVE_SERVER, 1)
            try socket.set(ZMQ_CURVE_SECRETKEY, bytes: keys.pair.secret.bytes)
        case .client(let pair, let server):
            try socket.set(ZMQ_CURVE_SERVERKEY, bytes: server.bytes)
            try socket.set(ZMQ_CURVE_PUBLICKEY, bytes: pair.publicKey.bytes)
            try socket.set(ZMQ_CURVE_SECRETKEY, bytes: pair.secret.bytes)
        }
    }

    private static func bindError(_ error: ZeroMQError, _ endpoint: Endpoint) -> GridError {
        switch error.code {
        case .addressInUse:
            GridError(.conflict, "cannot listen on \(endpoint): another program already does; stop it or choose another port")
        case .addressNotAvailable, .noSuchDevice:
            GridError(
                .usage,
                "cannot listen on \(endpoint): \(endpoint.host) is no address or network interface of this machine; "
                    + "expected one, such as 127.0.0.1"
            )
        case .permissionDenied:
            GridError(.failed, "cannot listen on \(endpoint): this user may not; choose a port above 1023")
        default:
            GridError(.failed, "cannot listen on \(endpoint): \(error)")
        }
    }
}

extension ZeroMQSocket {
    /// A larger frame ends its connection before memory is spent on it.
    fileprivate borrowing func bound(frameBytes: Int) throws(ZeroMQError) {
        try set(ZMQ_MAXMSGSIZE, wide: Int64(frameBytes + Limits.frameOverheadBytesMax))
    }
}
