import ClusterModel
import Logging
import Messaging
import Panel
import WireProtocol

/// The shell around `BlockFetch`: owns the connection to a block server and the memory of blocks on their way.
struct BlockFetchHandler: SocketHandler {
    enum Command: Sendable {
        case want(BlockHash, byteCount: Int, isUrgent: Bool)
        /// Fetch from there from now on.
        case serveFrom(Endpoint)
    }

    /// Memory of a block of several chunks, until it is complete.
    private struct Assembly {
        let payload: Payload
        let bytes: UnsafeMutableRawBufferPointer
    }

    private let deliver: @Sendable (BlockHash, Result<Payload, GridError>) -> Void
    private let logger: Logger
    private var machine = BlockFetch()
    private var assemblies: [BlockHash: Assembly] = [:]
    private var malformedCount = 0

    /// - Parameter deliver: called on this thread, once per block wanted.
    init(logger: Logger, deliver: @escaping @Sendable (BlockHash, Result<Payload, GridError>) -> Void) {
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
        case .connectFailed: break
        case .dropped(_, let reason): logger.warning("block server \(port.endpoint) sent \(reason)")
        }
    }

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .want(let hash, let byteCount, let isUrgent):
            perform(machine.handle(.wanted(hash, byteCount: byteCount, isUrgent: isUrgent), at: now), port)
        case .serveFrom(let endpoint):
            perform(machine.handle(.disconnected, at: now), port)
            reconnect(port, to: endpoint)
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
            case .ask(let request):
                // A request that cannot be sent is one that gets no answer: it is repeated in time.
                guard let peer = port.connectedPeer, let frames = try? WireCodec.encode(request) else { continue }
                _ = port.send(frames, to: peer)
            case .keep(let hash, let offset, let blockBytes):
                if let chunk { keep(chunk, of: hash, at: offset, blockBytes) }
            case .complete(let hash):
                complete(hash, from: port.endpoint)
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

    private mutating func complete(_ hash: BlockHash, from endpoint: Endpoint) {
        guard let payload = assemblies.removeValue(forKey: hash)?.payload else { return }
        let found = PanelHashing.hash(payload.bytes)
        if found == hash {
            deliver(hash, .success(payload))
        } else {
            deliver(
                hash,
                .failure(GridError(.failed, "block \(hash) came from \(endpoint) with other bytes: their SHA-256 is \(found)")))
        }
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
