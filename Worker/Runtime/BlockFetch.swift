import ClusterModel

/// Decides which chunks of which blocks are asked for when and where: a pure machine. Bytes stay with the shell.
///
/// Blocks come in the order they were wanted, urgent ones first, with at most `Limits.blockChunksInFlightMax` chunks
/// asked for at once. The first chunk is asked of the coordinator, which answers with it or with the endpoint of a worker
/// that has the block. When that one fails, in whatever way, the block is fetched from the coordinator after all. Every
/// block wanted ends with one `deliver` or `failed`; but for hints, of which too many are not listened to. What is called a
/// block here is a part of one (see `BlockSize`).
struct BlockFetch {
    enum Event {
        /// A block is wanted; urgent when a slot is waiting for it. Wanting it again can only make it urgent.
        case wanted(BlockHash, byteCount: Int, isUrgent: Bool)
        /// The connection to the coordinator is there, or gone.
        case connected
        case disconnected
        /// A reply came with so many bytes, from the worker at this endpoint or, when nil, from the coordinator.
        case replied(BlockReply, bytes: Int, from: String? = nil)
        /// What came from a worker was no reply.
        case garbage(from: String)
        /// The hash of a block that was complete.
        case checked(BlockHash, found: BlockHash)
        case tick
    }

    enum Effect: Equatable {
        /// Ask the worker at this endpoint or, when nil, the coordinator.
        case ask(BlockRequest, at: String? = nil)
        /// Put the bytes of the reply at hand at this offset of the block.
        case keep(BlockHash, offset: Int, blockBytes: Int)
        /// All bytes are there: look whether they are the right ones.
        case check(BlockHash)
        case deliver(BlockHash)
        /// The block is not to be had; the reason is the end of a sentence.
        case failed(BlockHash, reason: String)
        /// What came of the block so far is of no use.
        case discard(BlockHash)
        /// Tell the coordinator.
        case notify(BlockNotice)
        /// A worker did not do what it should, and is not asked for a while.
        case shunned(String, reason: String)
        /// Replace the coordinator's socket: the connection is there, but nothing comes.
        case reconnect
    }

    /// Where a block comes from.
    enum Source: Equatable {
        /// To be decided by the coordinator's answer. Goes to coordinator or peer.
        case unknown
        /// Stays.
        case coordinator
        /// Goes back to unknown when the worker fails.
        case peer(String)

        var endpoint: String? { if case .peer(let endpoint) = self { endpoint } else { nil } }
    }

    enum Stage: Equatable {
        /// Not asked for, or lost with its connection. Goes to asked.
        case open
        /// Goes to here, or back to open.
        case asked(at: MonotonicTime)
        case here
    }

    struct Chunk {
        let offset: Int
        let length: Int
        var stage = Stage.open
        var tries = 0

        var isAsked: Bool {
            if case .asked = stage { true } else { false }
        }
    }

    struct Transfer {
        let hash: BlockHash
        let byteCount: Int
        var isUrgent: Bool
        /// When it was wanted, or a worker had failed.
        var since: MonotonicTime
        var chunks: [Chunk]
        var source = Source.unknown
        /// Whether the coordinator wants to know when the block is here.
        var wantsNotice = false
        /// The worker that failed, or nil: then the coordinator may name one.
        var failedAt: String?
        var mayRedirect = true
        /// Of the worker it comes from.
        var heardAt = MonotonicTime(nanoseconds: .min)
    }

    private struct Shunned {
        let endpoint: String
        let until: MonotonicTime
    }

    /// In the order they are fetched.
    var transfers: [Transfer] = []
    var isConnected = false
    var lastHeard = MonotonicTime(nanoseconds: .min)
    var asked = 0
    var effects: [Effect] = []
    /// Workers that are not asked, the oldest first.
    private var shunned: [Shunned] = []
    let asker: UInt64

    /// - Parameter asker: the worker's incarnation.
    init(asker: UInt64 = 0) { self.asker = asker }

    var isIdle: Bool { transfers.isEmpty }

    mutating func handle(_ event: Event, at now: MonotonicTime) -> [Effect] {
        switch event {
        case .wanted(let hash, let byteCount, let isUrgent): want(hash, byteCount, isUrgent, now)
        case .connected:
            isConnected = true
            lastHeard = now
        case .disconnected: disconnect()
        case .replied(let reply, let bytes, nil): takeFromCoordinator(reply, bytes, now)
        case .replied(let reply, let bytes, let peer?): take(reply, bytes, from: peer, now)
        case .garbage(let peer): shun(peer, "what came from there is no block reply", now)
        case .checked(let hash, let found): checked(hash, found, now)
        case .tick: runTimers(now)
        }
        askMore(now)
        var done: [Effect] = []
        swap(&done, &effects)
        return done
    }

    // MARK: Wanting

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
        // Nobody waits for what was only hinted at. Those that are waited for are bounded by the slots, one block each.
        guard isUrgent || transfers.count < Limits.blocksWantedMax else { return }
        let chunks = stride(from: 0, to: byteCount, by: Limits.blockChunkBytesMax).map {
            Chunk(offset: $0, length: min(Limits.blockChunkBytesMax, byteCount - $0))
        }
        insert(Transfer(hash: hash, byteCount: byteCount, isUrgent: isUrgent, since: now, chunks: chunks))
    }

    private mutating func insert(_ transfer: Transfer) {
        let position = transfer.isUrgent ? transfers.firstIndex { !$0.isUrgent } : nil
        transfers.insert(transfer, at: position ?? transfers.count)
    }

    private mutating func askMore(_ now: MonotonicTime) {
        for position in transfers.indices {
            let transfer = transfers[position]
            guard isConnected || transfer.source.endpoint != nil else { continue }
            // Until it is known who sends the block, one chunk is enough.
            for index in transfer.source == .unknown ? 0..<1 : transfer.chunks.indices
            where transfer.chunks[index].stage == .open {
                guard asked < Limits.blockChunksInFlightMax else { return }
                asked += 1
                transfers[position].chunks[index].stage = .asked(at: now)
                effects.append(.ask(request(for: transfer.chunks[index], of: transfer), at: transfer.source.endpoint))
            }
        }
    }

    private func request(for chunk: Chunk, of transfer: Transfer) -> BlockRequest {
        let isFirst = transfer.source == .unknown
        return BlockRequest(
            hash: transfer.hash, offset: UInt64(chunk.offset), length: UInt32(chunk.length),
            mayRedirect: isFirst && transfer.mayRedirect, asker: asker, failedAt: isFirst ? transfer.failedAt : nil)
    }

    // MARK: Workers that are not asked

    func isShunned(_ endpoint: String, _ now: MonotonicTime) -> Bool {
        shunned.contains { $0.endpoint == endpoint && now < $0.until }
    }

    mutating func remember(shunning endpoint: String, until: MonotonicTime) {
        shunned.removeAll { $0.endpoint == endpoint }
        if shunned.count >= Limits.blockPeersShunnedMax { shunned.removeFirst() }
        shunned.append(Shunned(endpoint: endpoint, until: until))
    }
}
