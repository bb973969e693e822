import ClusterModel
import Logging
import Messaging
import Panel
import WorkerRuntime

/// Times how fast blocks come from a block server, over the loopback interface.
package enum BlockBench {
    private static let blockBytes = 4 << 20
    private static let blocksMax = 64

    /// One fetcher, blocks of 4 MiB, 256 MiB in all; hashing included, as it always is. Blocks.
    ///
    /// - Parameters:
    ///   - server: the server's keys; nil for none.
    ///   - worker: the fetcher's.
    package static func bytesPerSecond(server: ServerKeys?, worker: WorkerKey?, log: Logger) throws(GridError) -> Double {
        var made: [BlockHash: Payload] = [:]
        let hashes = (0..<blocksMax).map { number in
            let payload = Payload(count: blockBytes) { memory in
                for (index, _) in memory.bindMemory(to: UInt64.self).enumerated() {
                    memory.storeBytes(
                        of: UInt64(index ^ number) &* 0x9E37_79B9_7F4A_7C15, toByteOffset: 8 * index, as: UInt64.self)
                }
            }
            let hash = PanelHashing.hash(payload.bytes)
            made[hash] = payload
            return hash
        }
        let blocks = made
        var options = SocketOptions()
        options.security = server.map { .server($0) } ?? .none
        let loop = try SocketLoop(name: "blocks", .router(bind: Endpoint(host: "127.0.0.1", port: 0)), options: options) { _ in
            BlockServer(logger: log, isKeyed: server != nil) { blocks[$0] }
        }
        defer {
            loop.stop()
            loop.join()
        }
        let remote = RemoteBlocks(
            cache: BlockCache(bytesMax: 2 * blockBytes * blocksMax),
            security: worker.map { .client($0.pair, server: $0.coordinator) } ?? .none, logger: log)
        defer { remote.stop() }
        try remote.serve(from: loop.endpoint)
        // The first one waits for the connection.
        _ = try remote.bytes(hashes[0], byteCount: blockBytes)
        let start = MonotonicTime.now()
        remote.prefetch(Array(hashes.dropFirst()), byteCount: blockBytes)
        for hash in hashes.dropFirst() { _ = try remote.bytes(hash, byteCount: blockBytes) }
        return Double(blockBytes * (blocksMax - 1)) / MonotonicTime.now().seconds(since: start)
    }
}
