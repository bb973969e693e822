/// What a correlation task returns: per block, mergeable summaries of each of its alphas over the task's tiles.
///
/// Merging is exact and the same in any order: sums are fixed-point integers, extremes carry the tie rule,
/// and the values around the median are kept as they are.
package struct CorrelationPartial: Equatable, Sendable {
    /// One of an alpha's nearest neighbours at one end.
    package struct Neighbour: Hashable, Sendable, BitwiseCopyable {
        package var r: Double
        /// Rank of the other alpha's id.
        package var rank: UInt32
        /// Common returns of the pair.
        package var days: UInt32
        package init(r: Double, rank: UInt32, days: UInt32) {
            self.r = r
            self.rank = rank
            self.days = days
        }
    }

    /// A pair beyond the job's threshold, named by the ranks of its alphas' ids.
    package struct Edge: Hashable, Sendable, BitwiseCopyable {
        package var r: Double
        package var rankA: UInt32
        package var rankB: UInt32
        package var days: UInt32
        private var unused: UInt32 = 0
        package init(r: Double, rankA: UInt32, rankB: UInt32, days: UInt32) {
            self.r = r
            self.rankA = rankA
            self.rankB = rankB
            self.days = days
        }
    }

    /// Summaries of the alphas of one block; every array has one element per alpha of the block.
    package struct Block: Equatable, Sendable {
        package var index: UInt32
        /// How many of `most` belong to each alpha, in order; likewise `least`.
        package var mostCount: [UInt32]
        package var leastCount: [UInt32]
        /// The largest r of the task's pairs, as far as they reach `CorrelationTask.Block.mostFrom`, largest first, ties by
        /// rank; likewise the smallest.
        package var most: [Neighbour]
        package var least: [Neighbour]
        /// Sum of round(r * 2^40), ties to even.
        package var sum: [Int64]
        /// Defined pairs.
        package var count: [UInt32]
        /// Defined pairs with r below the bracket.
        package var below: [UInt32]
        /// How many of `insideValues` belong to each alpha, in order.
        package var insideCount: [UInt32]
        /// The r inside the brackets, alpha after alpha, in no particular order within an alpha.
        package var insideValues: CorrelationValues

        package init(index: UInt32, alphaCount: Int, precision: Precision) {
            self.index = index
            mostCount = Array(repeating: 0, count: alphaCount)
            leastCount = mostCount
            most = []
            least = []
            sum = Array(repeating: 0, count: alphaCount)
            count = Array(repeating: 0, count: alphaCount)
            below = Array(repeating: 0, count: alphaCount)
            insideCount = Array(repeating: 0, count: alphaCount)
            insideValues = CorrelationValues(precision)
        }

        package var alphaCount: Int { count.count }
    }

    /// Scale of the fixed-point sums: 2^40.
    package static let sumScale = 1_099_511_627_776.0

    package var blocks: [Block]
    /// Pairs decided one by one by the two-pass twin: a fast kernel could not bound its error, or the gaps of both series
    /// make the pair's returns its own.
    package var twinPairs: UInt64

    /// Pairs beyond the threshold, at most `Limits.edgesPerTaskMax`; how many more there were.
    package var edges: [Edge]
    package var edgesDropped: UInt64

    package init(blocks: [Block], twinPairs: UInt64, edges: [Edge] = [], edgesDropped: UInt64 = 0) {
        self.blocks = blocks
        self.twinPairs = twinPairs
        self.edges = edges
        self.edgesDropped = edgesDropped
    }

    private static let magic: UInt32 = 0x3250_4341  // "ACP2"

    package func encoded() -> [UInt8] {
        let size = blocks.reduce(64 + edges.count * 24) {
            $0 + 160 + $1.alphaCount * 28 + ($1.most.count + $1.least.count) * 16 + $1.insideValues.count * 8
        }
        var writer = ByteWriter(capacity: size)
        writer.write(Self.magic)
        writer.write(UInt32(blocks.count))
        writer.write(twinPairs)
        writer.write(UInt64(edges.count))
        writer.write(edgesDropped)
        writer.writeArray(edges)
        for block in blocks { block.write(to: &writer) }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a partial or contradict themselves.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "correlation partial")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a correlation partial") }
        let blockCount = Int(try reader.read(UInt32.self))
        guard blockCount <= Limits.blocksPerTaskMax else { throw reader.malformed("\(blockCount) blocks") }
        twinPairs = try reader.read()
        let edgeCount = try reader.read(UInt64.self)
        guard edgeCount <= UInt64(Limits.edgesPerTaskMax) else { throw reader.malformed("\(edgeCount) edges") }
        edgesDropped = try reader.read()
        edges = try reader.readArray(count: Int(edgeCount))
        blocks = []
        for _ in 0..<blockCount { blocks.append(try Block(from: &reader)) }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}

extension CorrelationPartial.Block {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(index)
        writer.write(UInt32(alphaCount))
        writer.write(UInt64(insideValues.count))
        writer.write(UInt32(most.count))
        writer.write(UInt32(least.count))
        writer.write(UInt8(insideValues.precision == .float64 ? 0 : 1))
        writer.writeArray(sum)
        switch insideValues {
        case .float64(let values): writer.writeArray(values)
        case .float32(let values): writer.writeArray(values)
        }
        writer.writeArray(most)
        writer.writeArray(least)
        for counts in [mostCount, leastCount, count, below, insideCount] { writer.writeArray(counts) }
    }

    fileprivate init(from reader: inout ByteReader) throws(GridError) {
        index = try reader.read(UInt32.self)
        let alphas = Int(try reader.read(UInt32.self))
        let inside = try reader.read(UInt64.self)
        let mostTotal = Int(try reader.read(UInt32.self))
        let leastTotal = Int(try reader.read(UInt32.self))
        let precision = try reader.read(UInt8.self)
        guard alphas <= Limits.blockEdgeMax, inside <= UInt64(Limits.payloadBytesMax), precision <= 1 else {
            throw reader.malformed("a block of \(alphas) alphas and \(inside) values")
        }
        sum = try reader.readArray(count: alphas)
        insideValues =
            precision == 0
            ? .float64(try reader.readArray(count: Int(inside))) : .float32(try reader.readArray(count: Int(inside)))
        most = try reader.readArray(count: mostTotal)
        least = try reader.readArray(count: leastTotal)
        mostCount = try reader.readArray(count: alphas)
        leastCount = try reader.readArray(count: alphas)
        count = try reader.readArray(count: alphas)
        below = try reader.readArray(count: alphas)
        insideCount = try reader.readArray(count: alphas)
        func total(_ counts: [UInt32]) -> UInt64 { counts.reduce(0) { $0 + UInt64($1) } }
        guard total(insideCount) == inside, total(mostCount) == UInt64(mostTotal), total(leastCount) == UInt64(leastTotal)
        else { throw reader.malformed("values of a block do not add up") }
    }
}
