import ClusterModel

// Workers as sources: sent to them, and away from them.

extension BlockFetch {
    /// The coordinator says who has the block.
    mutating func redirect(_ position: Int, to endpoint: String, _ now: MonotonicTime) {
        // To a question that was asked before the last one; the bytes come behind it, or the question is repeated.
        guard transfers[position].failedAt == nil else { return }
        transfers[position].askedAt = nil
        if isShunned(endpoint, now) || !isInUse(endpoint) && peersInUse >= Limits.blockPeersMax {
            transfers[position].failedAt = endpoint
        } else {
            transfers[position].endpoint = endpoint
            transfers[position].heardAt = now
        }
    }

    func isInUse(_ endpoint: String) -> Bool { transfers.contains { $0.endpoint == endpoint } }

    private var peersInUse: Int { Set(transfers.compactMap(\.endpoint)).count }

    /// Takes away from a worker all it was to send, and does not ask it again for a while.
    mutating func shun(_ endpoint: String, _ reason: String, _ now: MonotonicTime) {
        remember(shunning: endpoint, until: now.advanced(milliseconds: Limits.blockPeerShunnedMilliseconds))
        effects.append(.shunned(endpoint, reason: reason))
        for position in transfers.indices where transfers[position].endpoint == endpoint { leavePeer(position, now) }
    }

    /// What any of them was to send is asked of the coordinator again, who may name the same one: nobody has failed.
    mutating func leavePeers(_ now: MonotonicTime) {
        for position in transfers.indices where transfers[position].endpoint != nil {
            transfers[position].endpoint = nil
            transfers[position].askedAt = nil
            transfers[position].since = now
        }
    }

    /// The coordinator is to send the block itself.
    mutating func leavePeer(_ position: Int, _ now: MonotonicTime) {
        transfers[position].failedAt = transfers[position].endpoint
        transfers[position].endpoint = nil
        transfers[position].askedAt = nil
        transfers[position].since = now
    }
}
