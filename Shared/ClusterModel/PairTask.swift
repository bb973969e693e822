/// A task that looks at the single correlations of its tiles, for what cannot be said by the summaries of `CorrelationTask`.
package struct PairTask: Equatable, Sendable {
    package enum Reduction: Equatable, Sendable {
        /// All values, tile after tile.
        case values
        /// Each alpha's most alike alpha of another component (see `Reach`), by r or by |r|. One element per block, one value
        /// per alpha.
        case nearestOutside([Reach], absolute: Bool)
        /// Each alpha's distances to the members of each cluster, summed up. Labels per block and alpha: -1 for none.
        case distanceSums(labels: [[Int32]], clusterCount: Int)
    }

    /// What a search for the nearest alpha of another component knows of the alphas of a block. The likeness of a pair is
    /// `min(r, core of one, core of the other)`; larger is nearer.
    package struct Reach: Equatable, Sendable {
        package var components: [UInt32]
        /// Infinite where r alone counts.
        package var cores: [Double]
        package init(components: [UInt32], cores: [Double]) {
            self.components = components
            self.cores = cores
        }
    }

    /// Blocks, tiles, and how their correlations are computed; of each block only hash, size and ranks are used.
    package var tiles: CorrelationTask
    package var reduction: Reduction

    package init(tiles: CorrelationTask, reduction: Reduction) {
        self.tiles = tiles
        self.reduction = reduction
    }

    private static let magic: UInt32 = 0x3154_5041  // "APT1"

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        let inner = tiles.encoded()
        writer.write(UInt32(inner.count))
        writer.writeArray(inner)
        switch reduction {
        case .values: writer.write(UInt8(0))
        case .nearestOutside(let reaches, let absolute):
            writer.write(UInt8(absolute ? 3 : 1))
            for reach in reaches {
                writer.writeArray(reach.components)
                writer.writeArray(reach.cores)
            }
        case .distanceSums(let labels, let clusterCount):
            writer.write(UInt8(2))
            writer.write(UInt32(clusterCount))
            for block in labels { writer.writeArray(block) }
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a task or name something out of range.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "pair task")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a pair task") }
        let inner: [UInt8] = try reader.readArray(count: Int(try reader.read(UInt32.self)))
        let tiles = try CorrelationTask(decoding: Payload(copying: inner))
        let kind = try reader.read(UInt8.self)
        switch kind {
        case 0: reduction = .values
        case 1, 3:
            var reaches: [Reach] = []
            for block in tiles.blocks {
                reaches.append(
                    Reach(
                        components: try reader.readArray(count: block.alphaCount),
                        cores: try reader.readArray(count: block.alphaCount)))
            }
            reduction = .nearestOutside(reaches, absolute: kind == 3)
        case 2:
            let clusterCount = Int(try reader.read(UInt32.self))
            guard (1...Limits.clustersMax).contains(clusterCount) else { throw reader.malformed("\(clusterCount) clusters") }
            var labels: [[Int32]] = []
            for block in tiles.blocks {
                let found: [Int32] = try reader.readArray(count: block.alphaCount)
                guard found.allSatisfy({ (-1..<Int32(clusterCount)).contains($0) }) else {
                    throw reader.malformed("a label is out of range")
                }
                labels.append(found)
            }
            reduction = .distanceSums(labels: labels, clusterCount: clusterCount)
        default: throw reader.malformed("unknown reduction")
        }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
        self.tiles = tiles
    }
}

/// What a pair task returns.
package enum PairPartial: Equatable, Sendable {
    /// r of each tile, row after row, as many rows and columns as the blocks have alphas; NaN where undefined, and on and
    /// below the diagonal of a diagonal tile.
    case values([CorrelationValues])
    /// Per task block and alpha: the likeness and the rank of the nearest alpha outside; -infinity and `UInt32.max` for none.
    /// Ties go to the smaller rank.
    case nearestOutside([Nearest])
    /// Per task block, alpha and cluster: the sum of `round(sqrt(2 (1 - r)) * 2^40)` and the number of pairs.
    case distanceSums([Sums])

    package struct Nearest: Equatable, Sendable {
        package var likeness: [Double]
        package var rank: [UInt32]
        package init(alphaCount: Int) {
            likeness = Array(repeating: -.infinity, count: alphaCount)
            rank = Array(repeating: .max, count: alphaCount)
        }
    }

    package struct Sums: Equatable, Sendable {
        package var sum: [Int64]
        package var count: [UInt32]
        package init(alphaCount: Int, clusterCount: Int) {
            sum = Array(repeating: 0, count: alphaCount * clusterCount)
            count = Array(repeating: 0, count: alphaCount * clusterCount)
        }
    }

    private static let magic: UInt32 = 0x3150_5041  // "APP1"

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        switch self {
        case .values(let tiles):
            for tile in tiles {
                switch tile {
                case .float64(let values): writer.writeArray(values)
                case .float32(let values): writer.writeArray(values)
                }
            }
        case .nearestOutside(let blocks):
            for block in blocks {
                writer.writeArray(block.likeness)
                writer.writeArray(block.rank)
            }
        case .distanceSums(let blocks):
            for block in blocks {
                writer.writeArray(block.sum)
                writer.writeArray(block.count)
            }
        }
        return writer.bytes
    }

    /// - Parameter task: what was asked for; sizes follow from it.
    /// - Throws: `GridError(.usage)` when the bytes cannot be that task's partial.
    package init(decoding payload: Payload, of task: PairTask) throws(GridError) {
        var reader = ByteReader(payload, what: "pair partial")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a pair partial") }
        let counts = task.tiles.blocks.map(\.alphaCount)
        switch task.reduction {
        case .values:
            var tiles: [CorrelationValues] = []
            for tile in task.tiles.tiles {
                let count = counts[Int(tile.row)] * counts[Int(tile.column)]
                switch task.tiles.precision {
                case .float64: tiles.append(.float64(try reader.readArray(count: count)))
                case .float32: tiles.append(.float32(try reader.readArray(count: count)))
                }
            }
            self = .values(tiles)
        case .nearestOutside:
            var blocks: [Nearest] = []
            for count in counts {
                var nearest = Nearest(alphaCount: 0)
                nearest.likeness = try reader.readArray(count: count)
                nearest.rank = try reader.readArray(count: count)
                blocks.append(nearest)
            }
            self = .nearestOutside(blocks)
        case .distanceSums(_, let clusterCount):
            var blocks: [Sums] = []
            for count in counts {
                var sums = Sums(alphaCount: 0, clusterCount: 0)
                sums.sum = try reader.readArray(count: count * clusterCount)
                sums.count = try reader.readArray(count: count * clusterCount)
                blocks.append(sums)
            }
            self = .distanceSums(blocks)
        }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}
