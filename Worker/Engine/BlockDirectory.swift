import ClusterModel

/// Who has which block, and who is fetching it: decides whether the coordinator's block server answers a request itself or
/// sends the asker to a worker that serves what it holds. A pure machine, the same in a coordinator and in a model of one.
///
/// A block goes out of the coordinator to the first that ask, the others wait until one of these has it, and are then sent
/// there: it spreads like a tree. Nothing here is vital: whoever was sent in vain asks again and gets bytes, and nobody
/// waits longer than `Limits.blockWaitMilliseconds`.
package struct BlockDirectory: Sendable {
    package enum Event: Sendable {
        /// A worker has introduced itself, perhaps with an endpoint at which it serves.
        case joined(Hello)
        case left(WorkerID)
        /// A worker asks for a block, or for a part of one.
        case asked(Peer, BlockRequest)
        case notice(BlockNotice)
        /// No job needs these blocks any more.
        case forgotten([BlockHash])
        case tick
    }

    package enum Effect: Equatable, Sendable {
        case sendBytes(Peer, BlockRequest, wantsNotice: Bool)
        case redirect(Peer, BlockRequest, to: String)
    }

    /// A worker, by its incarnation.
    private struct Member {
        let worker: WorkerID
        let host: String
        /// Nil for one that serves nothing.
        let endpoint: String?
        /// Only reached from its own host.
        let isLocal: Bool
    }

    /// A fetch that was begun; the source is a worker or, when nil, the coordinator.
    private struct Grant {
        let asker: UInt64
        let source: UInt64?
        let endsAt: MonotonicTime
    }

    private struct Record {
        /// Workers that have the block and serve it; the first was sent an asker longest ago.
        var holders: [UInt64] = []
        var grants: [Grant] = []
    }

    private struct Waiting {
        let peer: Peer
        let request: BlockRequest
        let since: MonotonicTime
    }

    private enum Place {
        case coordinator
        case worker(UInt64, endpoint: String)
        /// Somebody is fetching the block who can serve the asker afterwards.
        case later
    }

    private var members: [UInt64: Member] = [:]
    private var incarnations: [WorkerID: UInt64] = [:]
    private var servers = 0
    private var records: [BlockHash: Record] = [:]
    /// In the order in which they asked.
    private var waiting: [Waiting] = []
    private var effects: [Effect] = []
    private var now = MonotonicTime(nanoseconds: .min)

    /// Requests answered with an address, and those answered with bytes, of workers that take either.
    package private(set) var redirectCount = 0
    package private(set) var bytesCount = 0

    package init() {}

    package mutating func handle(_ event: Event, at now: MonotonicTime) -> [Effect] {
        self.now = max(self.now, now)
        switch event {
        case .joined(let hello): join(hello)
        case .left(let worker): leave(worker)
        case .asked(let peer, let request): ask(peer, request)
        case .notice(let notice): arrived(notice)
        case .forgotten(let hashes): for hash in hashes { records[hash] = nil }
        case .tick: break
        }
        endWaiting()
        var done: [Effect] = []
        swap(&done, &effects)
        return done
    }

    /// When to say `tick` at the latest.
    package var nextDeadline: MonotonicTime? {
        waiting.first?.since.advanced(milliseconds: Limits.blockWaitMilliseconds)
    }

    package var isServed: Bool { servers > 0 }

    // MARK: Workers

    private mutating func join(_ hello: Hello) {
        leave(hello.worker)
        // Whatever a worker says of itself, each has a place of its own.
        if let other = members[hello.incarnation] { leave(other.worker) }
        // A worker that drains is about to take its blocks with it.
        let endpoint = hello.draining ? nil : hello.blockEndpoint
        guard members.count < Limits.workersMax else { return }
        members[hello.incarnation] = Member(
            worker: hello.worker, host: hello.host, endpoint: endpoint, isLocal: endpoint.map(Self.isLoopback) ?? false)
        incarnations[hello.worker] = hello.incarnation
        if endpoint != nil { servers += 1 }
    }

    /// What it held is noticed when somebody would be sent there.
    private mutating func leave(_ worker: WorkerID) {
        guard let incarnation = incarnations.removeValue(forKey: worker),
            let member = members.removeValue(forKey: incarnation)
        else { return }
        if member.endpoint != nil { servers -= 1 }
    }

    private static func isLoopback(_ endpoint: String) -> Bool {
        ["tcp://127.", "tcp://localhost:", "tcp://[::1]:"].contains { endpoint.hasPrefix($0) }
    }

    /// Where `asker` can fetch from `server`; nil when it cannot.
    private func endpoint(of server: UInt64, for asker: UInt64) -> String? {
        guard server != asker, let member = members[server], let endpoint = member.endpoint else { return nil }
        return member.isLocal && members[asker]?.host != member.host ? nil : endpoint
    }

    // MARK: Requests

    private mutating func ask(_ peer: Peer, _ request: BlockRequest) {
        if let endpoint = request.failedAt {
            records[request.hash]?.holders.removeAll { [members] in members[$0]?.endpoint == endpoint }
        }
        // Whoever asks again has not got what it was promised.
        records[request.hash]?.grants.removeAll { $0.asker == request.asker }
        waiting.removeAll { $0.peer == peer && $0.request.hash == request.hash }
        guard request.mayRedirect, servers > 0 else {
            sendBytes(peer, request)
            return
        }
        if !answer(peer, request) {
            if waiting.count < Limits.blockRequestsWaitingMax {
                waiting.append(Waiting(peer: peer, request: request, since: now))
            } else {
                sendBytes(peer, request)
            }
        }
    }

    /// False when the asker had better wait.
    private mutating func answer(_ peer: Peer, _ request: BlockRequest) -> Bool {
        switch place(for: request) {
        case .later: return false
        case .coordinator: sendBytes(peer, request)
        case .worker(let server, let endpoint):
            records[request.hash]?.holders.removeAll { $0 == server }
            records[request.hash]?.holders.append(server)
            grant(request, from: server)
            redirectCount += 1
            effects.append(.redirect(peer, request, to: endpoint))
        }
        return true
    }

    private mutating func place(for request: BlockRequest) -> Place {
        guard var record = records[request.hash] else { return .coordinator }
        record.grants.removeAll { now >= $0.endsAt }
        record.holders.removeAll { members[$0]?.endpoint == nil }
        records[request.hash] = record

        var isHeld = false
        for holder in record.holders {
            guard let endpoint = endpoint(of: holder, for: request.asker) else { continue }
            isHeld = true
            if record.grants.count(where: { $0.source == holder }) < Limits.blockFetchersPerSourceMax {
                return .worker(holder, endpoint: endpoint)
            }
        }
        let isFetched = record.grants.contains { endpoint(of: $0.asker, for: request.asker) != nil }
        if isHeld || isFetched && record.grants.count(where: { $0.source == nil }) >= Limits.blockFetchersPerSourceMax {
            return .later
        }
        return .coordinator
    }

    private mutating func sendBytes(_ peer: Peer, _ request: BlockRequest) {
        // Whoever does not say who it is cannot be waited for.
        let isTracked = request.asker != 0 && servers > 0
        if isTracked {
            grant(request, from: nil)
            bytesCount += 1
        }
        effects.append(.sendBytes(peer, request, wantsNotice: isTracked))
    }

    private mutating func grant(_ request: BlockRequest, from source: UInt64?) {
        guard records[request.hash] != nil || records.count < Limits.blocksTrackedMax else { return }
        let endsAt = now.advanced(milliseconds: Limits.blockGrantMilliseconds)
        var record = records[request.hash] ?? Record()
        record.grants.removeAll { now >= $0.endsAt }
        if record.grants.count < Limits.blockGrantsMax {
            record.grants.append(Grant(asker: request.asker, source: source, endsAt: endsAt))
        }
        records[request.hash] = record
    }

    private mutating func arrived(_ notice: BlockNotice) {
        guard var record = records[notice.hash] else { return }
        record.grants.removeAll { $0.asker == notice.asker || now >= $0.endsAt }
        if members[notice.asker]?.endpoint != nil, !record.holders.contains(notice.asker),
            record.holders.count < Limits.blockHoldersMax
        {
            record.holders.insert(notice.asker, at: 0)
        }
        records[notice.hash] = record
        serveWaiting(for: notice.hash)
    }

    // MARK: Waiting

    /// In their order, until one has to wait on.
    private mutating func serveWaiting(for hash: BlockHash) {
        while let position = waiting.firstIndex(where: { $0.request.hash == hash }) {
            guard answer(waiting[position].peer, waiting[position].request) else { return }
            waiting.remove(at: position)
        }
    }

    private mutating func endWaiting() {
        while let first = waiting.first,
            now >= first.since.advanced(milliseconds: Limits.blockWaitMilliseconds) || servers == 0
        {
            waiting.removeFirst()
            sendBytes(first.peer, first.request)
        }
    }
}
