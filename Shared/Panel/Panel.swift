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
    /// SHA-256 of each block's bytes.
    package let blockHashes: [BlockHash]
    /// SHA-256 of each alpha's series, by layout position.
    package let alphaDigests: [BlockHash]
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
        var blockHashes: [BlockHash]
        var alphaDigests: [BlockHash]
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
        blockHashes = parts.blockHashes
        alphaDigests = parts.alphaDigests
        storage = parts.storage
        contentHash = PanelHashing.content(
            dayCount: parts.shape.dayCount, dates: parts.dates, ids: parts.alphaIDs, idOrder: parts.idOrder,
            digests: parts.alphaDigests)
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

    /// The same bytes, 64-byte aligned; SHA-256 of them is `blockHashes[index]`.
    package func blockPayload(_ index: Int) -> Payload {
        Payload(adopting: blockBytes(index)) { [self] in withExtendedLifetime(self) {} }
    }

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
