import ClusterModel

/// Decides which chunks of which blocks are asked for when: a pure machine. Bytes stay with the shell.
///
/// Blocks come in the order they were wanted, urgent ones first, with at most `Limits.blockChunksInFlightMax` chunks
/// asked for at once. Every block wanted ends with one `complete` or `failed`.
struct BlockFetch {
    enum Event {
        /// A block is wanted; urgent when a slot is waiting for it. Wanting it again can only make it urgent.
        case wanted(BlockHash, byteCount: Int, isUrgent: Bool)
        case connected
        case disconnected
        /// A reply came with so many bytes.
        case replied(BlockReply, bytes: Int)
        case tick
    }

    enum Effect: Equatable {
        case ask(BlockRequest)
        /// Put the bytes of the reply at hand at this offset of the block.
        case keep(BlockHash, offset: Int, blockBytes: Int)
        /// All bytes are there.
        case complete(BlockHash)
        /// The block is not to be had; the reason is the end of a sentence.
        case failed(BlockHash, reason: String)
        /// Replace the socket: the connection is there, but nothing comes.
        case reconnect
    }

    private enum Stage: Equatable {
        /// Not asked for, or lost with its connection. Goes to asked.
        case open
        /// Goes to here, or back to open.
        case asked(at: MonotonicTime)
        case here
    }

    private struct Chunk {
        let offset: Int
        let length: Int
        var stage = Stage.open
        var tries = 0

        var isAsked: Bool {
            if case .asked = stage { true } else { false }
        }
    }

    private struct Transfer {
        let hash: BlockHash
        let byteCount: Int
        var isUrgent: Bool
        let wantedAt: MonotonicTime
        var chunks: [Chunk]
    }

    /// In the order they are fetched.
    private var transfers: [Transfer] = []
    private var isConnected = false
    private var lastHeard = MonotonicTime(nanoseconds: .min)
    private var asked = 0
    private var effects: [Effect] = []

    var isIdle: Bool { transfers.isEmpty }

    mutating func handle(_ event: Event, at now: MonotonicTime) -> [Effect] {
        switch event {
        case .wanted(let hash, let byteCount, let isUrgent): want(hash, byteCount, isUrgent, now)
        case .connected:
            isConnected = true
            lastHeard = now
        case .disconnected: disconnect()
        case .replied(let reply, let bytes): take(reply, bytes, now)
        case .tick: runTimers(now)
        }
        askMore(now)
        var done: [Effect] = []
        swap(&done, &effects)
        return done
    }

    private mutating func want(_ hash: BlockHash, _ byteCount: Int, _ isUrgent: Bool, _ now: MonotonicTime) {
        if let position = transfers.firstIndex(where: { $0.hash == hash }) {
            guard isUrgent, !transfers[position].isUrgent else { return }
            var transfer = transfers.remove(at: position)
            transfer.isUrgent = true
            insert(transfer)
            return
        }
        guard byteCount > 0 else {
            effects.append(.failed(hash, reason: "it has no bytes"))
            return
        }
        guard transfers.count < Limits.blocksWantedMax else {
            effects.append(.failed(hash, reason: "\(transfers.count) blocks are wanted already"))
            return
        }
        let chunks = stride(from: 0, to: byteCount, by: Limits.blockChunkBytesMax).map {
            Chunk(offset: $0, length: min(Limits.blockChunkBytesMax, byteCount - $0))
        }
        insert(Transfer(hash: hash, byteCount: byteCount, isUrgent: isUrgent, wantedAt: now, chunks: chunks))
    }

    private mutating func insert(_ transfer: Transfer) {
        let position = transfer.isUrgent ? transfers.firstIndex { !$0.isUrgent } : nil
        transfers.insert(transfer, at: position ?? transfers.count)
    }

