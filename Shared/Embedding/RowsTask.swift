import ClusterModel

/// A task over whole series of some blocks, standardised, with 0 where a return is missing: what PCA and k-means are made of.
package struct RowsTask: Equatable, Sendable {
    package enum Operation: Equatable, Sendable {
        /// What the rows add to a principal component analysis: `GramPartial`.
        case gram
        /// Where the rows lie along components.
        case scores(PCABasis)
        /// First centres of k-means, drawn from the task's rows.
        case start(clusters: Int, seed: UInt64)
        /// One round of k-means: `KMeansPartial`.
        case assign(Centroids)
    }

    package var blockEdge: Int
    package var dayCount: Int
    /// Index of the first date whose return counts.
    package var firstDay: Int
    package var convention: Convention
    package var blocks: [FeatureTask.Block]
    /// Number of the first row among those of all blocks.
    package var firstRow: Int
    package var operation: Operation

    package init(
        blockEdge: Int, dayCount: Int, firstDay: Int, convention: Convention, blocks: [FeatureTask.Block], firstRow: Int,
        operation: Operation
    ) {
        self.blockEdge = blockEdge
        self.dayCount = dayCount
        self.firstDay = firstDay
        self.convention = convention
        self.blocks = blocks
        self.firstRow = firstRow
        self.operation = operation
    }

    /// Returns of a row that count.
    package var width: Int { dayCount - firstDay }
    package var rowCount: Int { blocks.reduce(0) { $0 + $1.alphaCount } }

    private static let magic: UInt32 = 0x3254_5241  // "ART2"

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        for value in [blockEdge, dayCount, firstDay, firstRow, blocks.count] { writer.write(UInt32(value)) }
        writer.write(UInt8(Convention.allCases.firstIndex(of: convention)!))
        for block in blocks {
            writer.write(block.index)
            writer.write(block.name)
            writer.write(UInt32(block.alphaCount))
        }
        switch operation {
        case .gram: writer.write(UInt8(0))
        case .scores(let basis):
            writer.write(UInt8(1))
            writer.write(UInt32(basis.count))
            writer.writeArray(basis.mean)
            writer.writeArray(basis.components)
            writer.writeArray(basis.variances)
            writer.writeArray(basis.shares)
        case .start(let clusters, let seed):
            writer.write(UInt8(2))
            writer.write(UInt32(clusters))
            writer.write(seed)
        case .assign(let centroids):
            writer.write(UInt8(3))
            writer.write(UInt32(centroids.count))
            writer.writeArray(centroids.values)
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a task or name something out of range.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "rows task")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a rows task") }
        var sizes: [Int] = []
        for _ in 0..<5 { sizes.append(Int(try reader.read(UInt32.self))) }
        (blockEdge, dayCount, firstDay, firstRow) = (sizes[0], sizes[1], sizes[2], sizes[3])
        let convention = Int(try reader.read(UInt8.self))
        guard (1...Limits.blockEdgeMax).contains(blockEdge), (1...Limits.daysMax).contains(dayCount), firstDay < dayCount,
            firstRow <= Limits.alphasMax, (1...Limits.blocksPerTaskMax).contains(sizes[4]),
            convention < Convention.allCases.count
        else { throw reader.malformed("a size is out of range") }
        self.convention = Convention.allCases[convention]
        blocks = []
        for _ in 0..<sizes[4] {
            let block = FeatureTask.Block(
                index: try reader.read(), name: try reader.readBlockName(dayCount: dayCount),
                alphaCount: Int(try reader.read(UInt32.self)))
            guard (1...blockEdge).contains(block.alphaCount) else {
                throw reader.malformed("a block of \(block.alphaCount) alphas")
            }
            blocks.append(block)
        }
        let width = dayCount - firstDay
        switch try reader.read(UInt8.self) {
        case 0: operation = .gram
        case 1:
            let count = Int(try reader.read(UInt32.self))
            guard count <= Limits.componentsMax else { throw reader.malformed("\(count) components") }
            operation = .scores(
                PCABasis(
                    width: width, mean: try reader.readArray(count: width),
                    components: try reader.readArray(count: count * width), variances: try reader.readArray(count: count),
                    shares: try reader.readArray(count: count)))
        case 2:
            let clusters = Int(try reader.read(UInt32.self))
            guard (1...Limits.centroidsMax).contains(clusters) else { throw reader.malformed("\(clusters) clusters") }
            operation = .start(clusters: clusters, seed: try reader.read())
        case 3:
            let count = Int(try reader.read(UInt32.self))
            guard (1...Limits.centroidsMax).contains(count) else { throw reader.malformed("\(count) centres") }
            operation = .assign(
                Centroids(count: count, width: width, values: try reader.readArray(count: count * width)))
        default: throw reader.malformed("unknown operation")
        }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}

