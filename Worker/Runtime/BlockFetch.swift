import ClusterModel

/// Decides which blocks are asked for when and where: a pure machine. Bytes stay with the shell.
///
/// What is called a block here is a part of one (see `BlockSize`). Blocks are asked for in the order they were wanted, urgent
/// ones first, at most `Limits.blockPartsInFlightMax` of them and `Limits.blockPartBytesInFlightMax` bytes at once: of the
/// coordinator, which answers with the bytes or with the endpoint of a worker that has them. When that one fails, in whatever
/// way, the coordinator sends the block after all. Every block wanted ends with one `deliver` or `failed`; but for hints, of
/// which too many are not listened to.
struct BlockFetch {
    enum Event {
        /// A block is wanted; urgent when a slot is waiting for it. Wanting it again can only make it urgent.
        case wanted(BlockHash, byteCount: Int, isUrgent: Bool)
        /// The connection to the coordinator is there, or gone.
        case connected
        case disconnected
        /// A reply came with so many bytes of this SHA-256, from the worker at this endpoint or, when nil, from the coordinator.
        case replied(BlockReply, bytes: Int, found: BlockHash, from: String? = nil)
        /// What came from a worker was no reply.
        case garbage(from: String)
        /// The connections to all workers are gone.
        case peersLeft
        case tick
    }

    enum Effect: Equatable {
        /// Ask the worker at this endpoint or, when nil, the coordinator.
        case ask(BlockRequest, at: String? = nil)
        /// The bytes of the reply at hand are the block.
        case deliver(BlockHash)
        /// The block is not to be had; the reason is the end of a sentence.
        case failed(BlockHash, reason: String)
        /// Tell the coordinator.
        case notify(BlockNotice)
        /// A worker did not do what it should, and is not asked for a while.
        case shunned(String, reason: String)
        /// Replace the coordinator's socket: the connection is there, but nothing comes.
        case reconnect
    }

    struct Transfer {
        let hash: BlockHash
        let byteCount: Int
        var isUrgent: Bool
        /// When it was wanted, or a worker had failed.
        var since: MonotonicTime
        /// Nil when it has not been asked for, or was lost with its connection.
        var askedAt: MonotonicTime?
        /// Requests to the coordinator that went unanswered.
        var tries = 0
        /// The worker that it is asked of; nil for the coordinator.
        var endpoint: String?
        /// When the worker last said something.
        var heardAt = MonotonicTime(nanoseconds: .min)
        /// The worker that failed, or nil: then the coordinator may name one.
        var failedAt: String?

        init(hash: BlockHash, byteCount: Int, isUrgent: Bool, since: MonotonicTime) {
            self.hash = hash
            self.byteCount = byteCount
            self.isUrgent = isUrgent
            self.since = since
        }
    }

    private struct Shunned {
        let endpoint: String
        let until: MonotonicTime
    }

    /// In the order they are asked for.
    var transfers: [Transfer] = []
    var isConnected = false
    var lastHeard = MonotonicTime(nanoseconds: .min)
    var effects: [Effect] = []
    /// Workers that are not asked, the oldest first.
    private var shunned: [Shunned] = []
    let asker: UInt64

    /// - Parameter asker: the worker's incarnation.
    init(asker: UInt64 = 0) { self.asker = asker }

    var isIdle: Bool { transfers.isEmpty }

    /// Whether a reply about this block, from the worker at `endpoint` or the coordinator, is of any interest.
    func awaits(_ hash: BlockHash, from endpoint: String?) -> Bool { position(of: hash, from: endpoint) != nil }

    mutating func handle(_ event: Event, at now: MonotonicTime) -> [Effect] {
        switch event {
        case .wanted(let hash, let byteCount, let isUrgent): want(hash, byteCount, isUrgent, now)
        case .connected:
            isConnected = true
            lastHeard = now
        case .disconnected: disconnect()
        case .replied(let reply, let bytes, let found, nil): takeFromCoordinator(reply, bytes, found, now)
        case .replied(let reply, let bytes, let found, let peer?): take(reply, bytes, found, from: peer, now)
        case .garbage(let peer):
            // Nobody else's blocks are to wait for one who goes on talking.
            if isInUse(peer) { shun(peer, "what came from there is no block reply", now) }
        case .peersLeft: leavePeers(now)
        case .tick: runTimers(now)
        }
        askMore(now)
        var done: [Effect] = []
        swap(&done, &effects)
        return done
    }

    /// Of a block that has been asked for there.
    func position(of hash: BlockHash, from endpoint: String?) -> Int? {
        transfers.firstIndex { $0.hash == hash && $0.endpoint == endpoint && $0.askedAt != nil }
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
        guard (1...Limits.blockPartBytesMax).contains(byteCount) else {
            effects.append(.failed(hash, reason: "it has \(byteCount) bytes, expected 1 to \(Limits.blockPartBytesMax)"))
            return
        }
        // Nobody waits for what was only hinted at. Those that are waited for are bounded by the slots, one block each.
        guard isUrgent || transfers.count < Limits.blocksWantedMax else { return }
        insert(Transfer(hash: hash, byteCount: byteCount, isUrgent: isUrgent, since: now))
    }

    private mutating func insert(_ transfer: Transfer) {
        let position = transfer.isUrgent ? transfers.firstIndex { !$0.isUrgent } : nil
        transfers.insert(transfer, at: position ?? transfers.count)
    }

    private mutating func askMore(_ now: MonotonicTime) {
        let asked = transfers.lazy.filter { $0.askedAt != nil }
        var count = asked.count
        var bytes = asked.reduce(0) { $0 + $1.byteCount }
        for position in transfers.indices where transfers[position].askedAt == nil {
            let transfer = transfers[position]
            guard isConnected || transfer.endpoint != nil else { continue }
            count += 1
            bytes += transfer.byteCount
            guard count <= Limits.blockPartsInFlightMax, bytes <= Limits.blockPartBytesInFlightMax else { return }
            transfers[position].askedAt = now
            effects.append(.ask(request(for: transfer), at: transfer.endpoint))
        }
    }

    private func request(for transfer: Transfer) -> BlockRequest {
        let isPeers = transfer.endpoint != nil
        return BlockRequest(
            hash: transfer.hash, mayRedirect: !isPeers && transfer.failedAt == nil, asker: asker,
            failedAt: isPeers ? nil : transfer.failedAt)
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
