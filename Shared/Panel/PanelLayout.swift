import ClusterModel

/// Where alphas stand in a panel, and how large it is.
///
/// Memory and file alike hold the blocks one after another; a block is `blockEdge` series of `dayCount` float64 values,
/// then zeros up to a multiple of 64 bytes, so that every block begins aligned. Layout positions number the alphas block
/// by block; a block that is not full is filled up with missing series.
///
/// In a fresh layout all blocks but the last are full. Alphas that come later get blocks of their own behind them, so a
/// block, once made, never gets another alpha and keeps its bytes.
package struct PanelShape: Equatable, Sendable {
    package let alphaCount: Int
    package let dayCount: Int
    package let blockEdge: Int
    /// Layout position of each block's first alpha, and `alphaCount` at the end.
    package let blockStarts: [Int]

    /// A fresh layout.
    /// - Parameter name: names the panel in errors.
    package init(alphaCount: Int, dayCount: Int, blockEdge: Int, name: String) throws(GridError) {
        try Self.check(alphaCount: alphaCount, dayCount: dayCount, blockEdge: blockEdge, name: name)
        self.alphaCount = alphaCount
        self.dayCount = dayCount
        self.blockEdge = blockEdge
        blockStarts = Array(stride(from: 0, to: alphaCount, by: blockEdge)) + [alphaCount]
    }

    /// - Parameter blockCounts: alphas of each block, 1 ... `blockEdge`.
    package init(blockCounts: [Int], dayCount: Int, blockEdge: Int, name: String) throws(GridError) {
        var starts = [0]
        for (block, count) in blockCounts.enumerated() {
            guard (1...max(1, blockEdge)).contains(count), count <= Limits.alphasMax - starts[block] else {
                throw GridError(.usage, "\(name) has \(count) alphas in block \(block): expected 1 to \(blockEdge)")
            }
            starts.append(starts[block] + count)
        }
        alphaCount = starts[blockCounts.count]
        try Self.check(alphaCount: alphaCount, dayCount: dayCount, blockEdge: blockEdge, name: name)
        self.dayCount = dayCount
        self.blockEdge = blockEdge
        blockStarts = starts
    }

    static func check(alphaCount: Int, dayCount: Int, blockEdge: Int, name: String) throws(GridError) {
        func check(_ value: Int, _ limit: Int, _ what: String) throws(GridError) {
            guard (1...limit).contains(value) else {
                throw GridError(.usage, "\(name) has \(value) \(what): expected 1 to \(limit)")
            }
        }
        try check(alphaCount, Limits.alphasMax, "alphas")
        try check(dayCount, Limits.daysMax, "dates")
        try check(blockEdge, Limits.blockEdgeMax, "alphas per block")
        try check(alphaCount * dayCount, Limits.panelValuesMax, "values")
    }

    package var blockCount: Int { blockStarts.count - 1 }
    package var blockSize: BlockSize { BlockSize(edge: blockEdge, dayCount: dayCount) }
    /// Bytes of a block that are hashed and sent.
    package var blockBytes: Int { blockSize.byteCount }
    package var blockStride: Int { Self.blockStride(blockEdge: blockEdge, dayCount: dayCount) }
    package var totalBytes: Int { blockCount * blockStride }

    static func blockStride(blockEdge: Int, dayCount: Int) -> Int { (blockEdge * dayCount * 8 + 63) / 64 * 64 }

    /// Layout positions of a block's alphas.
    package func alphas(inBlock block: Int) -> Range<Int> { blockStarts[block]..<blockStarts[block + 1] }

    /// The block an alpha is in.
    package func block(ofAlpha alpha: Int) -> Int {
        // Full blocks in front are the rule, so this is mostly right at once; no block holds more, so never too far.
        var low = alpha / blockEdge
        if alpha < blockStarts[low + 1] && alpha >= blockStarts[low] { return low }
        var high = blockCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if blockStarts[middle] <= alpha { low = middle } else { high = middle }
        }
        return low
    }

    /// Byte offset of a series.
    package func offset(ofAlpha alpha: Int) -> Int {
        let block = block(ofAlpha: alpha)
        return offset(ofSlot: alpha - blockStarts[block], inBlock: block)
    }

    /// Byte offset of a series of a block, 0 ..< `blockEdge`, also of those that only fill it up.
    func offset(ofSlot slot: Int, inBlock block: Int) -> Int { block * blockStride + slot * dayCount * 8 }
}

/// Orders of alphas.
enum AlphaOrder {
    /// Positions of the ids in layout order: by `AlphaIDRule.hash`, equal hashes by bytes.
    ///
    /// The order depends on the ids alone and is random with respect to anything they mean, so every prefix of a fresh
    /// layout is a random sample of the alphas.
    static func layout(_ ids: [String]) -> [Int] {
        var keyed: [(hash: UInt64, position: Int)] = []
        keyed.reserveCapacity(ids.count)
        for (position, id) in ids.enumerated() {
            var id = id
            keyed.append((id.withUTF8 { AlphaIDRule.hash($0) }, position))
        }
        keyed.sort { a, b in
            a.hash != b.hash ? a.hash < b.hash : ids[a.position].utf8.lexicographicallyPrecedes(ids[b.position].utf8)
        }
        return keyed.map(\.position)
    }

    /// Positions of the ids in bytewise order, which is not how Swift compares strings.
    static func bytewise(_ ids: [String]) -> [Int] {
        // The first 16 bytes decide nearly always, and numbers compare much faster than strings. Ids have no NUL,
        // so that the zeros behind short ones sort before everything.
        var keyed: [(high: UInt64, low: UInt64, position: Int)] = []
        keyed.reserveCapacity(ids.count)
        for (position, id) in ids.enumerated() {
            var words: (UInt64, UInt64) = (0, 0)
            for (index, byte) in id.utf8.prefix(16).enumerated() {
                let shifted = UInt64(byte) << UInt64(56 - index % 8 * 8)
                if index < 8 { words.0 |= shifted } else { words.1 |= shifted }
            }
            keyed.append((words.0, words.1, position))
        }
        keyed.sort { a, b in
            if a.high != b.high { return a.high < b.high }
            if a.low != b.low { return a.low < b.low }
            return ids[a.position].utf8.lexicographicallyPrecedes(ids[b.position].utf8)
        }
        return keyed.map(\.position)
    }

    /// The first id that occurs twice, given the bytewise order.
    static func duplicate(_ ids: [String], bytewise order: [Int]) -> String? {
        for (a, b) in zip(order, order.dropFirst()) where ids[a].utf8.elementsEqual(ids[b].utf8) { return ids[a] }
        return nil
    }
}
