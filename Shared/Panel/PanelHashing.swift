import ClusterModel
import Crypto
import Dispatch

/// SHA-256 of the parts of a panel.
package enum PanelHashing {
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> BlockHash {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        return BlockHash(bytes: Array(hasher.finalize()))
    }

    package static func hash(_ bytes: [UInt8]) -> BlockHash { bytes.withUnsafeBytes { hash($0) } }

    /// Hashes of all blocks in storage of the given shape, on all cores.
    static func blocks(_ storage: Payload, _ shape: PanelShape) -> [BlockHash] {
        concurrentMap(shape.blockCount) { hash(ofBlock: $0, storage, shape) }
    }

    static func hash(ofBlock block: Int, _ storage: Payload, _ shape: PanelShape) -> BlockHash {
        let start = block * shape.blockStride
        return hash(UnsafeRawBufferPointer(rebasing: storage.bytes[start..<(start + shape.blockBytes)]))
    }

    /// Hash of what a panel says, independent of its layout: SHA-256 over
    /// - the text `AlphaGrid panel content 1\n`,
    /// - the number of dates and the number of known dates (0 without dates), UInt32 each,
    /// - the known dates as days since 1970-01-01, Int32 each,
    /// - per alpha in bytewise order of ids: bytes of the id as UInt16, the id, SHA-256 of its series (float64,
    ///   missing = 0x7FF8000000000000, no negative zero).
    ///
    /// All numbers little-endian. One changed alpha costs one series and this sum, not the panel.
    static func content(
        dayCount: Int, dates: [Day], ids: [String], idOrder: [UInt32], digests: [BlockHash]
    ) -> BlockHash {
        var hasher = SHA256()
        var writer = ByteWriter(capacity: 64 + dates.count * 4)
        for byte in "AlphaGrid panel content 1\n".utf8 { writer.write(byte) }
        writer.write(UInt32(dayCount))
        writer.write(UInt32(dates.count))
        for date in dates { writer.write(date.rawValue) }
        hasher.update(data: writer.bytes)
        for position in idOrder {
            var entry = ByteWriter(capacity: 96)
            entry.write(ids[Int(position)])
            entry.write(digests[Int(position)])
            hasher.update(data: entry.bytes)
        }
        return BlockHash(bytes: Array(hasher.finalize()))
    }

    /// Calls `work` for 0 ..< count on all cores and returns the results in order.
    static func concurrentMap<T: Sendable>(_ count: Int, _ work: @Sendable (Int) -> T) -> [T] {
        [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            let results = Results(start: buffer.baseAddress)
            DispatchQueue.concurrentPerform(iterations: count) { index in
                results.start.map { ($0 + index).initialize(to: work(index)) }
            }
            initialized = count
        }
    }

    /// Safe to share because each index is written once, by the thread that computed it.
    private struct Results<T>: @unchecked Sendable {
        let start: UnsafeMutablePointer<T>?
    }
}
