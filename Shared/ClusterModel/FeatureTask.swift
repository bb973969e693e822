/// One task of a features job as its payload says it: some blocks, and the days of their panel.
package struct FeatureTask: Equatable, Sendable {
    package struct Block: Equatable, Sendable {
        package var index: UInt32
        package var name: BlockName
        /// Alphas in the block, 1 ... `blockEdge`; the block's bytes are padded with missing series to `blockEdge`.
        package var alphaCount: Int
        package init(index: UInt32, name: BlockName, alphaCount: Int) {
            self.index = index
            self.name = name
            self.alphaCount = alphaCount
        }
    }

    package var blockEdge: Int
    /// Dates in the panel, so in every series of a block.
    package var dayCount: Int
    /// Index of the first date whose return counts.
    package var firstDay: Int
    /// Whether the values are daily PnL already, not cumulative.
    package var isDaily: Bool
    /// Days since 1970-01-01 of the panel's dates, ascending; empty when they are not known.
    package var dates: [Int32]
    package var blocks: [Block]

    package init(blockEdge: Int, dayCount: Int, firstDay: Int, isDaily: Bool, dates: [Int32], blocks: [Block]) {
        precondition(dates.isEmpty || dates.count == dayCount)
        self.blockEdge = blockEdge
        self.dayCount = dayCount
        self.firstDay = firstDay
        self.isDaily = isDaily
        self.dates = dates
        self.blocks = blocks
    }

    private static let magic: UInt32 = 0x324B_5446  // "FTK2"

    package func encoded() -> [UInt8] {
        let nameBytes = 32 + 32 * BlockSize.partCount(dayCount: dayCount)
        var writer = ByteWriter(capacity: 64 + dates.count * 4 + blocks.count * (8 + nameBytes))
        writer.write(Self.magic)
        for value in [blockEdge, dayCount, firstDay, blocks.count] { writer.write(UInt32(value)) }
        writer.write(UInt8(isDaily ? 1 : 0))
        writer.write(UInt8(dates.isEmpty ? 0 : 1))
        if !dates.isEmpty { writer.writeArray(dates) }
        for block in blocks {
            writer.write(block.index)
            writer.write(block.name)
            writer.write(UInt32(block.alphaCount))
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a task or name something out of range.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "features task")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a features task") }
        var sizes: [Int] = []
        for _ in 0..<4 { sizes.append(Int(try reader.read(UInt32.self))) }
        let (edge, days, first, blockCount) = (sizes[0], sizes[1], sizes[2], sizes[3])
        let isDaily = try reader.read(UInt8.self)
        let hasDates = try reader.read(UInt8.self)
        guard (1...Limits.blockEdgeMax).contains(edge), (1...Limits.daysMax).contains(days), first < days,
            (1...Limits.blocksPerTaskMax).contains(blockCount), isDaily <= 1, hasDates <= 1
        else { throw reader.malformed("a size is out of range") }
        let dates: [Int32] = hasDates == 0 ? [] : try reader.readArray(count: days)
        guard zip(dates, dates.dropFirst()).allSatisfy({ $0 < $1 }) else { throw reader.malformed("dates do not ascend") }
        var blocks: [Block] = []
        for _ in 0..<blockCount {
            let block = Block(
                index: try reader.read(), name: try reader.readBlockName(dayCount: days),
                alphaCount: Int(try reader.read(UInt32.self)))
            guard (1...edge).contains(block.alphaCount) else { throw reader.malformed("a block of \(block.alphaCount) alphas") }
            blocks.append(block)
        }
        try reader.expectEnd()
        self.init(blockEdge: edge, dayCount: days, firstDay: first, isDaily: isDaily == 1, dates: dates, blocks: blocks)
    }
}

/// What a features task returns: the features of every alpha of its blocks.
package struct FeaturePartial: Equatable, Sendable {
    package struct Block: Equatable, Sendable {
        package var index: UInt32
        /// Alphas x `AlphaFeature.allCases`, one alpha after the other; one canonical NaN where undefined.
        package var values: [Double]
        package init(index: UInt32, values: [Double]) {
            self.index = index
            self.values = values
        }
        package var alphaCount: Int { values.count / AlphaFeature.count }

        /// Bit for bit, since NaN is not equal to itself.
        package static func == (a: Block, b: Block) -> Bool {
            a.index == b.index && a.values.elementsEqual(b.values) { $0.bitPattern == $1.bitPattern }
        }
    }

    package var blocks: [Block]

    package init(blocks: [Block]) { self.blocks = blocks }

    private static let magic: UInt32 = 0x3150_5446  // "FTP1"

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: blocks.reduce(64) { $0 + 24 + $1.values.count * 8 })
        writer.write(Self.magic)
        writer.write(UInt32(blocks.count))
        writer.write(UInt32(AlphaFeature.count))
        for block in blocks {
            writer.write(block.index)
            writer.write(UInt32(block.alphaCount))
            writer.writeArray(block.values)
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a partial or contradict themselves.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "features partial")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a features partial") }
        let blockCount = Int(try reader.read(UInt32.self))
        let features = Int(try reader.read(UInt32.self))
        guard blockCount <= Limits.blocksPerTaskMax else { throw reader.malformed("\(blockCount) blocks") }
        guard features == AlphaFeature.count else {
            throw reader.malformed("\(features) features of an alpha, expected \(AlphaFeature.count)")
        }
        blocks = []
        for _ in 0..<blockCount {
            let index = try reader.read(UInt32.self)
            let alphaCount = Int(try reader.read(UInt32.self))
            guard alphaCount <= Limits.blockEdgeMax else { throw reader.malformed("a block of \(alphaCount) alphas") }
            blocks.append(Block(index: index, values: try reader.readArray(count: alphaCount * features)))
        }
        try reader.expectEnd()
    }
}
