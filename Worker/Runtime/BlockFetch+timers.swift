import ClusterModel

// Time: what is asked for again, and who is given up.

extension BlockFetch {
    /// A slow line is not a silent one: as long as something comes, nothing is asked for twice; but not for ever.
    private func retryTime(_ askedAt: MonotonicTime) -> MonotonicTime {
        min(
            max(askedAt, lastHeard).advanced(milliseconds: Limits.blockRetryMilliseconds),
            askedAt.advanced(milliseconds: Limits.blockSilenceMilliseconds))
    }

    /// A worker is not asked twice: there is somebody else who has the block for certain.
    private func peerTime(_ askedAt: MonotonicTime, _ transfer: Transfer) -> MonotonicTime {
        min(
            max(askedAt, transfer.heardAt).advanced(milliseconds: Limits.blockPeerSilenceMilliseconds),
            askedAt.advanced(milliseconds: Limits.blockPeerPatienceMilliseconds))
    }

    private func giveUpTime(_ transfer: Transfer) -> MonotonicTime {
        max(transfer.since, lastHeard).advanced(milliseconds: Limits.blockSilenceMilliseconds)
    }

    mutating func runTimers(_ now: MonotonicTime) {
        givePeersUp(now)
        for position in transfers.indices.reversed()
        where transfers[position].endpoint == nil && now >= giveUpTime(transfers[position]) {
            fail(position, "nothing was heard from there for \(Limits.blockSilenceMilliseconds / 1_000) s")
        }
        if retry(now), isConnected {
            disconnect()
            effects.append(.reconnect)
        }
    }

    private mutating func givePeersUp(_ now: MonotonicTime) {
        for position in transfers.indices {
            guard let peer = transfers[position].endpoint, let askedAt = transfers[position].askedAt,
                now >= peerTime(askedAt, transfers[position])
            else { continue }
            shun(peer, "a block that was asked for there did not come", now)
        }
    }

    /// - Returns: whether the coordinator's connection seems to be dead.
    private mutating func retry(_ now: MonotonicTime) -> Bool {
        var isStuck = false
        for position in transfers.indices.reversed() where transfers[position].endpoint == nil {
            guard let askedAt = transfers[position].askedAt, now >= retryTime(askedAt) else { continue }
            transfers[position].askedAt = nil
            transfers[position].tries += 1
            // One repeated request may have been lost; two in a row are a connection that is dead at the other end, unless
            // something comes by it: then it only has more to carry than it can, and a new one would begin again.
            let isSilent = now >= lastHeard.advanced(milliseconds: Limits.blockRetryMilliseconds)
            if isSilent, transfers[position].tries.isMultiple(of: 2) { isStuck = true }
            if transfers[position].tries >= Limits.blockTriesMax {
                fail(position, "\(Limits.blockTriesMax) requests for it went unanswered")
            }
        }
        return isStuck
    }

    /// When to say `tick` at the latest.
    var nextDeadline: MonotonicTime? {
        var deadline: MonotonicTime?
        func consider(_ time: MonotonicTime) { deadline = deadline.map { min($0, time) } ?? time }
        for transfer in transfers {
            let isPeers = transfer.endpoint != nil
            if !isPeers { consider(giveUpTime(transfer)) }
            if let askedAt = transfer.askedAt { consider(isPeers ? peerTime(askedAt, transfer) : retryTime(askedAt)) }
        }
        return deadline
    }
}
