import ClusterModel
import Clustering
import Embedding
import Jobs
import Panel
import WorkerRuntime

/// A panel small enough to be computed thousands of times a second: eight alphas in blocks of three, with gaps, a flat series
/// and twins.
enum ToyPanel {
    static let days = 12

    static let panel: Panel = {
        do { return try make() } catch { fatalError("the toy panel: \(error)") }
    }()

    private static func make() throws -> Panel {
        var generator = SeededGenerator(seed: 11)
        var text = "date,A1,A2,A3,A4,A5,A6,A7,A8\n"
        var levels = [Double](repeating: 0, count: 8)
        for day in 0..<days {
            for alpha in 0..<8 where alpha != 6 { levels[alpha] += Double(generator.below(21)) - 10 }
            levels[3] = 2 * levels[2]
            let fields = levels.enumerated().map { alpha, level in
                (alpha == 1 && day == 5) || (alpha == 4 && day < 3) ? "" : "\(level)"
            }
            text += "\(Day(rawValue: 19_700 + Int32(day))),\(fields.joined(separator: ","))\n"
        }
        let table = try Array(text.utf8).withUnsafeBytes { try PnLReader.readCSV($0, name: "toy.csv") }
        return try Panel.build(from: table, blockEdge: 3)
    }

    static func plan(
        of panel: Panel = panel, _ change: (inout CorrelationParameters) -> Void = { _ in }
    ) throws -> CorrelationPlan {
        var parameters = try CorrelationParameters(
            window: .all, minOverlap: 4, blockEdge: panel.blockEdge, neighbours: 2, edges: EdgeRule(from: 0.3, absolute: true))
        change(&parameters)
        return CorrelationPlan(layout: PanelLayout(panel), parameters: parameters, firstDay: 0)
    }

    /// One alpha and more days than a part of a block has.
    static let longPanel: Panel = {
        let rows = (0..<270).map { "\(Day(rawValue: 19_700 + Int32($0))),\($0 * $0 % 17)\n" }
        do {
            let table = try Array(("date,A1\n" + rows.joined()).utf8)
                .withUnsafeBytes { try PnLReader.readCSV($0, name: "long.csv") }
            return try Panel.build(from: table, blockEdge: 1)
        } catch { fatalError("the long toy panel: \(error)") }
    }()

    static let executor = TaskExecutor(source: PanelBlocks([panel]), cache: BlockCache(bytesMax: 1 << 20))

    static let profile = NumericProfile(blasVersion: "1", coreType: "Toy", epilogueVersion: 1)
}

/// One task or more of every kind, as a coordinator would write them.
enum ToyTasks {
    enum Kind: Int, CaseIterable {
        case correlation, pairs, features, rows, resample, embedding

        /// What a lease calls it.
        var name: String {
            switch self {
            case .correlation: "correlation"
            case .pairs: "pairs"
            case .features: "features"
            case .rows: "rows"
            case .resample: "resample"
            case .embedding: "embedding"
            }
        }
    }

    static func all() throws -> [(kind: Kind, bytes: [UInt8])] {
        var tasks: [(kind: Kind, bytes: [UInt8])] = []
        let plan = try ToyPanel.plan()
        let wanted = WantedValues.everything(alphaCount: plan.layout.alphaCount)
        let stage = plan.stage(name: "toy", rows: 0..<3, mode: .full, wanted: wanted)
        tasks.append((.correlation, stage.payload(0).array))
        tasks.append((.correlation, stage.payload(1).array))
        let pairwise = try ToyPanel.plan {
            $0.convention = .commonDates
            $0.precision = .float32
        }
        tasks.append((.correlation, pairwise.stage(name: "toy", rows: 0..<1, mode: .medianOnly, wanted: wanted).payload(0).array))
        tasks.append((.correlation, try ToyPanel.plan(of: ToyPanel.longPanel).wholeTask().encoded()))
        tasks.append((.features, features(ToyPanel.longPanel).encoded()))
        tasks += try pairs(plan.wholeTask())
        tasks += try rows()
        for purpose in [ResampleTask.Purpose.bootstrap(clusters: 3), .reference(clusters: 4)] {
            let task = ResampleTask(tiles: plan.wholeTask(), seed: 9, method: .average, purpose: purpose)
            tasks.append((.resample, task.encoded()))
        }
        let graph = try NeighbourGraph.exact(count: 6, width: 3) { point, row in
            for other in row.indices { row[other] = abs(Double(point) - Double(other)) }
        }
        for method in [EmbeddingTask.Method.umap(neighbours: 4, minDistance: 0.1, dimensions: 2), .tsne(perplexity: 2)] {
            tasks.append((.embedding, EmbeddingTask(method: method, seed: 3, graph: graph).encoded()))
        }
        return tasks
    }

    private static func pairs(_ tiles: CorrelationTask) throws -> [(kind: Kind, bytes: [UInt8])] {
        let reaches = tiles.blocks.map { block in
            PairTask.Reach(components: block.ranks, cores: Array(repeating: .infinity, count: block.alphaCount))
        }
        let labels = tiles.blocks.map { block in block.ranks.map { Int32($0 % 3) - 1 } }
        let reductions: [PairTask.Reduction] = [
            .values, .nearestOutside(reaches, absolute: false), .distanceSums(labels: labels, clusterCount: 2),
        ]
        return reductions.map { (.pairs, PairTask(tiles: tiles, reduction: $0).encoded()) }
    }

    private static func features(_ panel: Panel) -> FeatureTask {
        let blocks = (0..<panel.blockCount).map {
            FeatureTask.Block(index: UInt32($0), name: panel.blockNames[$0], alphaCount: panel.alphas(inBlock: $0).count)
        }
        return FeatureTask(
            blockEdge: panel.blockEdge, dayCount: panel.dayCount, firstDay: 1, isDaily: false,
            dates: panel.dates.map(\.rawValue), blocks: blocks)
    }

    private static func rows() throws -> [(kind: Kind, bytes: [UInt8])] {
        let features = features(ToyPanel.panel)
        let width = ToyPanel.days - 1
        let basis = PCABasis(
            width: width, mean: Array(repeating: 0, count: width), components: Array(repeating: 0.3, count: width),
            variances: [1], shares: [0.5])
        let operations: [RowsTask.Operation] = [
            .gram, .scores(basis), .start(clusters: 2, seed: 4),
            .assign(Centroids(count: 2, width: width, values: (0..<(2 * width)).map { Double($0 % 3) })),
        ]
        return [(.features, features.encoded())]
            + operations.map { operation in
                let task = RowsTask(
                    blockEdge: 3, dayCount: ToyPanel.days, firstDay: 1, convention: .ffillShift, blocks: features.blocks,
                    firstRow: 0, operation: operation)
                return (.rows, task.encoded())
            }
    }
}
