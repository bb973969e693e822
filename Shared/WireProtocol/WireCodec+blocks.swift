import ClusterModel
import Foundation
import SwiftProtobuf

extension WireCodec {
    package static func encode(_ request: BlockRequest) throws(GridError) -> [Payload] {
        try frames(
            .blockRequest(
                .with {
                    $0.hash = Data(request.hash.bytes)
                    $0.offset = request.offset
                    $0.length = request.length
                    $0.mayRedirect = request.mayRedirect
                    $0.asker = request.asker
                    $0.failedAt = request.failedAt?.wireName ?? ""
                }), payload: nil)
    }

    /// - Parameter chunk: the bytes of the block from `reply.offset` on; empty when the block is not held.
    package static func encode(_ reply: BlockReply, chunk: Payload) throws(GridError) -> [Payload] {
        try frames(
            .blockReply(
                .with {
                    $0.hash = Data(reply.hash.bytes)
                    $0.offset = reply.offset
                    $0.totalBytes = reply.totalBytes
                    $0.askThere = reply.askThere?.wireName ?? ""
                    $0.wantsNotice = reply.wantsNotice
                }), payload: chunk)
    }

    package static func encode(_ notice: BlockNotice) throws(GridError) -> [Payload] {
        try frames(
            .blockNotice(
                .with {
                    $0.hash = Data(notice.hash.bytes)
                    $0.asker = notice.asker
                }), payload: nil)
    }

    /// What a worker says to a block server.
    package enum BlockQuestion: Hashable, Sendable {
        case request(BlockRequest)
        case notice(BlockNotice)
    }

    /// - Throws: `.conflict` for another protocol version, `.usage` for anything that is neither a block request nor a
    ///   notice, or asks for more than `Limits.blockChunkBytesMax` at once.
    package static func decodeBlockQuestion(_ frames: [Payload]) throws(GridError) -> BlockQuestion {
        switch try open(frames).body {
        case .blockRequest(let wire):
            guard (1...Limits.blockChunkBytesMax).contains(Int(wire.length)) else {
                throw malformed("a block request for \(wire.length) bytes, expected 1 to \(Limits.blockChunkBytesMax)")
            }
            return .request(
                BlockRequest(
                    hash: try blockHash(wire.hash), offset: wire.offset, length: wire.length, mayRedirect: wire.mayRedirect,
                    asker: wire.asker, failedAt: wire.failedAt.isEmpty ? nil : wire.failedAt.wireName))
        case .blockNotice(let wire):
            return .notice(BlockNotice(hash: try blockHash(wire.hash), asker: wire.asker))
        default:
            throw malformed("a block request was expected")
        }
    }

    /// - Throws: `.conflict` for another protocol version, `.usage` for anything that is not a block reply or
    ///   contradicts itself.
    package static func decodeBlockReply(_ frames: [Payload]) throws(GridError) -> (BlockReply, chunk: Payload) {
        guard case (.blockReply(let wire), let chunk?) = try open(frames) else { throw malformed("a block reply was expected") }
        guard chunk.count <= Limits.blockChunkBytesMax else {
            throw malformed("a chunk of \(chunk.count) bytes, the limit is \(Limits.blockChunkBytesMax)")
        }
        let (end, overflow) = wire.offset.addingReportingOverflow(UInt64(chunk.count))
        guard chunk.count == 0 || !overflow && end <= wire.totalBytes else {
            throw malformed("a chunk of \(chunk.count) bytes at \(wire.offset) of a block of \(wire.totalBytes)")
        }
        guard wire.askThere.isEmpty || chunk.count == 0 else {
            throw malformed("a block reply that has bytes and names somebody else")
        }
        let reply = BlockReply(
            hash: try blockHash(wire.hash), offset: wire.offset, totalBytes: wire.totalBytes,
            askThere: wire.askThere.isEmpty ? nil : wire.askThere.wireName, wantsNotice: wire.wantsNotice)
        return (reply, chunk)
    }

    private static func blockHash(_ bytes: Data) throws(GridError) -> BlockHash {
        guard bytes.count == 32 else { throw malformed("a block hash of \(bytes.count) bytes, expected 32") }
        return BlockHash(bytes: bytes)
    }
}
