import ClusterModel
import Logging
import Messaging
import Panel
import WireProtocol

/// The shell around `BlockFetch`: owns the connection to the coordinator's block server and the memory of blocks on their
/// way. The thread that talks to other workers starts with the first block that is to be had there.
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

    /// Memory of a block of several chunks, until it is complete.
    private struct Assembly {
        let payload: Payload
        let bytes: UnsafeMutableRawBufferPointer
    }

    private let held: @Sendable (BlockHash) -> Payload?
    private let deliver: @Sendable (BlockHash, Result<Payload, GridError>) -> Void
    private let logger: Logger
    private let poster: CommandPoster<Command>
    private var machine: BlockFetch
    private var peers: SocketLoop<BlockPeersHandler>?
    private var membership: BlockMembership?
    private var assemblies: [BlockHash: Assembly] = [:]
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
            let (reply, chunk) = try WireCodec.decodeBlockReply(frames)
            perform(machine.handle(.replied(reply, bytes: chunk.count), at: now), chunk: chunk, port)
        } catch {
            // Whatever was meant by it is asked for again.
            malformedCount += 1
            if malformedCount == 1 { logger.warning("block server \(port.endpoint): \(error)") }
        }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        switch event {
        case .connected: perform(machine.handle(.connected, at: now), port)
        case .disconnected: perform(machine.handle(.disconnected, at: now), port)
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
                    perform(machine.handle(.wanted(part.hash, byteCount: part.byteCount, isUrgent: isUrgent), at: now), port)
                }
            }
        case .serveFrom(let endpoint):
            perform(machine.handle(.disconnected, at: now), port)
            reconnect(port, to: endpoint)
        case .peerSaid(let peer, let reply, let chunk):
            perform(machine.handle(.replied(reply, bytes: chunk.count, from: peer), at: now), chunk: chunk, port)
        case .peerSaidGarbage(let peer):
            perform(machine.handle(.garbage(from: peer), at: now), port)
        case .join(let membership):
            self.membership = membership
            // What it was asking for is asked of the coordinator when nothing comes.
            peers?.stop()
            peers = nil
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
        perform(machine.handle(.tick, at: now), port)
        return machine.nextDeadline
    }

    /// - Parameter chunk: the bytes of the reply that led to the effects.
    private mutating func perform(_ effects: [BlockFetch.Effect], chunk: Payload? = nil, _ port: SocketPort) {
        for effect in effects {
            switch effect {
            // A request that cannot be sent is one that gets no answer: it is repeated in time.
            case .ask(let request, nil):
                send(try? WireCodec.encode(request), port)
            case .ask(let request, let peer?):
                ask(request, at: peer)
            case .notify(let notice):
                send(try? WireCodec.encode(notice), port)
            case .keep(let hash, let offset, let blockBytes):
                if let chunk { keep(chunk, of: hash, at: offset, blockBytes) }
            case .check(let hash):
                guard let payload = assemblies[hash]?.payload else { continue }
                let found = PanelHashing.hash(payload.bytes)
                perform(machine.handle(.checked(hash, found: found), at: .now()), port)
            case .deliver(let hash):
                guard let payload = assemblies.removeValue(forKey: hash)?.payload else { continue }
                deliver(hash, .success(payload.stating(checksum: WireCodec.checksum(payload))))
            case .discard(let hash):
                assemblies[hash] = nil
            case .shunned(let peer, let reason):
                logger.warning("no blocks from \(peer) for a while: \(reason)")
            case .failed(let hash, let reason):
                assemblies[hash] = nil
                deliver(
                    hash, .failure(GridError(.failed, "block \(hash) cannot be had from \(port.endpoint): \(reason)")))
            case .reconnect:
                reconnect(port, to: nil)
            }
        }
    }

    private mutating func keep(_ chunk: Payload, of hash: BlockHash, at offset: Int, _ blockBytes: Int) {
        if offset == 0 && chunk.count == blockBytes {
            // The only chunk is the block; received payloads are aligned already.
            assemblies[hash] = Assembly(payload: chunk, bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0))
            return
        }
        var assembly: Assembly
        if let begun = assemblies[hash] {
            assembly = begun
        } else {
            var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            let payload = Payload(count: blockBytes) { memory = $0 }
            assembly = Assembly(payload: payload, bytes: memory)
            assemblies[hash] = assembly
        }
        // Nobody but this thread sees the payload before it is complete.
        UnsafeMutableRawBufferPointer(rebasing: assembly.bytes[offset..<(offset + chunk.count)]).copyMemory(from: chunk.bytes)
    }

    private func send(_ frames: [Payload]?, _ port: SocketPort) {
        guard let frames, let peer = port.connectedPeer else { return }
        _ = port.send(frames, to: peer)
    }

    private mutating func ask(_ request: BlockRequest, at peer: String) {
        if peers == nil {
            var options = SocketOptions()
            options.frameBytesMax = Limits.blockChunkBytesMax + Limits.headerBytesMax
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
