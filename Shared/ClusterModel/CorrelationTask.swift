/// One task of a correlation job as its payload says it: which blocks, which tiles, and what to keep of each row's values.
package struct CorrelationTask: Equatable, Sendable {
    package enum Mode: UInt8, Sendable {
        /// Everything: minimum, maximum, sum, counts, and the values inside the brackets.
        case full = 0
        /// Only the values inside the brackets and the count below them: a row's bracket missed its median.
        case medianOnly = 1
    }

    /// One block of consecutive alphas and what the task needs to know of each of them.
    package struct Block: Equatable, Sendable {
        package var index: UInt32
        package var name: BlockName
        /// Alphas in the block, 1 ... `blockEdge`; the block's bytes are padded with missing series to `blockEdge`.
        package var alphaCount: Int
        /// Position of each alpha's id in bytewise order: the tie rule, and how results name alphas.
        package var ranks: [UInt32]
        /// Values r with `low <= r <= high` are returned; smaller ones only counted. `low > high` keeps nothing.
        package var bracketLow: [Double]
        package var bracketHigh: [Double]
        /// Only r of at least `mostFrom`, or at most `leastTo`, can be among the nearest neighbours still.
        package var mostFrom: [Double]
        package var leastTo: [Double]
        package init(
            index: UInt32, name: BlockName, alphaCount: Int, ranks: [UInt32], bracketLow: [Double], bracketHigh: [Double],
            mostFrom: [Double]? = nil, leastTo: [Double]? = nil
        ) {
            self.index = index
            self.name = name
            self.alphaCount = alphaCount
            self.ranks = ranks
            self.bracketLow = bracketLow
            self.bracketHigh = bracketHigh
            self.mostFrom = mostFrom ?? Array(repeating: -.infinity, count: alphaCount)
            self.leastTo = leastTo ?? Array(repeating: .infinity, count: alphaCount)
        }
    }

    /// Positions in `blocks`; `row == column` is a diagonal tile, of which only the pairs above the diagonal count.
    package struct Tile: Equatable, Sendable {
        package var row: UInt16
        package var column: UInt16
        package init(row: UInt16, column: UInt16) {
            self.row = row
            self.column = column
        }
    }

    package var mode: Mode
    package var convention: Convention
    package var precision: Precision
    package var blockEdge: Int
    /// Dates in the panel, so in every series of a block.
    package var dayCount: Int
    /// Index of the first date whose return counts.
    package var firstDay: Int
    package var minOverlap: Int
    /// Nearest neighbours kept of each alpha at either end, at least 1.
    package var neighbours: Int
    /// Which pairs are returned one by one; nil for none.
    package var edges: EdgeRule?
    package var blocks: [Block]
    package var tiles: [Tile]

    package init(
        mode: Mode, convention: Convention, precision: Precision, blockEdge: Int, dayCount: Int, firstDay: Int,
        minOverlap: Int, neighbours: Int = 1, edges: EdgeRule? = nil, blocks: [Block], tiles: [Tile]
    ) {
        self.mode = mode
        self.convention = convention
        self.precision = precision
        self.blockEdge = blockEdge
        self.dayCount = dayCount
        self.firstDay = firstDay
        self.minOverlap = minOverlap
        self.neighbours = neighbours
        self.edges = edges
        self.blocks = blocks
        self.tiles = tiles
    }

    private static let magic: UInt32 = 0x334B_5441  // "ATK3"

    package func encoded() -> [UInt8] {
        let nameBytes = 32 + 32 * BlockSize.partCount(dayCount: dayCount)
        var writer = ByteWriter(capacity: 64 + blocks.count * (16 + nameBytes + blockEdge * 36) + tiles.count * 4)
        writer.write(Self.magic)
        writer.write(mode.rawValue)
        writer.write(UInt8(Convention.allCases.firstIndex(of: convention)!))
        writer.write(UInt8(Precision.allCases.firstIndex(of: precision)!))
        for value in [blockEdge, dayCount, firstDay, minOverlap, neighbours, blocks.count, tiles.count] {
            writer.write(UInt32(value))
        }
        writer.write(UInt8(edges.map { $0.absolute ? 2 : 1 } ?? 0))
        writer.write(edges?.from ?? 0)
        for block in blocks {
            writer.write(block.index)
            writer.write(block.name)
            writer.write(UInt32(block.alphaCount))
            writer.writeArray(block.ranks)
            writer.writeArray(block.bracketLow)
            writer.writeArray(block.bracketHigh)
            writer.writeArray(block.mostFrom)
            writer.writeArray(block.leastTo)
        }
        for tile in tiles {
            writer.write(tile.row)
            writer.write(tile.column)
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a task or name something out of range.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "correlation task")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a correlation task") }
        guard let mode = Mode(rawValue: try reader.read()) else { throw reader.malformed("unknown mode") }
        let convention = Int(try reader.read(UInt8.self))
        let precision = Int(try reader.read(UInt8.self))
        guard convention < Convention.allCases.count, precision < Precision.allCases.count else {
            throw reader.malformed("unknown convention or precision")
        }
        var sizes: [Int] = []
        for _ in 0..<7 { sizes.append(Int(try reader.read(UInt32.self))) }
        let (edge, days, first, overlap) = (sizes[0], sizes[1], sizes[2], sizes[3])
        let (neighbours, blockCount, tileCount) = (sizes[4], sizes[5], sizes[6])
        guard (1...Limits.blockEdgeMax).contains(edge), (1...Limits.daysMax).contains(days), first < days,
            (2...Limits.daysMax).contains(overlap), (1...Limits.neighboursMax).contains(neighbours),
            (1...Limits.blocksPerTaskMax).contains(blockCount),
            (1...(blockCount * blockCount)).contains(tileCount)
        else { throw reader.malformed("a size is out of range") }
        let edgeRule = try reader.read(UInt8.self)
        let edgesFrom = try reader.readDouble()
        guard edgeRule <= 2, edgesFrom.isFinite else { throw reader.malformed("an edge rule is out of range") }

        var blocks: [Block] = []
        for _ in 0..<blockCount {
            let index = try reader.read(UInt32.self)
            let name = try reader.readBlockName(dayCount: days)
            let count = Int(try reader.read(UInt32.self))
            guard (1...edge).contains(count) else { throw reader.malformed("a block of \(count) alphas") }
            blocks.append(
                Block(
                    index: index, name: name, alphaCount: count, ranks: try reader.readArray(count: count),
                    bracketLow: try reader.readArray(count: count), bracketHigh: try reader.readArray(count: count),
                    mostFrom: try reader.readArray(count: count), leastTo: try reader.readArray(count: count)))
        }
        var tiles: [Tile] = []
        for _ in 0..<tileCount {
            let tile = Tile(row: try reader.read(), column: try reader.read())
            guard tile.row < blockCount, tile.column < blockCount else { throw reader.malformed("a tile names no block") }
            tiles.append(tile)
        }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
        self.init(
            mode: mode, convention: Convention.allCases[convention], precision: Precision.allCases[precision],
            blockEdge: edge, dayCount: days, firstDay: first, minOverlap: overlap, neighbours: neighbours,
            edges: edgeRule == 0 ? nil : EdgeRule(from: edgesFrom, absolute: edgeRule == 2), blocks: blocks, tiles: tiles)
    }
}
