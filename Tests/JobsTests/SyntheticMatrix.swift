import ClusterModel
import Jobs
import Panel

/// A symmetric matrix of made-up correlations with undefined pairs and many ties, and a slow stand-in for the kernels
/// that computes any task of it. Everything follows from the seed.
struct SyntheticMatrix {
    let alphaCount: Int
    let ids: [String]
    let ranks: [UInt32]
    private let values: [Double]
    /// Layout position of the alpha with each rank.
    private let positions: [Int]

    /// The alphas of a range as a panel of their own, ranked among themselves.
    struct Part {
        let alphas: Range<Int>
        let ids: [String]
        let layout: PanelLayout
    }

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
        var positions = Array(repeating: 0, count: alphaCount)
        for (position, rank) in ranks.enumerated() { positions[Int(rank)] = position }
        self.positions = positions
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

    /// - Parameter late: alphas of each block behind the fresh layout of the others.
    func layout(blockEdge: Int, late: [Int] = []) throws -> PanelLayout {
        let early = alphaCount - late.reduce(0, +)
        let counts = stride(from: 0, to: early, by: blockEdge).map { min(blockEdge, early - $0) } + late
        return PanelLayout(
            shape: try PanelShape(blockCounts: counts, dayCount: 1_250, blockEdge: blockEdge, name: "matrix"),
            blockHashes: counts.indices.map { BlockHash(words: (UInt64($0), 0, 0, 1)) }, ranks: ranks,
            contentHash: BlockHash(words: (7, 7, 7, 7)))
    }

    func part(_ alphas: Range<Int>, blockEdge: Int) throws -> Part {
        let counts = stride(from: 0, to: alphas.count, by: blockEdge).map { min(blockEdge, alphas.count - $0) }
        let ordered = ranks[alphas].sorted()
        return Part(
            alphas: alphas, ids: Array(ids[alphas]),
            layout: PanelLayout(
                shape: try PanelShape(blockCounts: counts, dayCount: 1_250, blockEdge: blockEdge, name: "part"),
                blockHashes: counts.indices.map { BlockHash(words: (UInt64($0), 0, 0, UInt64(alphas.lowerBound))) },
                ranks: ranks[alphas].map { rank in UInt32(ordered.firstIndex(of: rank)!) },
                contentHash: BlockHash(words: (7, 7, 7, UInt64(alphas.lowerBound)))))
    }

    /// Where the alphas of a task's blocks stand in the matrix.
    func positions(_ block: CorrelationTask.Block) -> [Int] { block.ranks.map { positions[Int($0)] } }

    /// The same for blocks of parts, which are one after another in the matrix.
    func positions(_ block: CorrelationTask.Block, parts: [Part]) -> [Int] {
        var index = Int(block.index)
        for part in parts {
            if index < part.layout.blockCount {
                return part.layout.shape.alphas(inBlock: index).map { part.alphas.lowerBound + $0 }
            }
            index -= part.layout.blockCount
        }
        return []
    }

    /// What a worker returns for a task, pair by pair as the contract of `CorrelationPartial` says it.
    func partial(of task: CorrelationTask, parts: [Part] = []) -> CorrelationPartial {
        let members = task.blocks.map { parts.isEmpty ? positions($0) : positions($0, parts: parts) }
        var blocks = task.blocks.map {
            CorrelationPartial.Block(index: $0.index, alphaCount: $0.alphaCount, precision: task.precision)
        }
        var inside = task.blocks.map { Array(repeating: [Double](), count: $0.alphaCount) }
        var pairs = task.blocks.map { Array(repeating: [CorrelationPartial.Neighbour](), count: $0.alphaCount) }
        var edges: [CorrelationPartial.Edge] = []

        func take(_ r: Double, _ block: Int, _ slot: Int, with rank: UInt32, days: UInt32) {
            let wanted = task.blocks[block]
            if r < wanted.bracketLow[slot] {
                blocks[block].below[slot] += 1
            } else if r <= wanted.bracketHigh[slot] {
                inside[block][slot].append(r)
            }
            guard task.mode == .full else { return }
            pairs[block][slot].append(CorrelationPartial.Neighbour(r: r, rank: rank, days: days))
            blocks[block].count[slot] += 1
            blocks[block].sum[slot] += Int64((r * CorrelationPartial.sumScale).rounded(.toNearestOrEven))
        }

        for tile in task.tiles {
            let (row, column) = (Int(tile.row), Int(tile.column))
            for i in 0..<task.blocks[row].alphaCount {
                for j in 0..<task.blocks[column].alphaCount where row != column || j > i {
                    let (a, b) = (members[row][i], members[column][j])
                    if r(a, b).isNaN { continue }
                    take(r(a, b), row, i, with: task.blocks[column].ranks[j], days: days(a, b))
                    take(r(a, b), column, j, with: task.blocks[row].ranks[i], days: days(a, b))
                    guard let rule = task.edges, (rule.absolute ? abs(r(a, b)) : r(a, b)) >= rule.from else { continue }
                    edges.append(
                        CorrelationPartial.Edge(
                            r: r(a, b), rankA: task.blocks[row].ranks[i], rankB: task.blocks[column].ranks[j],
                            days: days(a, b)))
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
        let (outcome, stages) = try run(job as any GridJob, shuffle: shuffle)
        guard case .correlation(let outcome) = outcome else { throw GridError(.failed, "an outcome of another kind") }
        return (outcome, stages)
    }

    func run(_ job: any GridJob, shuffle: UInt64, parts: [Part] = []) throws -> (outcome: JobOutcome, stages: [JobStage]) {
        var stages: [JobStage] = []
        while true {
            switch try job.next() {
            case .publish(let outcome): return (outcome, stages)
            case .stage(let stage):
                stages.append(stage)
                let order = (0..<stage.taskCount).sorted {
                    (UInt64($0) &* 0x9E37_79B9_7F4A_7C15 ^ shuffle) < (UInt64($1) &* 0x9E37_79B9_7F4A_7C15 ^ shuffle)
                }
                for index in order {
                    let task = try CorrelationTask(decoding: stage.payload(index))
                    try job.merge(task: index, partial: Payload(copying: partial(of: task, parts: parts).encoded()))
                }
            }
        }
    }
}
