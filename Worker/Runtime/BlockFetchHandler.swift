import ClusterModel
import Logging
import Messaging
import Panel
import WireProtocol

/// The shell around `BlockFetch`: owns the connection to the coordinator's block server. The thread that talks to other workers
/// starts with the first block that is to be had there.
struct BlockFetchHandler: SocketHandler {
    enum Command: Sendable {
        case want([WantedPart], isUrgent: Bool)
        /// Fetch from there from now on.
        case serveFrom(Endpoint)
        /// From the thread that talks to other workers: what the one at this endpoint has said.
        case peerSaid(String, BlockReply, Payload)
        case peerSaidGarbage(String)
        /// Show this to other workers from now on.
        case join(BlockMembership)
    }

    /// A part of a block, or whatever else is asked for by its SHA-256.
    struct WantedPart: Sendable {
        let hash: BlockHash
        let byteCount: Int
    }

    private let held: @Sendable (BlockHash) -> Payload?
    private let deliver: @Sendable (BlockHash, Result<Payload, GridError>) -> Void
    private let logger: Logger
    private let poster: CommandPoster<Command>
    private var machine: BlockFetch
    private var peers: SocketLoop<BlockPeersHandler>?
    /// Whom that thread has been told to ask, one connection each.
    private var peersCalled: Set<String> = []
    private var membership: BlockMembership?
    private var malformedCount = 0

    /// - Parameters:
    ///   - asker: the worker's incarnation.
    ///   - membership: what is shown to other workers; nil where there are no keys.
    ///   - held: blocks that need not be fetched.
    ///   - deliver: called on this thread, once per block wanted.
    init(
        asker: UInt64, membership: BlockMembership?, poster: CommandPoster<Command>, logger: Logger,
        held: @escaping @Sendable (BlockHash) -> Payload?,
        deliver: @escaping @Sendable (BlockHash, Result<Payload, GridError>) -> Void
    ) {
        machine = BlockFetch(asker: asker)
        self.membership = membership
        self.poster = poster
        self.held = held
        self.deliver = deliver
        self.logger = logger
    }

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        do throws(GridError) {
            let (reply, block) = try WireCodec.decodeBlockReply(frames)
            take(reply, block, from: nil, at: now, port)
        } catch {
            // Whatever was meant by it is asked for again.
            malformedCount += 1
            if malformedCount == 1 { logger.warning("block server \(port.endpoint): \(error)") }
        }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        switch event {
        case .connected: tell(.connected, at: now, port)
        case .disconnected: tell(.disconnected, at: now, port)
        // The control socket has the same key and says what is wrong with it.
        case .connectFailed, .refused, .revoked: break
        case .dropped(_, let reason): logger.warning("block server \(port.endpoint) sent \(reason)")
        }
    }

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .want(let parts, let isUrgent):
            for part in parts {
                // It may have come since the command was given.
                if let payload = held(part.hash) {
                    deliver(part.hash, .success(payload))
                } else {
                    tell(.wanted(part.hash, byteCount: part.byteCount, isUrgent: isUrgent), at: now, port)
                }
            }
        case .serveFrom(let endpoint):
            tell(.disconnected, at: now, port)
            reconnect(port, to: endpoint)
        case .peerSaid(let peer, let reply, let block): take(reply, block, from: peer, at: now, port)
        case .peerSaidGarbage(let peer):
            tell(.garbage(from: peer), at: now, port)
        case .join(let membership):
            self.membership = membership
            leavePeers(at: now, port)
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
        tell(.tick, at: now, port)
        return machine.nextDeadline
    }

    private mutating func take(
        _ reply: BlockReply, _ block: Payload, from peer: String?, at now: MonotonicTime, _ port: SocketPort
    ) {
        // What nobody waits for is not worth the time.
        let isHashed = machine.awaits(reply.hash, from: peer) && block.count > 0
        let found = isHashed ? block.withUnsafeBytes(PanelHashing.hash) : BlockHash(words: (0, 0, 0, 0))
        tell(.replied(reply, bytes: block.count, found: found, from: peer), block: block, at: now, port)
    }

    /// - Parameter block: what came with the reply.
    private mutating func tell(
        _ event: BlockFetch.Event, block: Payload? = nil, at now: MonotonicTime, _ port: SocketPort
    ) {
        var leavesPeers = false
        for effect in machine.handle(event, at: now) {
            switch effect {
            // A request that cannot be sent is one that gets no answer: it is repeated in time.
            case .ask(let request, nil):
                send(try? WireCodec.encode(request), port)
            case .ask(let request, let peer?):
                leavesPeers = leavesPeers || peersCalled.count >= Limits.blockPeersCalledMax && !peersCalled.contains(peer)
                ask(request, at: peer)
            case .notify(let notice):
                send(try? WireCodec.encode(notice), port)
            case .deliver(let hash):
                if let block { deliver(hash, .success(block)) }
            case .shunned(let peer, let reason):
                logger.warning("no blocks from \(peer) for a while: \(reason)")
                leavesPeers = true
            case .failed(let hash, let reason):
                deliver(
                    hash, .failure(GridError(.failed, "block \(hash) cannot be had from \(port.endpoint): \(reason)")))
            case .reconnect:
                reconnect(port, to: nil)
            }
        }
        if leavesPeers { leavePeers(at: now, port) }
    }

    /// Ends all connections to other workers, since a single one cannot be ended; the next that is asked gets a new one.
    private mutating func leavePeers(at now: MonotonicTime, _ port: SocketPort) {
        peers?.stop()
        peers = nil
        peersCalled = []
        tell(.peersLeft, at: now, port)
    }

    private func send(_ frames: [Payload]?, _ port: SocketPort) {
        guard let frames, let peer = port.connectedPeer else { return }
        _ = port.send(frames, to: peer)
    }

    private mutating func ask(_ request: BlockRequest, at peer: String) {
        if peers == nil {
            var options = SocketOptions()
            options.lingerMilliseconds = 0
            options.security = membership?.client ?? .none
            let (poster, logger) = (poster, logger)
            do throws(GridError) {
                peers = try SocketLoop(name: "peer-blocks", .caller, options: options) { _ in
                    BlockPeersHandler(report: poster, logger: logger)
                }
            } catch {
                // The coordinator has the block too, and is asked for it when nothing comes.
                logger.error("\(error)")
            }
        }
        peersCalled.insert(peer)
        peers?.post(.ask(request, at: peer))
    }

    private func reconnect(_ port: SocketPort, to endpoint: Endpoint?) {
        do throws(GridError) {
            try port.reconnect(to: endpoint)
        } catch {
            // Blocks wanted run into their time limit, and their tasks say so.
            logger.error("\(error)")
        }
    }
}
