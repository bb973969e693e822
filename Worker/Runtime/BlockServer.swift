import ClusterModel
import Logging
import Messaging
import Synchronization
import WireProtocol
import WorkerEngine

/// Answers requests for blocks on a ROUTER socket: what a coordinator runs beside its control socket, and a
/// worker that was told to serve what it holds.
///
/// Keeps nothing per peer but what its directory, a coordinator's only, knows of who has which block; a block goes
/// out of the memory that it was looked up in, without a copy. What it calls a block is a part of one (see `BlockSize`).
package struct BlockServer: SocketHandler {
    package enum Command: Sendable {
        /// Workers come and go, and blocks are no longer needed: for the directory.
        case joined(Hello)
        case left(WorkerID)
        case forget([BlockHash])
    }

    private let byteCount: @Sendable (BlockHash) -> Int?
    private let lookUp: @Sendable (BlockHash) -> Payload?
    private let logger: Logger
    private let tally: BlockTally?
    private var directory: BlockDirectory?
    private var refusedCount = 0
    private var refusals: RefusalLog
    private let isKeyed: Bool

    /// - Parameters:
    ///   - sharesWork: sends askers to workers that have the block; for a coordinator.
    ///   - isKeyed: whether its socket asks for keys; for what the log says.
    ///   - tally: counts what is sent.
    ///   - byteCount: called on the socket's thread; nil for a block that is not held. What `lookUp` says where nil.
    ///   - lookUp: the same.
    package init(
        logger: Logger, sharesWork: Bool = false, isKeyed: Bool = false, tally: BlockTally? = nil,
        byteCount: (@Sendable (BlockHash) -> Int?)? = nil, lookUp: @escaping @Sendable (BlockHash) -> Payload?
    ) {
        self.byteCount = byteCount ?? { lookUp($0)?.count }
        self.lookUp = lookUp
        self.isKeyed = isKeyed
        self.logger = logger
        self.tally = tally
        directory = sharesWork ? BlockDirectory() : nil
        refusals = RefusalLog(source: sharesWork ? "Service" : "WorkerRuntime")
    }

    package mutating func received(
        _ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort
    ) {
        do throws(GridError) {
            switch try WireCodec.decodeBlockQuestion(frames) {
            case .request(let request):
                if directory == nil || byteCount(request.hash) == nil {
                    sendBytes(to: peer, request, wantsNotice: false, port)
                } else {
                    tell(.asked(peer, request), at: now, port)
                }
            case .notice(let notice): tell(.notice(notice), at: now, port)
            }
        } catch {
            refusedCount += 1
            // The first tells what is wrong; a line each would let a peer fill the disk.
            if refusedCount == 1 { logger.warning("block request of a peer at \(port.address(of: peer)) refused: \(error)") }
        }
    }

    private mutating func tell(_ event: BlockDirectory.Event, at now: MonotonicTime, _ port: SocketPort) {
        for effect in directory?.handle(event, at: now) ?? [] {
            switch effect {
            case .sendBytes(let peer, let request, let wantsNotice):
                sendBytes(to: peer, request, wantsNotice: wantsNotice, port)
            case .redirect(let peer, let request, let endpoint):
                tally?.redirected(bytes: UInt64(byteCount(request.hash) ?? 0))
                let reply = BlockReply(hash: request.hash, askThere: endpoint, wantsNotice: true)
                send(reply, Payload(copying: []), to: peer, port)
            }
        }
    }

    private func sendBytes(to peer: Peer, _ request: BlockRequest, wantsNotice: Bool, _ port: SocketPort) {
        let reply = BlockReply(hash: request.hash, wantsNotice: wantsNotice)
        send(reply, lookUp(request.hash) ?? Payload(copying: []), to: peer, port)
    }

    private func send(_ reply: BlockReply, _ block: Payload, to peer: Peer, _ port: SocketPort) {
        // A peer that reads too slowly asks again.
        guard let frames = try? WireCodec.encode(reply, block: block), port.send(frames, to: peer) == .sent else { return }
        tally?.sent(bytes: UInt64(block.count))
    }

    package mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        switch event {
        case .dropped(let peer, let reason):
            refusedCount += 1
            if refusedCount == 1 { logger.warning("a peer at \(port.address(of: peer)) sent \(reason)") }
        case .refused(let refusal): refusals.note(refusal, isKeyed: isKeyed, at: now, to: logger)
        case .revoked(let peer, _): port.forget(peer)
        case .connected, .disconnected, .connectFailed: break
        }
    }

    package mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .joined(let hello):
            // What a worker says is passed on to others: nothing but an address gets through.
            var checked = hello
            checked.blockEndpoint = hello.blockEndpoint.flatMap {
                try? Endpoint(parsing: $0, for: .connect, field: "the worker's block endpoint").description
            }
            tell(.joined(checked), at: now, port)
        case .left(let worker): tell(.left(worker), at: now, port)
        case .forget(let hashes): tell(.forgotten(hashes), at: now, port)
        }
    }

    package mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
        if let deadline = directory?.nextDeadline, deadline <= now { tell(.tick, at: now, port) }
        return directory?.nextDeadline
    }
}

/// What a block server has sent and left to others, for logs; any thread may look.
package final class BlockTally: Sendable {
    package struct Counts: Equatable, Sendable {
        package var bytesSent: UInt64 = 0
        /// Bytes of the blocks for which askers were sent to other workers.
        package var bytesRedirected: UInt64 = 0
    }

    private let state = Mutex(Counts())
    package init() {}
    package var counts: Counts { state.withLock { $0 } }
    func sent(bytes: UInt64) { state.withLock { $0.bytesSent += bytes } }
    func redirected(bytes: UInt64) { state.withLock { $0.bytesRedirected += bytes } }
}
