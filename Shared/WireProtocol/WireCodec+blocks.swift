import ClusterModel
import Foundation
import SwiftProtobuf

extension WireCodec {
    package static func encode(_ request: BlockRequest) throws(GridError) -> [Payload] {
        try frames(
            .blockRequest(
                .with {
                    $0.hash = Data(request.hash.bytes)
                    $0.mayRedirect = request.mayRedirect
                    $0.asker = request.asker
                    $0.failedAt = request.failedAt?.wireName ?? ""
                }), payload: nil)
    }

    /// - Parameter block: its bytes; empty when it is not held, or somebody else is to be asked.
    package static func encode(_ reply: BlockReply, block: Payload) throws(GridError) -> [Payload] {
        try frames(
            .blockReply(
                .with {
                    $0.hash = Data(reply.hash.bytes)
                    $0.askThere = reply.askThere?.wireName ?? ""
                    $0.wantsNotice = reply.wantsNotice
                }), payload: block)
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
    ///   notice.
    package static func decodeBlockQuestion(_ frames: [Payload]) throws(GridError) -> BlockQuestion {
        switch try open(frames).body {
        case .blockRequest(let wire):
            return .request(
                BlockRequest(
                    hash: try blockHash(wire.hash), mayRedirect: wire.mayRedirect, asker: wire.asker,
                    failedAt: wire.failedAt.isEmpty ? nil : wire.failedAt.wireName))
        case .blockNotice(let wire):
            return .notice(BlockNotice(hash: try blockHash(wire.hash), asker: wire.asker))
        default:
            throw malformed("a block request was expected")
        }
    }

    /// - Throws: `.conflict` for another protocol version, `.usage` for anything that is not a block reply or
    ///   contradicts itself.
    package static func decodeBlockReply(_ frames: [Payload]) throws(GridError) -> (BlockReply, block: Payload) {
        guard case (.blockReply(let wire), let block?) = try open(frames) else { throw malformed("a block reply was expected") }
        guard block.count <= Limits.blockPartBytesMax else {
            throw malformed("a part of a block of \(block.count) bytes, the limit is \(Limits.blockPartBytesMax)")
        }
        guard wire.askThere.isEmpty || block.count == 0 else {
            throw malformed("a block reply that has bytes and names somebody else")
        }
        let reply = BlockReply(
            hash: try blockHash(wire.hash), askThere: wire.askThere.isEmpty ? nil : wire.askThere.wireName,
            wantsNotice: wire.wantsNotice)
        return (reply, block)
    }

    private static func blockHash(_ bytes: Data) throws(GridError) -> BlockHash {
        guard bytes.count == 32 else { throw malformed("a block hash of \(bytes.count) bytes, expected 32") }
        return BlockHash(bytes: bytes)
    }
}
