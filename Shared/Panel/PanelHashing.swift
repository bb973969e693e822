import ClusterModel
import Crypto
import Dispatch

/// SHA-256 of the parts of a panel.
package enum PanelHashing {
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> BlockHash {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        return hasher.finalize().withUnsafeBytes { BlockHash($0) }
    }

    package static func hash(_ bytes: [UInt8]) -> BlockHash { bytes.withUnsafeBytes { hash($0) } }

    /// Hashes of all parts of all blocks in storage of the given shape, on all cores.
    static func parts(_ storage: Payload, _ shape: PanelShape) -> [BlockHash] {
        concurrentMap(shape.blockCount) { block in
            (0..<shape.blockSize.partCount).map { hash(ofPart: $0, block: block, storage, shape) }
        }.flatMap { $0 }
    }

    static func hash(ofPart part: Int, block: Int, _ storage: Payload, _ shape: PanelShape) -> BlockHash {
        let start = block * shape.blockStride
        let bytes = UnsafeRawBufferPointer(rebasing: storage.bytes[start..<(start + shape.blockBytes)])
        let size = shape.blockSize
        if size.partCount == 1 { return hash(bytes) }
        var hasher = SHA256()
        for slot in 0..<size.edge {
            hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[size.range(ofPart: part, slot: slot)]))
        }
        return hasher.finalize().withUnsafeBytes { BlockHash($0) }
    }

    /// One hash for several: that of their bytes one behind the other, or the only one there is.
    static func joined(_ hashes: ArraySlice<BlockHash>) -> BlockHash {
        if let only = hashes.first, hashes.count == 1 { return only }
        var writer = ByteWriter(capacity: hashes.count * 32)
        for hash in hashes { writer.write(hash) }
        return hash(writer.bytes)
    }

    /// - Parameter partHashes: of each part of each block.
    static func names(_ partHashes: [BlockHash], partCount: Int) -> [BlockName] {
        stride(from: 0, to: partHashes.count, by: partCount).map { start in
            let parts = partHashes[start..<(start + partCount)]
            return BlockName(hash: joined(parts), parts: Array(parts))
        }
    }

    /// Hash of what a panel says, independent of its layout: SHA-256 over
    /// - the text `AlphaGrid panel content 2\n`,
    /// - the number of dates and the number of known dates (0 without dates), UInt32 each,
    /// - the known dates as days since 1970-01-01, Int32 each,
    /// - per alpha in bytewise order of ids: bytes of the id as UInt16, the id, SHA-256 of its series (float64,
    ///   missing = 0x7FF8000000000000, no negative zero); of a series of more than `Limits.partDays` days, SHA-256 of
    ///   the hashes of so many days each.
    ///
    /// All numbers little-endian. One changed alpha costs one series and this sum, not the panel.
    static func content(
        shape: PanelShape, dates: [Day], ids: [String], idOrder: [UInt32], seriesHashes: [BlockHash]
    ) -> BlockHash {
        var hasher = SHA256()
        var writer = ByteWriter(capacity: 64 + dates.count * 4)
        for byte in "AlphaGrid panel content 2\n".utf8 { writer.write(byte) }
        writer.write(UInt32(shape.dayCount))
        writer.write(UInt32(dates.count))
        for date in dates { writer.write(date.rawValue) }
        hasher.update(data: writer.bytes)
        let partCount = shape.blockSize.partCount
        for position in idOrder {
            let start = Int(position) * partCount
            var entry = ByteWriter(capacity: 96)
            entry.write(ids[Int(position)])
            entry.write(joined(seriesHashes[start..<(start + partCount)]))
            hasher.update(data: entry.bytes)
        }
        return hasher.finalize().withUnsafeBytes { BlockHash($0) }
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
