import CZeroMQ
import ClusterModel

// What a socket hears beside messages: connections that come and go, and keys.

extension SocketPort {
    /// News that have come in, oldest first: of the connection, and of keys.
    func takeEvents() throws(ZeroMQError) -> [SocketEvent] {
        var events: [SocketEvent] = []
        if let retryAt, retryAt <= .now() {
            try? reconnect()
        }
        while events.count < Self.eventsPerBatch, let monitor, let news = try monitor.next() {
            if let event = event(news) { events.append(event) }
        }
        for address in zap?.takeRefused() ?? [] { events.append(.refused(.strangeKey(address: address))) }
        if let ring, ring.revision != ringRevision {
            ringRevision = ring.revision
            for peer in peers.mute(unless: { ring.admits(userID: $0) }) {
                events.append(.revoked(peer, key: keyName(of: peer) ?? ""))
            }
        }
        return events
    }

    private func event(_ news: ConnectionMonitor.News) -> SocketEvent? {
        switch news {
        case .connected:
            connections += 1
            connection = Peer(connections)
            return .connected(Peer(connections))
        case .disconnected:
            defer { connection = nil }
            return connection.map { .disconnected($0) }
        case .connectFailed: return .connectFailed
        case .refused(let refusal):
            if isRouter { return .refused(refusal) }
            // After a mere end of the connection libzmq tries again by itself.
            if refusal != .closed, retryAt == nil {
                retryAt = MonotonicTime.now().advanced(milliseconds: options.retryMilliseconds)
            }
            return .refused(refusal)
        }
    }

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
