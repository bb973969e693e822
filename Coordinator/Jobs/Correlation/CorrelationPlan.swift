import ClusterModel
import Crypto
import Panel

/// What of a panel a correlation job needs while it runs; the values themselves stay with the panel.
package struct PanelLayout: Sendable {
    package let shape: PanelShape
    package let blockNames: [BlockName]
    /// Bytewise rank of each alpha's id, by layout position.
    package let ranks: [UInt32]
    package let contentHash: BlockHash

    package init(shape: PanelShape, blockNames: [BlockName], ranks: [UInt32], contentHash: BlockHash) {
        precondition(blockNames.count == shape.blockCount && ranks.count == shape.alphaCount)
        precondition(blockNames.allSatisfy { $0.parts.count == shape.blockSize.partCount })
        self.shape = shape
        self.blockNames = blockNames
        self.ranks = ranks
        self.contentHash = contentHash
    }

    /// Of a panel whose blocks nobody will fetch.
    package init(shape: PanelShape, blockHashes: [BlockHash], ranks: [UInt32], contentHash: BlockHash) {
        self.init(
            shape: shape, blockNames: blockHashes.map { BlockName($0, dayCount: shape.dayCount) }, ranks: ranks,
            contentHash: contentHash)
    }

    package init(_ panel: Panel) {
        self.init(
            shape: panel.shape, blockNames: panel.blockNames, ranks: panel.ranks, contentHash: panel.contentHash)
    }

    /// The blocks of one panel, then those of another with the same days. The alphas of each are ranked for themselves.
    package init(joining first: PanelLayout, _ second: PanelLayout) throws(GridError) {
        precondition(first.shape.dayCount == second.shape.dayCount && first.shape.blockEdge == second.shape.blockEdge)
        let counts = [first, second].flatMap { layout in
            (0..<layout.blockCount).map { layout.shape.alphas(inBlock: $0).count }
        }
        var writer = ByteWriter()
        writer.write(first.contentHash)
        writer.write(second.contentHash)
        self.init(
            shape: try PanelShape(
                blockCounts: counts, dayCount: first.shape.dayCount, blockEdge: first.shape.blockEdge, name: "the joined panel"),
            blockNames: first.blockNames + second.blockNames, ranks: first.ranks + second.ranks,
            contentHash: BlockHash(bytes: Array(SHA256.hash(data: writer.bytes))))
    }

    package var alphaCount: Int { shape.alphaCount }
    package var blockCount: Int { shape.blockCount }
}

/// Values of r worth keeping, per alpha: those that may still turn out to be the median, and those that may be among the
/// nearest neighbours.
package struct WantedValues: Sendable {
    package var low: [Double]
    package var high: [Double]
    package var mostFrom: [Double]
    package var leastTo: [Double]

    package static func everything(alphaCount: Int) -> WantedValues {
        let smallest = Array(repeating: -Double.infinity, count: alphaCount)
        let largest = Array(repeating: Double.infinity, count: alphaCount)
        return WantedValues(low: smallest, high: largest, mostFrom: smallest, leastTo: largest)
    }

    package static func nothing(alphaCount: Int) -> WantedValues {
        let all = everything(alphaCount: alphaCount)
        return WantedValues(low: all.high, high: all.low, mostFrom: all.high, leastTo: all.low)
    }
}

