import ClusterModel

#if _endian(big)
#error("panel blocks are little-endian in memory, in files and on the wire")
#endif

/// Immutable snapshot of the cumulative PnL of a region, in memory or mapped from a file.
///
/// Alphas are numbered by their place in the layout (see `PanelShape`); a fresh layout is random (see
/// `AlphaOrder.layout`), and alphas added later stand behind. Values are finite float64, missing ones NaN.
/// Buffers stay valid while the panel lives; a `Payload` keeps it alive.
package final class Panel: Sendable {
    package let shape: PanelShape
    /// In layout order.
    package let alphaIDs: [String]
    /// Layout positions in the order of the input.
    package let inputOrder: [Int]
    /// Place of each alpha's id in bytewise order, by layout position.
    package let ranks: [UInt32]
    /// Layout positions by rank: the inverse of `ranks`.
    package let idOrder: [UInt32]
    /// Ascending; empty when the input has no dates.
    package let dates: [Day]
    /// The first so many alphas stand in random order, so any prefix of them is a random sample; later ones were added.
    package let sampledAlphaCount: Int
    package let blockNames: [BlockName]
    /// SHA-256 of each alpha's values on the days of each part of a block, alpha by alpha in layout order.
    package let seriesHashes: [BlockHash]
    /// Identifies ids, dates and values, whatever their order and layout (see `PanelHashing.content`).
    package let contentHash: BlockHash
    private let storage: Payload

    /// What the maker of a panel provides; everything else follows from it.
    struct Parts {
        var shape: PanelShape
        var alphaIDs: [String]
        var inputOrder: [Int]
        var idOrder: [UInt32]
        var dates: [Day]
        var sampledAlphaCount: Int
        /// Of each part of each block.
        var partHashes: [BlockHash]
        var seriesHashes: [BlockHash]
        /// `shape.totalBytes`, 64-byte aligned.
        var storage: Payload
    }

    init(_ parts: Parts) {
        precondition(parts.storage.count == parts.shape.totalBytes)
        shape = parts.shape
        alphaIDs = parts.alphaIDs
        inputOrder = parts.inputOrder
        idOrder = parts.idOrder
        var ranks = [UInt32](repeating: 0, count: parts.idOrder.count)
        for (rank, position) in parts.idOrder.enumerated() { ranks[Int(position)] = UInt32(rank) }
        self.ranks = ranks
        dates = parts.dates
        sampledAlphaCount = parts.sampledAlphaCount
        blockNames = PanelHashing.names(parts.partHashes, partCount: parts.shape.blockSize.partCount)
        seriesHashes = parts.seriesHashes
        storage = parts.storage
        contentHash = PanelHashing.content(
            shape: parts.shape, dates: parts.dates, ids: parts.alphaIDs, idOrder: parts.idOrder,
            seriesHashes: parts.seriesHashes)
    }

    package var alphaCount: Int { shape.alphaCount }
    package var dayCount: Int { shape.dayCount }
    package var blockEdge: Int { shape.blockEdge }
    package var blockCount: Int { shape.blockCount }
    /// Bytes of the values, padding included.
    package var bytes: Int { storage.count }
    var storageBytes: UnsafeRawBufferPointer { storage.bytes }

    /// `blockEdge` x `dayCount` values, alpha-major; missing series behind the block's last alpha.
    package func block(_ index: Int) -> UnsafeBufferPointer<Double> {
        blockBytes(index).assumingMemoryBound(to: Double.self)
    }

    /// The same bytes, 64-byte aligned.
    package func blockPayload(_ index: Int) -> Payload {
        Payload(adopting: blockBytes(index)) { [self] in withExtendedLifetime(self) {} }
    }

    /// One part of a block; SHA-256 of it is `blockNames[index].parts[part]`. A copy where a block has several.
    package func partPayload(_ part: Int, ofBlock index: Int) -> Payload {
        shape.blockSize.cut(part: part, of: blockPayload(index))
    }

    package var blockHashes: [BlockHash] { blockNames.map(\.hash) }

    /// Layout positions of a block's alphas, at most `blockEdge`.
    package func alphas(inBlock index: Int) -> Range<Int> { shape.alphas(inBlock: index) }

    /// One alpha's values by date.
    package func series(_ alpha: Int) -> UnsafeBufferPointer<Double> {
        precondition((0..<alphaCount).contains(alpha))
        let start = storage.bytes.baseAddress! + shape.offset(ofAlpha: alpha)
        return UnsafeBufferPointer(start: start.assumingMemoryBound(to: Double.self), count: dayCount)
    }

    /// Layout position of the alpha with this id, by bytes; nil when there is none.
    package func alpha(withID id: String) -> Int? {
        var low = 0
        var high = idOrder.count
        while low < high {
            let middle = (low + high) / 2
            let position = Int(idOrder[middle])
            if alphaIDs[position].utf8.elementsEqual(id.utf8) { return position }
            if alphaIDs[position].utf8.lexicographicallyPrecedes(id.utf8) { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private func blockBytes(_ index: Int) -> UnsafeRawBufferPointer {
        precondition((0..<blockCount).contains(index))
        let start = index * shape.blockStride
        return UnsafeRawBufferPointer(rebasing: storage.bytes[start..<(start + shape.blockBytes)])
    }
}
