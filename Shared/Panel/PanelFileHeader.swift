import ClusterModel

/// First page of a panel file.
///
/// A panel file, version 3, all numbers little-endian:
///
///     0      this header, padded with zeros to 4,096 bytes
///     4096   the blocks as `PanelShape` lays them out in memory, so that the file can be mapped
///     then   metadata: alphas of each block (UInt32 each), dates (Int32 each), ids in layout order (UInt16 byte
///            count, bytes), layout positions in input order (UInt32 each, aligned to 4), SHA-256 of each part of
///            each block (see `BlockSize`), SHA-256 of each alpha's values on the days of each part
package struct PanelFileHeader: Equatable, Sendable {
    package static let version: UInt32 = 3
    package static let byteCount = 4_096
    private static let magic = Array("AGPANEL\n".utf8)
    private static let hashOffset = 116

    package var blockEdge: UInt32
    package var dayCount: UInt32
    /// `dayCount`, or 0 for a panel without dates.
    package var dateCount: UInt32
    package var alphaCount: UInt32
    package var sampledAlphaCount: UInt32
    package var blockCount: UInt32
    package var metadataOffset: UInt64
    package var metadataBytes: UInt64
    package var contentHash: BlockHash
    package var metadataHash: BlockHash

    package init(_ panel: Panel, metadata: [UInt8]) {
        blockEdge = UInt32(panel.blockEdge)
        dayCount = UInt32(panel.dayCount)
        dateCount = UInt32(panel.dates.count)
        alphaCount = UInt32(panel.alphaCount)
        sampledAlphaCount = UInt32(panel.sampledAlphaCount)
        blockCount = UInt32(panel.blockCount)
        metadataOffset = UInt64(Self.byteCount + panel.bytes)
        metadataBytes = UInt64(metadata.count)
        contentHash = panel.contentHash
        metadataHash = PanelHashing.hash(metadata)
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        for byte in Self.magic { writer.write(byte) }
        for number in [Self.version, blockEdge, dayCount, dateCount, alphaCount, sampledAlphaCount, blockCount] {
            writer.write(number)
        }
        writer.write(metadataOffset)
        writer.write(metadataBytes)
        writer.write(contentHash)
        writer.write(metadataHash)
        writer.write(PanelHashing.hash(writer.bytes))
        return writer.bytes + [UInt8](repeating: 0, count: Self.byteCount - writer.bytes.count)
    }

    /// Reads and checks everything that can be checked without the rest of the file.
    /// - Parameters:
    ///   - file: the whole file.
    ///   - name: names it in errors.
    package init(decoding file: UnsafeRawBufferPointer, name: String) throws(GridError) {
        guard file.starts(with: Self.magic) else { throw GridError(.failed, "\(name) is not a panel file") }
        guard file.count >= Self.byteCount else { throw Self.damaged(name, "it ends in its header") }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file[..<Self.byteCount]), what: "panel header")
        _ = try reader.read(UInt64.self)
        let version = try reader.read(UInt32.self)
        guard version == Self.version else {
            throw GridError(.failed, "\(name) is a panel file of version \(version): this program reads version \(Self.version)")
        }
        blockEdge = try reader.read()
        dayCount = try reader.read()
        dateCount = try reader.read()
        alphaCount = try reader.read()
        sampledAlphaCount = try reader.read()
        blockCount = try reader.read()
        metadataOffset = try reader.read()
        metadataBytes = try reader.read()
        contentHash = try reader.readBlockHash()
        metadataHash = try reader.readBlockHash()
        let hash = try reader.readBlockHash()
        guard hash == PanelHashing.hash(UnsafeRawBufferPointer(rebasing: file[..<Self.hashOffset])),
            file[reader.offset..<Self.byteCount].allSatisfy({ $0 == 0 })
        else { throw Self.damaged(name, "its header does not match its hash") }
    }

    /// Where the blocks end and the metadata begins.
    /// - Throws: `GridError(.failed)` when the sizes contradict each other or the file's size.
    package func blocksEnd(fileBytes: Int, name: String) throws(GridError) -> Int {
        do throws(GridError) {
            try PanelShape.check(
                alphaCount: Int(alphaCount), dayCount: Int(dayCount), blockEdge: Int(blockEdge), name: "its header")
        } catch { throw Self.damaged(name, error.message) }
        guard dateCount == 0 || dateCount == dayCount else {
            throw Self.damaged(name, "its header has \(dateCount) of \(dayCount) dates")
        }
        guard sampledAlphaCount <= alphaCount else {
            throw Self.damaged(name, "its header has \(sampledAlphaCount) sampled of \(alphaCount) alphas")
        }
        guard blockCount >= (alphaCount + blockEdge - 1) / blockEdge, blockCount <= alphaCount else {
            throw Self.damaged(name, "its header has \(blockCount) blocks of \(blockEdge) for \(alphaCount) alphas")
        }
        let stride = PanelShape.blockStride(blockEdge: Int(blockEdge), dayCount: Int(dayCount))
        let blocksEnd = Self.byteCount + Int(blockCount) * stride
        guard metadataOffset == UInt64(blocksEnd) else {
            throw Self.damaged(name, "its metadata begins at byte \(metadataOffset), its blocks end at \(blocksEnd)")
        }
        guard fileBytes >= blocksEnd, metadataBytes <= UInt64(fileBytes - blocksEnd) else {
            throw Self.damaged(name, "it is truncated at byte \(fileBytes)")
        }
        guard metadataBytes == UInt64(fileBytes - blocksEnd) else {
            throw Self.damaged(name, "it has bytes behind its metadata")
        }
        return blocksEnd
    }

    static func damaged(_ name: String, _ what: String) -> GridError {
        GridError(.failed, "panel file \(name) is damaged: \(what)")
    }
}
