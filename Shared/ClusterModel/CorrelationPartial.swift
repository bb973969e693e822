/// What a correlation task returns: per block, mergeable summaries of each of its alphas over the task's tiles.
///
/// Merging is exact and the same in any order: sums are fixed-point integers, extremes carry the tie rule,
/// and the values around the median are kept as they are.
package struct CorrelationPartial: Equatable, Sendable {
    /// Summaries of the alphas of one block; every array has one element per alpha of the block.
    package struct Block: Equatable, Sendable {
        package var index: UInt32
        /// Smallest r and the rank of the alpha it is with; `+infinity` and `UInt32.max` without any pair.
        package var minimum: [Double]
        package var minimumRank: [UInt32]
        /// Largest r, likewise (`-infinity`), and the common returns of that pair.
        package var maximum: [Double]
        package var maximumRank: [UInt32]
        package var maximumDays: [UInt32]
        /// Sum of round(r * 2^40), ties to even.
        package var sum: [Int64]
        /// Defined pairs.
        package var count: [UInt32]
        /// Defined pairs with r below the bracket.
        package var below: [UInt32]
        /// How many of `insideValues` belong to each alpha, in order.
        package var insideCount: [UInt32]
        /// The r inside the brackets, alpha after alpha, in no particular order within an alpha.
        package var insideValues: [Double]

        package init(index: UInt32, alphaCount: Int) {
            self.index = index
            minimum = Array(repeating: .infinity, count: alphaCount)
            minimumRank = Array(repeating: .max, count: alphaCount)
            maximum = Array(repeating: -.infinity, count: alphaCount)
            maximumRank = Array(repeating: .max, count: alphaCount)
            maximumDays = Array(repeating: 0, count: alphaCount)
            sum = Array(repeating: 0, count: alphaCount)
            count = Array(repeating: 0, count: alphaCount)
            below = Array(repeating: 0, count: alphaCount)
            insideCount = Array(repeating: 0, count: alphaCount)
            insideValues = []
        }

        package var alphaCount: Int { minimum.count }
    }

    /// Scale of the fixed-point sums: 2^40.
    package static let sumScale = 1_099_511_627_776.0

    package var blocks: [Block]
    /// Pairs decided one by one by the two-pass twin: a fast kernel could not bound its error, or the gaps of both series
    /// make the pair's returns its own.
    package var twinPairs: UInt64

    package init(blocks: [Block], twinPairs: UInt64) {
        self.blocks = blocks
        self.twinPairs = twinPairs
    }

    private static let magic: UInt32 = 0x3150_4341  // "ACP1"

    package func encoded() -> [UInt8] {
        let size = blocks.reduce(64) { $0 + 128 + $1.alphaCount * 56 + $1.insideValues.count * 8 }
        var writer = ByteWriter(capacity: size)
        writer.write(Self.magic)
        writer.write(UInt32(blocks.count))
        writer.write(twinPairs)
        for block in blocks {
            writer.write(block.index)
            writer.write(UInt32(block.alphaCount))
            writer.write(UInt64(block.insideValues.count))
            writer.writeArray(block.minimum)
            writer.writeArray(block.maximum)
            writer.writeArray(block.sum)
            writer.writeArray(block.insideValues)
            writer.writeArray(block.minimumRank)
            writer.writeArray(block.maximumRank)
            writer.writeArray(block.maximumDays)
            writer.writeArray(block.count)
            writer.writeArray(block.below)
            writer.writeArray(block.insideCount)
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a partial or contradict themselves.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "correlation partial")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a correlation partial") }
        let blockCount = Int(try reader.read(UInt32.self))
        guard blockCount <= Limits.blocksPerTaskMax else { throw reader.malformed("\(blockCount) blocks") }
        twinPairs = try reader.read()
        blocks = []
        for _ in 0..<blockCount {
            let index = try reader.read(UInt32.self)
            let alphas = Int(try reader.read(UInt32.self))
            let inside = try reader.read(UInt64.self)
            guard alphas <= Limits.blockEdgeMax, inside <= UInt64(payload.count / 8) else {
                throw reader.malformed("a block of \(alphas) alphas and \(inside) values")
            }
            var block = Block(index: index, alphaCount: 0)
            block.minimum = try reader.readArray(count: alphas)
            block.maximum = try reader.readArray(count: alphas)
            block.sum = try reader.readArray(count: alphas)
            block.insideValues = try reader.readArray(count: Int(inside))
            block.minimumRank = try reader.readArray(count: alphas)
            block.maximumRank = try reader.readArray(count: alphas)
            block.maximumDays = try reader.readArray(count: alphas)
            block.count = try reader.readArray(count: alphas)
            block.below = try reader.readArray(count: alphas)
            block.insideCount = try reader.readArray(count: alphas)
            guard block.insideCount.reduce(0, { $0 + UInt64($1) }) == inside else {
                throw reader.malformed("values inside the brackets do not add up")
            }
            blocks.append(block)
        }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}
