import ClusterModel
import Crypto
import Panel

/// The features of every alpha of a panel: one stage, whose tasks are a few blocks each and have nothing to do with each
/// other.
package final class FeaturesJob: GridJob, @unchecked Sendable {
    // Not locked: `GridJob` says that one thread at a time uses a job.
    private let layout: PanelLayout
    private let task: FeatureTask
    private let blocksPerTask: Int
    private var values: [Double]
    private var isBegun = false

    /// At least so many tasks, where there are as many blocks: enough to keep a modest cluster busy.
    private static let tasksWanted = 64
    /// A few milliseconds each.
    private static let blocksPerTaskMax = 16

    /// - Parameters:
    ///   - dates: of the panel's days; empty when they are not known.
    ///   - firstDay: index of the first day whose return counts.
    ///   - isDaily: whether the panel's values are daily PnL already, not cumulative.
    package init(layout: PanelLayout, dates: [Day], firstDay: Int, isDaily: Bool) {
        self.layout = layout
        task = FeatureTask(
            blockEdge: layout.shape.blockEdge, dayCount: layout.shape.dayCount, firstDay: firstDay, isDaily: isDaily,
            dates: dates.map(\.rawValue), blocks: [])
        blocksPerTask = min(Self.blocksPerTaskMax, max(1, layout.blockCount / Self.tasksWanted))
        values = Array(repeating: FeaturesOutcome.undefined, count: layout.alphaCount * AlphaFeature.count)
    }

    package func next(telling tell: @escaping StageTeller) throws -> JobStep {
        guard !isBegun else { return .publish(.features(FeaturesOutcome(values: values))) }
        isBegun = true
        let (task, layout, blocksPerTask) = (task, layout, blocksPerTask)
        // No pairs, so no tiles.
        return .stage(
            JobStage(
                name: "features", plan: planHash, kind: "features",
                taskCount: (layout.blockCount + blocksPerTask - 1) / blocksPerTask, grid: nil, tileCount: 0
            ) { index in
                var task = task
                task.blocks = Self.blocks(ofTask: index, blocksPerTask, layout).map { block in
                    FeatureTask.Block(
                        index: UInt32(block), name: layout.blockNames[block],
                        alphaCount: layout.shape.alphas(inBlock: block).count)
                }
                return Payload(copying: task.encoded())
            })
    }

    package func merge(task index: Int, partial payload: Payload) throws(GridError) {
        let partial = try FeaturePartial(decoding: payload)
        let expected = Self.blocks(ofTask: index, blocksPerTask, layout)
        let isWhole = partial.blocks.map { Int($0.index) } == Array(expected)
        guard isWhole, partial.blocks.allSatisfy({ $0.alphaCount == layout.shape.alphas(inBlock: Int($0.index)).count }) else {
            throw GridError(.usage, "the partial of task \(index) is not of that task's blocks")
        }
        for block in partial.blocks {
            let alphas = layout.shape.alphas(inBlock: Int(block.index))
            let start = alphas.lowerBound * AlphaFeature.count
            values.replaceSubrange(start..<(start + block.values.count), with: block.values)
        }
    }

    private static func blocks(ofTask index: Int, _ blocksPerTask: Int, _ layout: PanelLayout) -> Range<Int> {
        index * blocksPerTask..<min((index + 1) * blocksPerTask, layout.blockCount)
    }

    /// Everything that decides the payloads goes in.
    private var planHash: PlanHash {
        var writer = ByteWriter()
        writer.write("features")
        writer.write(layout.contentHash)
        for (block, name) in layout.blockNames.enumerated() {
            writer.write(name.hash)
            writer.write(UInt32(layout.shape.blockStarts[block + 1]))
        }
        writer.write(UInt32(blocksPerTask))
        var task = task
        task.blocks = []
        let sha = SHA256.hash(data: writer.bytes + task.encoded())
        return PlanHash(sha.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// The finished features of a panel's alphas.
package struct FeaturesOutcome: Sendable {
    /// By layout position, then in the order of `AlphaFeature.allCases`.
    let values: [Double]

    static let undefined = Double(bitPattern: 0x7FF8_0000_0000_0000)

    init(values: [Double]) { self.values = values }

    /// Rows in layout order, made one by one.
    package func rows(alphaIDs: [String]) -> some Sequence<AlphaFeatureRow> & Sendable {
        FeatureRows(values: values, alphaIDs: alphaIDs)
    }

    /// SHA-256 in hexadecimal of the rows: the text `alphagrid-features-1`, the number of features (u64), the name of each
    /// (length u16, text), the number of rows (u64), then per row in bytewise order of the ids: id length (u16), id, and the
    /// values (f64, NaN 0x7ff8000000000000 where undefined, no negative zero). All little-endian. What a turnover adds to
    /// the rows when they are published is not part of it.
    ///
    /// - Parameter order: layout positions in bytewise order of the ids.
    package func digest(alphaIDs: [String], order: [UInt32]) -> String {
        var sha = SHA256()
        sha.update(data: Array("alphagrid-features-1".utf8))
        var writer = ByteWriter()
        writer.write(UInt64(AlphaFeature.count))
        for feature in AlphaFeature.allCases { writer.write(feature.name) }
        writer.write(UInt64(alphaIDs.count))
        for alpha in order.map(Int.init) {
            writer.write(alphaIDs[alpha])
            for value in values[(alpha * AlphaFeature.count)..<((alpha + 1) * AlphaFeature.count)] { writer.write(value) }
            sha.update(data: writer.bytes)
            writer = ByteWriter()
        }
        sha.update(data: writer.bytes)
        return BlockHash(bytes: Array(sha.finalize())).description
    }
}

private struct FeatureRows: Sequence, Sendable {
    let values: [Double]
    let alphaIDs: [String]

    func makeIterator() -> some IteratorProtocol<AlphaFeatureRow> {
        alphaIDs.indices.lazy.map { alpha in
            AlphaFeatureRow(
                alphaID: alphaIDs[alpha],
                values: Array(values[(alpha * AlphaFeature.count)..<((alpha + 1) * AlphaFeature.count)]))
        }.makeIterator()
    }
}
