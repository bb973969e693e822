import ClusterModel
import Jobs
import Panel
import Testing
import WorkerRuntime

/// A worker may be broken or an enemy: what cannot be is refused before any of it is merged.
@Suite struct LyingWorkersTests {
    private static func data() throws -> GroupedPanel { try GroupedPanel(groups: 2, perGroup: 6, days: 60, blockEdge: 4) }

    private static func slot(_ data: GroupedPanel) -> TaskExecutor.Slot {
        TaskExecutor(source: PanelBlocks([data.panel]), cache: BlockCache(bytesMax: 1 << 20)).makeSlot()
    }

    struct Lie: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var tell: @Sendable (inout CorrelationPartial) -> Void

        init(_ what: String, _ tell: @escaping @Sendable (inout CorrelationPartial) -> Void) {
            (testDescription, self.tell) = (what, tell)
        }
    }

    static let lies = [
        Lie("blocks of another task") { $0.blocks[0].index = 2 },
        Lie("a block twice") { $0.blocks.append($0.blocks[0]) },
        Lie("no blocks") { $0.blocks = [] },
        Lie("a neighbour beyond the last alpha") { $0.blocks[0].most[0].rank = 12 },
        Lie("a neighbour that is nobody") { $0.blocks[0].least[0].rank = .max },
        Lie("a correlation above 1") { $0.blocks[0].most[0].r = 1.5 },
        Lie("a correlation that is no number") { $0.blocks[0].least[0].r = .nan },
        Lie("more pairs than there are alphas") { $0.blocks[0].count[0] = 1_000 },
        Lie("a sum beyond all of its pairs") { $0.blocks[0].sum[1] = .max },
        Lie("a sum below all of its pairs") { $0.blocks[0].sum[1] = .min },
        Lie("more values below the median than there are") { $0.blocks[0].below[0] = .max },
        Lie("a median that is no number") {
            $0.blocks[0].insideValues = .float64(Array(repeating: .nan, count: $0.blocks[0].insideValues.count))
        },
        Lie("values of another precision") {
            $0.blocks[0].insideValues = .float32(Array(repeating: 0, count: $0.blocks[0].insideValues.count))
        },
        Lie("more pairs decided one by one than there are") { $0.twinPairs = .max },
        Lie("more pairs left out than there are") { $0.edgesDropped = .max },
        Lie("a pair of an alpha with itself") { $0.edges = [CorrelationPartial.Edge(r: 0.95, rankA: 3, rankB: 3, days: 50)] },
        Lie("a pair with nobody") { $0.edges = [CorrelationPartial.Edge(r: 0.95, rankA: 3, rankB: 4_000_000_000, days: 50)] },
    ]

    @Test("A partial that cannot be true is refused, and the job ends as if it had never come", arguments: lies)
    func refused(_ lie: Lie) throws {
        let data = try Self.data()
        let slot = Self.slot(data)
        func run(lying: Bool) throws -> String {
            let job = CorrelationJob(plan: try data.plan())
            while true {
                switch try job.next() {
                case .publish(.correlation(let outcome)): return outcome.digest(alphaIDs: data.panel.alphaIDs)
                case .publish: throw GridError(.failed, "a correlation job ends with correlations")
                case .stage(let stage):
                    for task in 0..<stage.taskCount {
                        let right = try slot.run(kind: stage.kind, payload: stage.payload(task)).payload
                        if lying && task == 0 && stage.grid?.rowBlocks == 0..<1 {
                            var partial = try CorrelationPartial(decoding: right)
                            lie.tell(&partial)
                            let error = #expect(throws: GridError.self) {
                                try job.merge(task: task, partial: Payload(copying: partial.encoded()))
                            }
                            #expect(error?.kind == .usage)
                        }
                        try job.merge(task: task, partial: right)
                    }
                }
            }
        }
        #expect(try run(lying: true) == run(lying: false))
    }

    @Test("Counts that contradict the values end the job with a sentence instead of a search without end")
    func endlessSearch() throws {
        let data = try Self.data()
        let slot = Self.slot(data)
        let job = CorrelationJob(plan: try data.plan())
        let error = #expect(throws: GridError.self) {
            for _ in 0..<100 {
                guard case .stage(let stage) = try job.next() else { return }
                for task in 0..<stage.taskCount {
                    var partial = try CorrelationPartial(
                        decoding: try slot.run(kind: stage.kind, payload: stage.payload(task)).payload)
                    // Each value is said to lie below the bracket as well as in it.
                    for block in partial.blocks.indices { partial.blocks[block].below = partial.blocks[block].count }
                    try job.merge(task: task, partial: Payload(copying: partial.encoded()))
                }
            }
            Issue.record("a hundred stages")
        }
        #expect(error?.message.contains("do not agree") == true, "\(error?.message ?? "")")
    }

    @Test("Distances and nearest alphas that cannot be are refused", arguments: ["ward", "mst"])
    func pairs(method: String) throws {
        let data = try Self.data()
        let slot = Self.slot(data)
        let params = try ClusterParameters(method == "mst" ? ["methods": "mst"] : ["methods": method, "clusters": "2"])
        let job = try ClustersJob(plan: try data.plan(), dates: data.panel.dates, parameters: params)
        var refused = 0
        while case .stage(let stage) = try job.next() {
            for task in 0..<stage.taskCount {
                let right = try slot.run(kind: stage.kind, payload: stage.payload(task)).payload
                if stage.kind == "pairs" {
                    // Numbers of 8 bytes behind the magic number and its padding: correlations, likenesses or sums.
                    var bytes = right.withUnsafeBytes { Array($0) }
                    bytes.replaceSubrange(8..<16, with: [0, 0, 0, 0, 0, 0, 0, 0x40])
                    #expect(throws: GridError.self) { try job.merge(task: task, partial: Payload(copying: bytes)) }
                    refused += 1
                }
                try job.merge(task: task, partial: right)
            }
        }
        #expect(refused > 0 || method == "mst")
    }
}
