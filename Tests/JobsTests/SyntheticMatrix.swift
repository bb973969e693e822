import ClusterModel
import Jobs

/// A symmetric matrix of made-up correlations with undefined pairs and many ties, and a slow stand-in for the kernels
/// that computes any task of it. Everything follows from the seed.
struct SyntheticMatrix {
    let alphaCount: Int
    let ids: [String]
    let ranks: [UInt32]
    private let values: [Double]

    /// - Parameters:
    ///   - levels: r takes this many different values, so that few levels make ties common.
    ///   - undefinedEvery: about one pair in so many is undefined; 0 for none.
    init(alphaCount: Int, levels: Int, undefinedEvery: Int, seed: UInt64) {
        self.alphaCount = alphaCount
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        ids = (0..<alphaCount).map { "alpha-\(($0 * 7919) % 10_007)" }
        let sorted = ids.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        let rankOf = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, UInt32($0)) })
        ranks = ids.map { rankOf[$0]! }
        var values = Array(repeating: Double.nan, count: alphaCount * alphaCount)
        for row in 0..<alphaCount {
            for column in (row + 1)..<max(row + 1, alphaCount) {
                if undefinedEvery > 0, random(undefinedEvery) == 0 { continue }
                let r = Double(random(levels)) / Double(levels) * 2 - 1
                values[row * alphaCount + column] = r
                values[column * alphaCount + row] = r
            }
        }
        self.values = values
    }

    func r(_ a: Int, _ b: Int) -> Double { values[a * alphaCount + b] }

    /// Common returns of a pair: any number will do, as long as both sides agree.
    func days(_ a: Int, _ b: Int) -> UInt32 { UInt32(60 + (min(a, b) * 31 + max(a, b)) % 1_000) }

    func layout(blockEdge: Int) -> PanelLayout {
        let blockCount = (alphaCount + blockEdge - 1) / blockEdge
        return PanelLayout(
            alphaCount: alphaCount, blockEdge: blockEdge, dayCount: 1_250,
            blockHashes: (0..<blockCount).map { BlockHash(words: (UInt64($0), 0, 0, 1)) }, ranks: ranks,
            contentHash: BlockHash(words: (7, 7, 7, 7)))
    }

    /// What a worker returns for a task, pair by pair as the contract of `CorrelationPartial` says it.
    func partial(of task: CorrelationTask) -> CorrelationPartial {
        var blocks = task.blocks.map {
            CorrelationPartial.Block(index: $0.index, alphaCount: $0.alphaCount, precision: task.precision)
        }
        var inside = task.blocks.map { Array(repeating: [Double](), count: $0.alphaCount) }
        var pairs = task.blocks.map { Array(repeating: [CorrelationPartial.Neighbour](), count: $0.alphaCount) }
        var edges: [CorrelationPartial.Edge] = []

        func take(_ r: Double, _ block: Int, _ slot: Int, with other: Int, days: UInt32) {
            let wanted = task.blocks[block]
            if r < wanted.bracketLow[slot] {
                blocks[block].below[slot] += 1
            } else if r <= wanted.bracketHigh[slot] {
                inside[block][slot].append(r)
            }
            guard task.mode == .full else { return }
            let rank = ranks[other]
            pairs[block][slot].append(CorrelationPartial.Neighbour(r: r, rank: rank, days: days))
            blocks[block].count[slot] += 1
            blocks[block].sum[slot] += Int64((r * CorrelationPartial.sumScale).rounded(.toNearestOrEven))
        }

        for tile in task.tiles {
            let (row, column) = (Int(tile.row), Int(tile.column))
            for i in 0..<task.blocks[row].alphaCount {
                for j in 0..<task.blocks[column].alphaCount where row != column || j > i {
                    let a = Int(task.blocks[row].index) * task.blockEdge + i
                    let b = Int(task.blocks[column].index) * task.blockEdge + j
                    if r(a, b).isNaN { continue }
                    take(r(a, b), row, i, with: b, days: days(a, b))
                    take(r(a, b), column, j, with: a, days: days(a, b))
                    guard let rule = task.edges, (rule.absolute ? abs(r(a, b)) : r(a, b)) >= rule.from else { continue }
                    edges.append(CorrelationPartial.Edge(r: r(a, b), rankA: ranks[a], rankB: ranks[b], days: days(a, b)))
                }
            }
        }
        for block in blocks.indices {
            blocks[block].insideCount = inside[block].map { UInt32($0.count) }
            let values = inside[block].flatMap(\.self)
            blocks[block].insideValues = task.precision == .float64 ? .float64(values) : .float32(values.map { Float($0) })
            let (count, wanted) = (task.neighbours, task.blocks[block])
            let most = pairs[block].enumerated().map { slot, pairs in
                pairs.filter { $0.r >= wanted.mostFrom[slot] }.sorted { ($1.r, $0.rank) < ($0.r, $1.rank) }.prefix(count)
            }
            let least = pairs[block].enumerated().map { slot, pairs in
                pairs.filter { $0.r <= wanted.leastTo[slot] }.sorted { ($0.r, $0.rank) < ($1.r, $1.rank) }.prefix(count)
            }
            (blocks[block].most, blocks[block].least) = (most.flatMap(\.self), least.flatMap(\.self))
            blocks[block].mostCount = most.map { UInt32($0.count) }
            blocks[block].leastCount = least.map { UInt32($0.count) }
        }
        return CorrelationPartial(blocks: blocks, twinPairs: 0, edges: edges)
    }

    /// Runs a job to its end, feeding the partials of each stage in an order drawn from `shuffle`.
    func run(_ job: CorrelationJob, shuffle: UInt64) throws -> (outcome: CorrelationOutcome, stages: [JobStage]) {
        var stages: [JobStage] = []
        while true {
            switch try job.next() {
            case .publish(.correlation(let outcome)): return (outcome, stages)
            case .stage(let stage):
                stages.append(stage)
                let order = (0..<stage.taskCount).sorted {
                    (UInt64($0) &* 0x9E37_79B9_7F4A_7C15 ^ shuffle) < (UInt64($1) &* 0x9E37_79B9_7F4A_7C15 ^ shuffle)
                }
                for index in order {
                    let task = try CorrelationTask(decoding: stage.payload(index))
                    try job.merge(task: index, partial: Payload(copying: partial(of: task).encoded()))
                }
            }
        }
    }
}
