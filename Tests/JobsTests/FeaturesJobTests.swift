import ClusterModel
import Jobs
import Panel
import Testing

struct FeaturesJobTests {
    private static let dates = (0..<1_250).map { Day(rawValue: 18_000 + Int32($0)) }

    /// Any numbers will do, as long as they say whose they are; some are undefined.
    private static func value(_ alpha: Int, _ feature: Int) -> Double {
        (alpha + feature) % 7 == 0 ? .nan : Double(alpha) * 1_000 + Double(feature)
    }

    private func job(_ layout: PanelLayout, firstDay: Int = 3, isDaily: Bool = false) -> FeaturesJob {
        FeaturesJob(layout: layout, dates: Self.dates, firstDay: firstDay, isDaily: isDaily)
    }

    private func stage(_ job: FeaturesJob) throws -> JobStage {
        guard case .stage(let stage) = try job.next() else { throw GridError(.failed, "a job begins with a stage") }
        return stage
    }

    private func partial(_ payload: Payload, _ layout: PanelLayout) throws -> FeaturePartial {
        FeaturePartial(
            blocks: try FeatureTask(decoding: payload).blocks.map { block in
                let alphas = layout.shape.alphas(inBlock: Int(block.index))
                return FeaturePartial.Block(
                    index: block.index,
                    values: alphas.flatMap { alpha in (0..<AlphaFeature.count).map { Self.value(alpha, $0) } })
            })
    }

    private func finish(_ job: FeaturesJob, _ layout: PanelLayout, order: ([Int]) -> [Int]) throws -> FeaturesOutcome {
        let stage = try stage(job)
        for index in order(Array(0..<stage.taskCount)) {
            try job.merge(
                task: index, partial: Payload(copying: try partial(stage.payload(index), layout).encoded()))
        }
        guard case .publish(.features(let outcome)) = try job.next() else { throw GridError(.failed, "no outcome") }
        return outcome
    }

    @Test(
        "Tasks cover every block once, and rows in layout order are what the tasks returned, in whatever order",
        arguments: [(1, 8, []), (90, 8, []), (90, 8, [5, 1]), (400, 2, [])])
    func rows(alphaCount: Int, edge: Int, late: [Int]) throws {
        let matrix = SyntheticMatrix(alphaCount: alphaCount, levels: 1, undefinedEvery: 0, seed: 1)
        let layout = try matrix.layout(blockEdge: edge, late: late)
        let stage = try stage(job(layout))
        var blocks: [FeatureTask.Block] = []
        for index in 0..<stage.taskCount {
            let task = try FeatureTask(decoding: stage.payload(index))
            #expect(task.dates == Self.dates.map(\.rawValue) && task.firstDay == 3 && task.dayCount == 1_250)
            #expect(task.blockEdge == edge && !task.isDaily)
            blocks += task.blocks
        }
        #expect(blocks.map { Int($0.index) } == Array(0..<layout.blockCount))
        #expect(blocks.map(\.name) == layout.blockNames && blocks.map(\.alphaCount).reduce(0, +) == alphaCount)

        let order = matrix.ids.indices.sorted { matrix.ranks[$0] < matrix.ranks[$1] }.map(UInt32.init)
        let outcome = try finish(job(layout), layout) { $0 }
        let rows = Array(outcome.rows(alphaIDs: matrix.ids))
        #expect(rows.map(\.alphaID) == matrix.ids)
        for (alpha, row) in rows.enumerated() {
            let expected = (0..<AlphaFeature.count).map { Self.value(alpha, $0) }
            #expect(zip(row.values, expected).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
            #expect((row[.dayCount] == nil) == (alpha % 7 == 0))
        }
        let digest = outcome.digest(alphaIDs: matrix.ids, order: order)
        let reversed = try finish(job(layout), layout) { $0.reversed() }
        #expect(reversed.digest(alphaIDs: matrix.ids, order: order) == digest && digest.count == 64)
        #expect(outcome.digest(alphaIDs: matrix.ids.map { $0 + "x" }, order: order) != digest)
    }

