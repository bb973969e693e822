import ClusterModel
import Jobs
import Panel

/// The stages of a whole job as the real plan cuts them, with what is known of their partials beforehand.
struct ModelStage {
    let stage: JobStage
    let isRedo: Bool
    /// Part of an alpha's correlations that falls into its median's bracket.
    let insideFraction: Double
    /// Correlations of an alpha that were merged before, which its nearest neighbours so far are the best of.
    let seen: Int
    /// Block pairs of a redo; a wave's follow from its grid.
    let tiles: [(row: Int, column: Int)]

    /// Block rows and block columns of a task.
    func blocks(ofTask index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        if let grid = stage.grid { return grid.blocks(ofTask: index) }
        let (row, column) = tiles[index]
        return (row..<(row + 1), column..<(column + 1))
    }
}

/// How large a task and its answer are.
struct TaskSize {
    let leaseBytes: Int
    let partialBytes: Int
    let tileCount: Int
    let pairCount: Int
}

struct ModelPlan {
    let plan: CorrelationPlan

    /// Standard deviations of the job's brackets, and how often a normal value lies outside of that many.
    private static let deviations = 4.0
    private static let missShare = 6.33e-5
    /// Values that one redo stage may fetch, as the job bounds it.
    private static let redoValuesMax = 64 << 20

    init(_ settings: ModelSettings) throws(GridError) {
        let shape = try PanelShape(
            alphaCount: settings.alphas, dayCount: settings.days, blockEdge: settings.blockEdge, name: "the model")
        // Nobody computes with these blocks: their hashes only have to differ.
        let hashes = (0..<shape.blockCount).map { BlockHash(words: (UInt64($0), 0, 0, 1)) }
        let layout = PanelLayout(
            shape: shape, blockHashes: hashes, ranks: (0..<settings.alphas).map { UInt32($0) },
            contentHash: BlockHash(words: (0, 0, 0, 2)))
        let parameters = try CorrelationParameters(
            window: .all, precision: settings.precision, blockEdge: settings.blockEdge)
        plan = CorrelationPlan(layout: layout, parameters: parameters, firstDay: 1)
    }

    private var shape: PanelShape { plan.layout.shape }

    /// - Parameter includingRedos: also the rows whose median a bracket is expected to miss, spread over the blocks.
    func stages(includingRedos: Bool = true) -> [ModelStage] {
        let wanted = WantedValues.everything(alphaCount: shape.alphaCount)
        let waves = plan.waves
        var stages = waves.enumerated().map { number, rows in
            let seen = shape.blockStarts[rows.lowerBound]
            return ModelStage(
                stage: plan.stage(name: "correlate \(number + 1)/\(waves.count)", rows: rows, mode: .full, wanted: wanted),
                isRedo: false, insideFraction: insideFraction(seen: seen), seen: seen, tiles: [])
        }
        guard includingRedos else { return stages }
        let missed = Int(Double((waves.count - 1) * shape.alphaCount) * Self.missShare)
        let batch = max(1, Self.redoValuesMax / shape.alphaCount)
        for first in stride(from: 0, to: missed, by: batch) {
            let blocks = (first..<min(first + batch, missed)).map { $0 * shape.blockCount / missed }
            stages.append(redo("median redo \(first / batch + 1)", Set(blocks), wanted))
        }
        return stages
    }

    /// A missed alpha's half of the correlations on one side comes back, and nothing else.
    private func redo(_ name: String, _ blocks: Set<Int>, _ wanted: WantedValues) -> ModelStage {
        let stage = plan.redoStage(name: name, blocks: blocks.sorted(), wanted: wanted)
        let tiles = (0..<shape.blockCount).flatMap { row in
            (row..<shape.blockCount).compactMap { blocks.contains(row) || blocks.contains($0) ? (row, $0) : nil }
        }
        precondition(tiles.count == stage.taskCount)
        return ModelStage(
            stage: stage, isRedo: true, insideFraction: 0.5 / Double(shape.blockEdge), seen: shape.alphaCount, tiles: tiles)
    }

    /// The median's bracket after so many of an alpha's correlations: their rank m / 2 plus and minus
    /// `deviations` x sqrt((m / 4) (1 - m / n)) + 1, as `MedianSearch` narrows it.
    private func insideFraction(seen: Int) -> Double {
        guard seen > 0 else { return 1 }
        let m = Double(seen)
        let part = m / Double(shape.alphaCount - 1)
        return min(1, 2 * (Self.deviations * (m / 4 * (1 - part)).squareRoot() + 1) / m)
    }

    /// Sizes by encoding such a task and such a partial with as many values as are to be expected: with complete data
    /// the new values are exchangeable with those seen, so a share of `insideFraction` lies in the bracket and, of b new
    /// ones, b k / m are among the nearest k.
    func size(ofTask index: Int, in stage: ModelStage) -> TaskSize {
        let (rows, columns) = stage.blocks(ofTask: index)
        var partners: [Int: Int] = [:]
        var tileCount = 0
        for row in rows {
            for column in columns where column >= row {
                tileCount += 1
                partners[row, default: 0] += shape.alphas(inBlock: column).count - (row == column ? 1 : 0)
                if row != column { partners[column, default: 0] += shape.alphas(inBlock: row).count }
            }
        }
        var pairCount = 0
        let kept = plan.parameters.neighbours
        let blocks = partners.keys.sorted().map { block in
            let alphas = shape.alphas(inBlock: block).count
            let values = Double(partners[block] ?? 0)
            pairCount += alphas * (partners[block] ?? 0)
            var partial = CorrelationPartial.Block(
                index: UInt32(block), alphaCount: alphas, precision: plan.parameters.precision)
            let inside = Int((Double(alphas) * values * stage.insideFraction).rounded())
            partial.insideValues =
                plan.parameters.precision == .float32
                ? .float32(Array(repeating: 0, count: inside)) : .float64(Array(repeating: 0, count: inside))
            if !stage.isRedo {
                let near = min(Double(kept), values, values * Double(kept) / Double(stage.seen + 1))
                let neighbour = CorrelationPartial.Neighbour(r: 0, rank: 0, days: 0)
                partial.most = Array(repeating: neighbour, count: Int((Double(alphas) * near).rounded()))
                partial.least = partial.most
            }
            return partial
        }
        return TaskSize(
            leaseBytes: stage.stage.payload(index).count,
            partialBytes: CorrelationPartial(blocks: blocks, twinPairs: 0).encoded().count, tileCount: tileCount,
            pairCount: pairCount / 2)
    }

    /// Tasks with equal keys have equal sizes within a stage.
    func sizeKey(ofTask index: Int, in stage: ModelStage) -> [Int] {
        let (rows, columns) = stage.blocks(ofTask: index)
        func alphas(_ blocks: Range<Int>) -> Int { shape.blockStarts[blocks.upperBound] - shape.blockStarts[blocks.lowerBound] }
        let overlap = rows.clamped(to: columns).count
        return [rows.count, columns.count, overlap, alphas(rows), alphas(columns)]
    }
}
