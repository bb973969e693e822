import ClusterModel

// What comes of what was asked for.

extension BlockFetch {
    mutating func takeFromCoordinator(_ reply: BlockReply, _ bytes: Int, _ now: MonotonicTime) {
        lastHeard = now
        // What nobody is waiting for any more came twice or too late.
        guard let position = transfers.firstIndex(where: { $0.hash == reply.hash }),
            transfers[position].source.endpoint == nil,
            let index = transfers[position].chunks.firstIndex(where: { $0.offset == reply.offset }),
            transfers[position].chunks[index].isAsked
        else { return }
        let transfer = transfers[position]
        if let endpoint = reply.askThere {
            redirect(position, to: endpoint, now)
            return
        }
        if let reason = Self.fault(reply, bytes, transfer, transfer.chunks[index]) {
            fail(position, reason)
            return
        }
        transfers[position].source = .coordinator
        if reply.wantsNotice { transfers[position].wantsNotice = true }
        keep(position, index)
    }

    mutating func take(_ reply: BlockReply, _ bytes: Int, from peer: String, _ now: MonotonicTime) {
        for position in transfers.indices where transfers[position].source == .peer(peer) {
            transfers[position].heardAt = now
        }
        guard let position = transfers.firstIndex(where: { $0.hash == reply.hash && $0.source == .peer(peer) }),
            let index = transfers[position].chunks.firstIndex(where: { $0.offset == reply.offset }),
            transfers[position].chunks[index].isAsked
        else { return }
        let transfer = transfers[position]
        if let reason = Self.fault(reply, bytes, transfer, transfer.chunks[index]) {
            // Having let go of a block is no fault.
            if reply.totalBytes == 0 { leavePeer(position, now) } else { shun(peer, reason, now) }
            return
        }
        keep(position, index)
    }

    /// What is wrong with a reply, as the end of a sentence.
    private static func fault(_ reply: BlockReply, _ bytes: Int, _ transfer: Transfer, _ chunk: Chunk) -> String? {
        guard reply.totalBytes == transfer.byteCount else {
            let found = reply.totalBytes == 0 ? "it is not held there" : "it has \(reply.totalBytes) bytes there"
            return "\(found), \(transfer.byteCount) bytes were expected"
        }
        guard bytes == chunk.length else {
            return "a chunk of \(bytes) bytes came where \(chunk.length) were asked for"
        }
        return nil
    }

    private mutating func keep(_ position: Int, _ index: Int) {
        asked -= 1
        transfers[position].chunks[index].stage = .here
        let transfer = transfers[position]
        effects.append(.keep(transfer.hash, offset: transfer.chunks[index].offset, blockBytes: transfer.byteCount))
        if transfer.chunks.allSatisfy({ $0.stage == .here }) { effects.append(.check(transfer.hash)) }
    }

    mutating func checked(_ hash: BlockHash, _ found: BlockHash, _ now: MonotonicTime) {
        guard let position = transfers.firstIndex(where: { $0.hash == hash }),
            transfers[position].chunks.allSatisfy({ $0.stage == .here })
        else { return }
        if found == hash {
            let transfer = transfers.remove(at: position)
            effects.append(.deliver(hash))
            if transfer.wantsNotice { effects.append(.notify(BlockNotice(hash: hash, asker: asker))) }
        } else if let peer = transfers[position].source.endpoint {
            shun(peer, "block \(hash) came from there with other bytes: their SHA-256 is \(found)", now)
        } else {
            fail(position, "it came with other bytes: their SHA-256 is \(found)")
        }
    }

    mutating func fail(_ position: Int, _ reason: String) {
        let transfer = transfers.remove(at: position)
        asked -= transfer.chunks.count { $0.isAsked }
        effects.append(.failed(transfer.hash, reason: reason))
    }

    mutating func disconnect() {
        isConnected = false
        for position in transfers.indices where transfers[position].source.endpoint == nil {
            reopen(position, alsoHere: false)
        }
    }
}