    private mutating func take(_ reply: BlockReply, _ bytes: Int, _ now: MonotonicTime) {
        lastHeard = now
        // What nobody is waiting for any more came twice or too late.
        guard let position = transfers.firstIndex(where: { $0.hash == reply.hash }) else { return }
        let transfer = transfers[position]
        guard let index = transfer.chunks.firstIndex(where: { $0.offset == reply.offset }) else { return }
        let chunk = transfer.chunks[index]
        guard case .asked = chunk.stage else { return }

        guard reply.totalBytes == transfer.byteCount else {
            let found = reply.totalBytes == 0 ? "it is not held there" : "it has \(reply.totalBytes) bytes there"
            fail(position, "\(found), \(transfer.byteCount) bytes were expected")
            return
        }
        guard bytes == chunk.length else {
            fail(position, "a chunk of \(bytes) bytes came where \(chunk.length) were asked for")
            return
        }
        asked -= 1
        transfers[position].chunks[index].stage = .here
        effects.append(.keep(reply.hash, offset: chunk.offset, blockBytes: transfer.byteCount))
        if transfers[position].chunks.allSatisfy({ $0.stage == .here }) {
            transfers.remove(at: position)
            effects.append(.complete(reply.hash))
        }
    }

    private mutating func fail(_ position: Int, _ reason: String) {
        let transfer = transfers.remove(at: position)
        asked -= transfer.chunks.count { $0.isAsked }
        effects.append(.failed(transfer.hash, reason: reason))
    }

    private mutating func disconnect() {
        isConnected = false
        asked = 0
        for position in transfers.indices {
            for index in transfers[position].chunks.indices where transfers[position].chunks[index].isAsked {
                transfers[position].chunks[index].stage = .open
            }
        }
    }

    private mutating func askMore(_ now: MonotonicTime) {
        guard isConnected else { return }
        for position in transfers.indices {
            for index in transfers[position].chunks.indices where transfers[position].chunks[index].stage == .open {
                guard asked < Limits.blockChunksInFlightMax else { return }
                asked += 1
                transfers[position].chunks[index].stage = .asked(at: now)
                let chunk = transfers[position].chunks[index]
                effects.append(
                    .ask(
                        BlockRequest(
                            hash: transfers[position].hash, offset: UInt64(chunk.offset), length: UInt32(chunk.length))))
            }
        }
    }

    // MARK: Time

    /// A slow line is not a silent one: as long as something comes, nothing is asked for twice; but not for ever.
    private func retryTime(_ askedAt: MonotonicTime) -> MonotonicTime {
        min(
            max(askedAt, lastHeard).advanced(milliseconds: Limits.blockRetryMilliseconds),
            askedAt.advanced(milliseconds: Limits.blockSilenceMilliseconds))
    }

    private func giveUpTime(_ transfer: Transfer) -> MonotonicTime {
        max(transfer.wantedAt, lastHeard).advanced(milliseconds: Limits.blockSilenceMilliseconds)
    }

    private mutating func runTimers(_ now: MonotonicTime) {
        for position in transfers.indices.reversed() where now >= giveUpTime(transfers[position]) {
            fail(position, "nothing was heard from there for \(Limits.blockSilenceMilliseconds / 1_000) s")
        }
        var isStuck = false
        for position in transfers.indices {
            for index in transfers[position].chunks.indices {
                guard case .asked(let askedAt) = transfers[position].chunks[index].stage, now >= retryTime(askedAt) else {
                    continue
                }
                asked -= 1
                transfers[position].chunks[index].stage = .open
                transfers[position].chunks[index].tries += 1
                // One repeated request may have been lost; two in a row are a connection that is dead at the other end.
                if transfers[position].chunks[index].tries % 2 == 0 { isStuck = true }
            }
        }
        let tired = transfers.indices.reversed().filter { position in
            transfers[position].chunks.contains { $0.tries >= Limits.blockChunkTriesMax }
        }
        for position in tired { fail(position, "\(Limits.blockChunkTriesMax) requests for a chunk of it went unanswered") }
        if isStuck, isConnected {
            disconnect()
            effects.append(.reconnect)
        }
    }

    /// When to say `tick` at the latest.
    var nextDeadline: MonotonicTime? {
        var deadline: MonotonicTime?
        func consider(_ time: MonotonicTime) { deadline = deadline.map { min($0, time) } ?? time }
        for transfer in transfers {
            consider(giveUpTime(transfer))
            for chunk in transfer.chunks {
                if case .asked(let askedAt) = chunk.stage { consider(retryTime(askedAt)) }
            }
        }
        return deadline
    }
}
