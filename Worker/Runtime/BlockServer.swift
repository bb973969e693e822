import ClusterModel
import Logging
import Messaging
import WireProtocol

/// Answers requests for chunks of blocks on a ROUTER socket: what a coordinator runs beside its control socket.
///
/// Keeps nothing per peer; a chunk goes out of the block's own memory, without a copy.
package struct BlockServer: SocketHandler {
    private let lookUp: @Sendable (BlockHash) -> Payload?
    private let logger: Logger
    private var refusedCount = 0

    /// - Parameter lookUp: called on the socket's thread; nil for a block that is not held.
    package init(logger: Logger, lookUp: @escaping @Sendable (BlockHash) -> Payload?) {
        self.lookUp = lookUp
        self.logger = logger
    }

    package mutating func received(
        _ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort
    ) {
        do throws(GridError) {
            let request = try WireCodec.decodeBlockRequest(frames)
            let block = lookUp(request.hash)
            let reply = BlockReply(hash: request.hash, offset: request.offset, totalBytes: UInt64(block?.count ?? 0))
            let chunk = block.map { Self.chunk(of: $0, request) } ?? Payload(copying: [])
            // A peer that reads too slowly asks again.
            _ = port.send(try WireCodec.encode(reply, chunk: chunk), to: peer)
        } catch {
            refusedCount += 1
            // The first tells what is wrong; a line each would let a peer fill the disk.
            if refusedCount == 1 { logger.warning("block request of \(peer) refused: \(error)") }
        }
    }

    private static func chunk(of block: Payload, _ request: BlockRequest) -> Payload {
        let start = Int(clamping: request.offset)
        guard start < block.count else { return Payload(copying: []) }
        let end = min(start + Int(request.length), block.count)
        return Payload(adopting: UnsafeRawBufferPointer(rebasing: block.bytes[start..<end])) {
            withExtendedLifetime(block) {}
        }
    }

    package mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        if case .dropped(let peer, let reason) = event {
            refusedCount += 1
            if refusedCount == 1 { logger.warning("\(peer) sent \(reason)") }
        }
    }

    package mutating func handle(_ command: Never, at now: MonotonicTime, via port: SocketPort) {}

    package mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
}
