import ClusterModel

// Workers as sources: sent to them, and away from them.

extension BlockFetch {
    /// The coordinator says who has the block.
    mutating func redirect(_ position: Int, to endpoint: String, _ now: MonotonicTime) {
        guard transfers[position].source == .unknown, transfers[position].mayRedirect else {
            fail(position, "the answer was to ask \(endpoint.printable), though bytes were asked for")
            return
        }
        reopen(position, alsoHere: true)
        if isShunned(endpoint, now) || !isInUse(endpoint) && peersInUse >= Limits.blockPeersMax {
            transfers[position].mayRedirect = false
            transfers[position].failedAt = endpoint
        } else {
            transfers[position].source = .peer(endpoint)
            transfers[position].heardAt = now
            transfers[position].wantsNotice = true
        }
    }

    private func isInUse(_ endpoint: String) -> Bool { transfers.contains { $0.source == .peer(endpoint) } }

    private var peersInUse: Int { Set(transfers.compactMap(\.source.endpoint)).count }

    /// Takes away from a worker all it was to send, and does not ask it again for a while.
    mutating func shun(_ endpoint: String, _ reason: String, _ now: MonotonicTime) {
        remember(shunning: endpoint, until: now.advanced(milliseconds: Limits.blockPeerShunnedMilliseconds))
        effects.append(.shunned(endpoint, reason: reason))
        for position in transfers.indices where transfers[position].source == .peer(endpoint) { leavePeer(position, now) }
    }

    /// The coordinator is to send the block itself: all of it, since nothing of the worker's can be checked by itself.
    mutating func leavePeer(_ position: Int, _ now: MonotonicTime) {
        guard let endpoint = transfers[position].source.endpoint else { return }
        if transfers[position].chunks.contains(where: { $0.stage == .here }) {
            effects.append(.discard(transfers[position].hash))
        }
        reopen(position, alsoHere: true)
        transfers[position].source = .unknown
        transfers[position].mayRedirect = false
        transfers[position].failedAt = endpoint
        transfers[position].since = now
    }

    /// Chunks on their way, or also those that are here, are asked for anew.
    mutating func reopen(_ position: Int, alsoHere: Bool) {
        for index in transfers[position].chunks.indices {
            switch transfers[position].chunks[index].stage {
            case .asked:
                asked -= 1
                transfers[position].chunks[index].stage = .open
            case .here: if alsoHere { transfers[position].chunks[index].stage = .open }
            case .open: break
            }
        }
    }
}