    @Test("The plan says what the tasks are: other dates, first day or kind of values are another plan")
    func plans() throws {
        let layout = try SyntheticMatrix(alphaCount: 9, levels: 1, undefinedEvery: 0, seed: 1).layout(blockEdge: 4)
        let undated = FeaturesJob(layout: layout, dates: [], firstDay: 3, isDaily: false)
        let jobs = [job(layout), job(layout, firstDay: 4), job(layout, isDaily: true), undated]
        #expect(Set(try jobs.map { try stage($0).plan }).count == 4)
        #expect(try stage(job(layout)).plan == stage(job(layout)).plan)
    }

    @Test("A partial of other blocks, or of fewer alphas, is refused and leaves no trace")
    func wrongPartials() throws {
        let layout = try SyntheticMatrix(alphaCount: 9, levels: 1, undefinedEvery: 0, seed: 1).layout(blockEdge: 4)
        let job = job(layout)
        let stage = try stage(job)
        let right = try partial(stage.payload(0), layout)
        var other = right
        other.blocks[0].index = 1
        var short = right
        short.blocks[0].values.removeLast(AlphaFeature.count)
        var twice = right
        twice.blocks += right.blocks
        for wrong in [other, short, twice, FeaturePartial(blocks: [])] {
            #expect(throws: GridError.self) { try job.merge(task: 0, partial: Payload(copying: wrong.encoded())) }
        }
        try job.merge(task: 0, partial: Payload(copying: right.encoded()))
    }

    @Test("Tasks and partials survive their encoding; bytes that are cut, grown or changed in size are refused")
    func codec() throws {
        let hash = BlockHash(words: (1, 2, 3, 4))
        let task = FeatureTask(
            blockEdge: 8, dayCount: 3, firstDay: 1, isDaily: true, dates: [10, 11, 20],
            blocks: [
                .init(index: 5, name: BlockName(hash, dayCount: 3), alphaCount: 8),
                .init(index: 6, name: BlockName(hash, dayCount: 3), alphaCount: 1),
            ])
        #expect(try FeatureTask(decoding: Payload(copying: task.encoded())) == task)
        // Blocks of 700 days have three parts.
        var long = task
        (long.dayCount, long.dates) = (700, [])
        let parts = (7..<10).map { BlockHash(words: ($0, 8, 9, 10)) }
        long.blocks[0].name = BlockName(hash: hash, parts: parts)
        long.blocks[1].name = BlockName(hash: parts[0], parts: parts.reversed())
        #expect(try FeatureTask(decoding: Payload(copying: long.encoded())) == long)
        var undated = task
        undated.dates = []
        #expect(undated.encoded().count < task.encoded().count)
        #expect(try FeatureTask(decoding: Payload(copying: undated.encoded())) == undated)
        var unordered = task
        unordered.dates = [10, 10, 20]
        var crowded = task
        crowded.blocks[0].alphaCount = 9
        let partial = FeaturePartial(
            blocks: [.init(index: 5, values: (0..<(2 * AlphaFeature.count)).map { $0 % 3 == 0 ? .nan : Double($0) })])
        #expect(try FeaturePartial(decoding: Payload(copying: partial.encoded())) == partial)
        for bad in [unordered.encoded(), crowded.encoded(), task.encoded() + [0], Array(task.encoded().dropLast()), []] {
            #expect(throws: GridError.self) { _ = try FeatureTask(decoding: Payload(copying: bad)) }
        }
        var features = partial.encoded()
        features[8] += 1
        for bad in [features, partial.encoded() + [0], Array(partial.encoded().dropLast()), task.encoded()] {
            #expect(throws: GridError.self) { _ = try FeaturePartial(decoding: Payload(copying: bad)) }
        }
    }
}
