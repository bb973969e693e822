import ClusterModel

// What comes of what was asked for.

extension BlockFetch {
    mutating func takeFromCoordinator(_ reply: BlockReply, _ bytes: Int, _ found: BlockHash, _ now: MonotonicTime) {
        lastHeard = now
        // What nobody is waiting for any more came twice or too late.
        guard let position = position(of: reply.hash, from: nil) else { return }
        if let endpoint = reply.askThere {
            redirect(position, to: endpoint, now)
        } else if let reason = Self.wrongSize(bytes, transfers[position]) {
            fail(position, reason)
        } else if found != reply.hash {
            fail(position, "it came with other bytes: their SHA-256 is \(found)")
        } else {
            deliver(position, wantsNotice: reply.wantsNotice)
        }
    }

    mutating func take(_ reply: BlockReply, _ bytes: Int, _ found: BlockHash, from peer: String, _ now: MonotonicTime) {
        for position in transfers.indices where transfers[position].endpoint == peer { transfers[position].heardAt = now }
        guard let position = position(of: reply.hash, from: peer) else { return }
        if bytes == 0 {
            // Having let go of a block is no fault.
            leavePeer(position, now)
        } else if let reason = Self.wrongSize(bytes, transfers[position]) {
            shun(peer, reason, now)
        } else if found != reply.hash {
            shun(peer, "block \(reply.hash) came from there with other bytes: their SHA-256 is \(found)", now)
        } else {
            deliver(position, wantsNotice: true)
        }
    }

    /// The end of a sentence, or nil.
    private static func wrongSize(_ bytes: Int, _ transfer: Transfer) -> String? {
        guard bytes != transfer.byteCount else { return nil }
        let found = bytes == 0 ? "it is not held there" : "it has \(bytes) bytes there"
        return "\(found), \(transfer.byteCount) bytes were expected"
    }

    private mutating func deliver(_ position: Int, wantsNotice: Bool) {
        let hash = transfers.remove(at: position).hash
        effects.append(.deliver(hash))
        if wantsNotice { effects.append(.notify(BlockNotice(hash: hash, asker: asker))) }
    }

    mutating func fail(_ position: Int, _ reason: String) {
        effects.append(.failed(transfers.remove(at: position).hash, reason: reason))
    }

    mutating func disconnect() {
        isConnected = false
        for position in transfers.indices where transfers[position].endpoint == nil { transfers[position].askedAt = nil }
    }
}
