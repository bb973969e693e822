import CZeroMQ
import ClusterModel

// What a socket hears beside messages: connections that come and go, and keys.

extension SocketPort {
    /// News that have come in, oldest first: of the connection, and of keys.
    func takeEvents() throws(ZeroMQError) -> [SocketEvent] {
        var events: [SocketEvent] = []
        while events.count < Self.eventsPerBatch, let monitor, let news = try monitor.next() {
            if let event = event(news) { events.append(event) }
        }
        if let retryAt, retryAt <= .now() {
            patience = min(2 * patience, Limits.connectPatienceFactorMax * options.connectMilliseconds)
            try? reconnect()
            events.append(.connectFailed)
        }
        for address in zap?.takeRefused() ?? [] { events.append(.refused(.strangeKey(address: address))) }
        if let ring, ring.revision != ringRevision {
            ringRevision = ring.revision
            cutsFrom = .now().advanced(milliseconds: Limits.farewellMilliseconds)
            for peer in peers.mute(unless: { ring.admits(userID: $0) }) {
                if let descriptor = peers.descriptor(of: peer) { toBeCut.append(descriptor) }
                events.append(.revoked(peer, key: keyName(of: peer) ?? ""))
            }
        }
        if !toBeCut.isEmpty, cutsFrom <= .now() {
            for descriptor in toBeCut { ConnectionMonitor.cut(descriptor, acceptedAt: endpoint.port) }
            toBeCut = []
        }
        return events
    }

    private func event(_ news: ConnectionMonitor.News) -> SocketEvent? {
        patience = options.connectMilliseconds
        switch news {
        case .connected:
            retryAt = nil
            connections += 1
            connection = Peer(connections)
            return .connected(Peer(connections))
        case .disconnected:
            retry(afterMilliseconds: options.retryMilliseconds)
            defer { connection = nil }
            return connection.map { .disconnected($0) }
        case .connectFailed:
            retry(afterMilliseconds: options.connectMilliseconds)
            return .connectFailed
        case .refused(let refusal):
            if !isRouter { retry(afterMilliseconds: options.retryMilliseconds) }
            return .refused(refusal)
        }
    }

    /// Makes a new socket after so long, unless there is news before. Where libzmq itself tries again it says so at once, with
    /// `connectFailed`; after what it takes for an error of the protocol, a damaged byte say, it does not. Where the damage makes
    /// the other side one of an old version, 4.3.5 waits for it without a bound.
    func retry(afterMilliseconds milliseconds: Int64) { retryAt = MonotonicTime.now().advanced(milliseconds: milliseconds) }

    /// When the socket wants its next turn at the latest, whatever its handler wishes.
    var nextTurn: MonotonicTime? {
        guard let ring else { return retryAt }
        // What threads that check keys have found is said within a second.
        return ring.revision == ringRevision ? MonotonicTime.now().advanced(milliseconds: 1_000) : .now()
    }

    /// Monitors' news taken before messages get their turn again.
    private static var eventsPerBatch: Int { 256 }

    /// The handle of a message's sender; nil when keys are asked for and its own is not admitted.
    func sender(_ route: [UInt8], userID: String?) -> Peer? {
        guard let ring else { return peers.peer(route: route) }
        guard let userID else { return nil }
        if let known = peers.known(route: route, userID: userID) {
            // Between a change of the ring and the next look at everybody, each message is looked at.
            let isAdmitted = !known.isMute && (ring.revision == ringRevision || ring.admits(userID: userID))
            return isAdmitted ? known.peer : nil
        }
        return ring.admits(userID: userID) ? peers.peer(route: route, userID: userID) : nil
    }
}