/// Cuts the upper triangle of tiles into stages and tasks.
package struct CorrelationPlan: Sendable {
    package let layout: PanelLayout
    package let parameters: CorrelationParameters
    package let firstDay: Int

    package init(layout: PanelLayout, parameters: CorrelationParameters, firstDay: Int) {
        self.layout = layout
        self.parameters = parameters
        self.firstDay = firstDay
    }

    /// Block rows of each wave, growing eightfold: every wave's values narrow the brackets of the next, so that the
    /// values kept per alpha stay a few thousand whatever the number of alphas.
    package var waves: [Range<Int>] {
        var waves: [Range<Int>] = []
        var start = 0
        var end = 1
        while start < layout.blockCount {
            waves.append(start..<min(end, layout.blockCount))
            start = end
            end *= 8
        }
        return waves
    }

    /// Tiles along a task's edge: large enough to be worth its messages, small enough to keep every slot of a
    /// modest cluster busy.
    private static func group(tiles: Int) -> Int {
        var group = 1
        while group < 8 && tiles >= 32 * (group + 1) * (group + 1) { group += 1 }
        return group
    }

    private func triangle(_ rows: Range<Int>, group: Int = 1) -> TaskGrid {
        TaskGrid(rowBlocks: rows, blockCount: layout.blockCount, group: group)
    }

    /// The stage that computes the tiles of some block rows.
    package func stage(name: String, rows: Range<Int>, mode: CorrelationTask.Mode, wanted: WantedValues) -> JobStage {
        stage(
            name: name, grid: triangle(rows, group: Self.group(tiles: triangle(rows).tileCount)), mode: mode, wanted: wanted,
            laterTileCount: triangle(rows.upperBound..<layout.blockCount).tileCount)
    }

    /// The stage that computes all tiles of some block rows with some block columns, which lie behind them.
    package func stage(name: String, rows: Range<Int>, columns: Range<Int>, wanted: WantedValues) -> JobStage {
        precondition(rows.upperBound <= columns.lowerBound && columns.upperBound <= layout.blockCount)
        let group = Self.group(tiles: rows.count * columns.count)
        return stage(
            name: name, grid: TaskGrid(rowBlocks: rows, columnBlocks: columns, group: group), mode: .full, wanted: wanted)
    }

    private func stage(
        name: String, grid: TaskGrid, mode: CorrelationTask.Mode, wanted: WantedValues, laterTileCount: Int = 0
    ) -> JobStage {
        JobStage(
            name: name, plan: planHash(name: name, grid: grid, mode: mode, wanted: wanted), kind: "correlation",
            taskCount: grid.taskCount, grid: grid, tileCount: grid.tileCount, laterTileCount: laterTileCount,
            blocks: { index in
                let (rows, columns) = grid.blocks(ofTask: index)
                return Self.blocks(rows: rows, columns: columns)
            }
        ) { index in
            Payload(copying: task(index, grid: grid, mode: mode, wanted: wanted).encoded())
        }
    }

    /// The stage that recomputes every tile in which one of some alphas takes part, keeping only values inside the
    /// brackets. The tiles are the same as before, so their bits are the same.
    package func redoStage(name: String, blocks: [Int], wanted: WantedValues) -> JobStage {
        let redone = Set(blocks)
        // Block pairs (i <= j) of which at least one side is redone, one task each.
        let tiles = (0..<layout.blockCount).flatMap { row in
            (row..<layout.blockCount).compactMap { column in
                redone.contains(row) || redone.contains(column) ? (row, column) : nil
            }
        }
        let hash = planHash(name: name, grid: nil, mode: .medianOnly, wanted: wanted)
        return JobStage(
            name: name, plan: hash, kind: "correlation", taskCount: tiles.count, grid: nil, tileCount: tiles.count,
            blocks: { index in
                let (row, column) = tiles[index]
                return Self.blocks(rows: row..<(row + 1), columns: column..<(column + 1))
            }
        ) { index in
            let (row, column) = tiles[index]
            let task = task(rows: row..<(row + 1), columns: column..<(column + 1), mode: .medianOnly, wanted: wanted)
            return Payload(copying: task.encoded())
        }
    }

    /// The stage that looks at every pair once in another way than for its summaries.
    ///
    /// - Parameters:
    ///   - basis: whatever decides `reduction`, for the plan's hash.
    ///   - groupMax: tiles along a task's edge at most.
    ///   - reduction: what becomes of the pairs of some blocks, named by their indices.
    package func pairStage(
        name: String, basis: [UInt8] = [], groupMax: Int = 8, reduction: @escaping @Sendable ([Int]) -> PairTask.Reduction
    ) -> PairStage {
        let all = 0..<layout.blockCount
        let grid = triangle(all, group: min(groupMax, Self.group(tiles: triangle(all).tileCount)))
        let wanted = WantedValues.nothing(alphaCount: layout.alphaCount)
        let task: @Sendable (Int) -> PairTask = { index in
            let tiles = self.task(index, grid: grid, mode: .medianOnly, wanted: wanted)
            return PairTask(tiles: tiles, reduction: reduction(tiles.blocks.map { Int($0.index) }))
        }
        let stage = JobStage(
            name: name, plan: planHash(name: name, grid: grid, mode: .medianOnly, wanted: wanted, basis: basis), kind: "pairs",
            taskCount: grid.taskCount, grid: grid, tileCount: grid.tileCount
        ) { Payload(copying: task($0).encoded()) }
        return PairStage(stage: stage, task: task)
    }

    /// All tiles of the triangle in one task.
    package func wholeTask() -> CorrelationTask {
        let all = 0..<layout.blockCount
        return task(rows: all, columns: all, mode: .medianOnly, wanted: .nothing(alphaCount: layout.alphaCount))
    }

    package func task(
        _ index: Int, grid: TaskGrid, mode: CorrelationTask.Mode, wanted: WantedValues
    ) -> CorrelationTask {
        let (rows, columns) = grid.blocks(ofTask: index)
        return task(rows: rows, columns: columns, mode: mode, wanted: wanted)
    }

    /// Blocks of a task in their order: those of its rows, then the others of its columns.
    private static func blocks(rows: Range<Int>, columns: Range<Int>) -> [Int] {
        Array(rows) + columns.filter { !rows.contains($0) }
    }

    private func task(
        rows: Range<Int>, columns: Range<Int>, mode: CorrelationTask.Mode, wanted: WantedValues
    ) -> CorrelationTask {
        let indices = Self.blocks(rows: rows, columns: columns)
        let position = Dictionary(uniqueKeysWithValues: indices.enumerated().map { ($1, UInt16($0)) })
        let blocks = indices.map { index in
            let alphas = layout.shape.alphas(inBlock: index)
            return CorrelationTask.Block(
                index: UInt32(index), name: layout.blockNames[index], alphaCount: alphas.count,
                ranks: Array(layout.ranks[alphas]), bracketLow: Array(wanted.low[alphas]),
                bracketHigh: Array(wanted.high[alphas]), mostFrom: Array(wanted.mostFrom[alphas]),
                leastTo: Array(wanted.leastTo[alphas]))
        }
        let tiles = rows.flatMap { row in
            columns.filter { $0 >= row }.map { CorrelationTask.Tile(row: position[row]!, column: position[$0]!) }
        }
        return CorrelationTask(
            mode: mode, convention: parameters.convention, precision: parameters.precision,
            blockEdge: layout.shape.blockEdge, dayCount: layout.shape.dayCount, firstDay: firstDay,
            minOverlap: parameters.minOverlap, neighbours: parameters.neighbours,
            edges: mode == .full ? parameters.edges : nil, blocks: blocks, tiles: tiles)
    }

    /// Everything that decides the payloads of a stage goes in.
    private func planHash(
        name: String, grid: TaskGrid?, mode: CorrelationTask.Mode, wanted: WantedValues, basis: [UInt8] = []
    ) -> PlanHash {
        var sha = SHA256()
        var writer = ByteWriter()
        writer.write(name)
        writer.write(layout.contentHash)
        for (block, name) in layout.blockNames.enumerated() {
            writer.write(name.hash)
            writer.write(UInt32(layout.shape.blockStarts[block + 1]))
        }
        writer.write(parameters.convention.rawValue)
        writer.write(parameters.precision.rawValue)
        writer.write(mode.rawValue)
        for value in [
            parameters.minOverlap, layout.shape.blockEdge, layout.shape.dayCount, firstDay, grid?.group ?? 0,
            grid?.rowBlocks.lowerBound ?? 0, grid?.rowBlocks.upperBound ?? 0,
            grid?.columnBlocks.lowerBound ?? 0, grid?.columnBlocks.upperBound ?? 0, parameters.neighbours,
            parameters.edges.map { $0.absolute ? 2 : 1 } ?? 0,
        ] { writer.write(Int64(value)) }
        writer.write(parameters.edges?.from ?? 0)
        sha.update(data: writer.bytes)
        for values in [wanted.low, wanted.high, wanted.mostFrom, wanted.leastTo] {
            values.withUnsafeBytes { sha.update(bufferPointer: $0) }
        }
        sha.update(data: basis)
        return PlanHash(sha.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// A stage of pair tasks, with what each was asked for: the sizes of what it returns follow from that.
package struct PairStage: Sendable {
    package let stage: JobStage
    package let task: @Sendable (_ index: Int) -> PairTask
}
