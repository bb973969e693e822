import ClusterModel

/// Where alphas stand in a panel, and how large it is.
///
/// Memory and file alike hold the blocks one after another; a block is `blockEdge` series of `dayCount` float64 values,
/// then zeros up to a multiple of 64 bytes, so that every block begins aligned. Alpha i is series i % blockEdge of block
/// i / blockEdge; the last block is filled up with missing series.
package struct PanelShape: Equatable, Sendable {
    package let alphaCount: Int
    package let dayCount: Int
    package let blockEdge: Int

    /// - Parameter name: names the panel in errors.
    package init(alphaCount: Int, dayCount: Int, blockEdge: Int, name: String) throws(GridError) {
        func check(_ value: Int, _ limit: Int, _ what: String) throws(GridError) {
            guard (1...limit).contains(value) else {
                throw GridError(.usage, "\(name) has \(value) \(what): expected 1 to \(limit)")
            }
        }
        try check(alphaCount, Limits.alphasMax, "alphas")
        try check(dayCount, Limits.daysMax, "dates")
        try check(blockEdge, Limits.blockEdgeMax, "alphas per block")
        self.alphaCount = alphaCount
        self.dayCount = dayCount
        self.blockEdge = blockEdge
        try check(alphaCount * dayCount, Limits.panelValuesMax, "values")
    }

    package var blockCount: Int { (alphaCount + blockEdge - 1) / blockEdge }
    /// Bytes of a block that are hashed and sent.
    package var blockBytes: Int { blockEdge * dayCount * 8 }
    package var blockStride: Int { (blockBytes + 63) / 64 * 64 }
    package var totalBytes: Int { blockCount * blockStride }

    /// Byte offset of a series; also of the padding series behind the last alpha.
    package func offset(ofAlpha alpha: Int) -> Int {
        alpha / blockEdge * blockStride + alpha % blockEdge * dayCount * 8
    }
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