/// What a rows task returns.
package enum RowsPartial: Equatable, Sendable {
    case gram(GramPartial)
    /// Rows x components, row-major.
    case scores([Double])
    case start(Centroids)
    case assign(KMeansPartial)

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .gram(let partial):
            writer.writeArray(partial.gram)
            writer.writeArray(partial.sums)
        case .scores(let values): writer.writeArray(values)
        case .start(let centroids):
            writer.writeArray(centroids.values)
            writer.writeArray(centroids.rows.map { UInt32($0) })
        case .assign(let partial):
            writer.writeArray(partial.labels)
            writer.writeArray(partial.counts.map { Int64($0) })
            writer.writeArray(partial.sums)
            writer.write(partial.inertia)
            writer.write(UInt32(partial.farRows.count))
            for far in partial.farRows {
                writer.write(UInt32(far.row))
                writer.write(UInt32(far.label))
                writer.write(far.squaredDistance)
                writer.writeArray(far.values)
            }
        }
        return writer.bytes
    }

    /// - Parameter task: what was asked for; sizes follow from it.
    /// - Throws: `GridError(.usage)` when the bytes cannot be that task's partial.
    package init(decoding payload: Payload, of task: RowsTask) throws(GridError) {
        var reader = ByteReader(payload, what: "rows partial")
        let (rows, width) = (task.rowCount, task.width)
        switch task.operation {
        case .gram:
            guard
                let partial = GramPartial(
                    count: rows, width: width, gram: try reader.readArray(count: width * width),
                    sums: try reader.readArray(count: width))
            else { throw reader.malformed("a Gram matrix of another size") }
            self = .gram(partial)
        case .scores(let basis): self = .scores(try reader.readArray(count: rows * basis.count))
        case .start(let clusters, _):
            let values: [Double] = try reader.readArray(count: clusters * width)
            let chosen: [UInt32] = try reader.readArray(count: clusters)
            guard chosen.allSatisfy({ (task.firstRow..<(task.firstRow + rows)).contains(Int($0)) }) else {
                throw reader.malformed("a first centre that is no row of the task")
            }
            self = .start(Centroids(count: clusters, width: width, values: values, rows: chosen.map { Int($0) }))
        case .assign(let centroids):
            let labels: [Int32] = try reader.readArray(count: rows)
            let counts: [Int64] = try reader.readArray(count: centroids.count)
            let sums: [Double] = try reader.readArray(count: centroids.count * width)
            let inertia = try reader.readDouble()
            let range = Int32(0)..<Int32(centroids.count)
            let farCount = Int(try reader.read(UInt32.self))
            guard labels.allSatisfy(range.contains), counts.allSatisfy({ (0...Int64(rows)).contains($0) }),
                farCount <= KMeansPartial.farRowsMax
            else { throw reader.malformed("a label or a count is out of range") }
            var far: [KMeansPartial.FarRow] = []
            for _ in 0..<farCount {
                let (row, label) = (Int(try reader.read(UInt32.self)), Int(try reader.read(UInt32.self)))
                guard label < centroids.count else { throw reader.malformed("a label is out of range") }
                far.append(
                    KMeansPartial.FarRow(
                        row: row, label: label, squaredDistance: try reader.readDouble(),
                        values: try reader.readArray(count: width)))
            }
            self = .assign(
                KMeansPartial(labels: labels, counts: counts.map { Int($0) }, sums: sums, inertia: inertia, farRows: far))
        }
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}

extension RowsTask {
    /// Does the work.
    ///
    /// - Parameter returns: `rowCount` x `width`, row-major, NaN where missing; overwritten.
    package func run(_ returns: UnsafeMutablePointer<Double>) throws(GridError) -> RowsPartial {
        StandardisedRows.standardise(returns, count: rowCount, width: width)
        switch operation {
        case .gram: return .gram(GramPartial(block: returns, count: rowCount, width: width))
        case .scores(let basis): return .scores(basis.scores(returns, count: rowCount))
        case .assign(let centroids):
            return .assign(KMeansPartial(block: returns, count: rowCount, firstRow: firstRow, centroids: centroids))
        case .start(let clusters, let seed):
            do {
                return .start(
                    try KMeansStart.plusPlus(
                        returns, count: rowCount, width: width, clusters: clusters, seed: seed, firstRow: firstRow))
            } catch {
                throw error as? GridError ?? GridError(.failed, "\(error)")
            }
        }
    }
}
