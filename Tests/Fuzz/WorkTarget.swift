import ClusterModel
import Clustering
import Embedding
import WorkerRuntime

/// Tasks of every kind, done as a worker does them, whatever they ask for and whatever stands in the blocks.
///
/// Input: a byte for the kind, then the task. What a task costs follows from its sizes, so large ones are only read.
package enum WorkTarget: FuzzTarget {
    package static let name = "work"

    package static func seeds() throws -> [[UInt8]] { try TasksTarget.seeds() }

    package static func check(_ input: [UInt8]) throws -> Bool {
        var input = FuzzInput(input)
        let kind = ToyTasks.Kind(rawValue: Int(input.byte()) % ToyTasks.Kind.allCases.count) ?? .correlation
        let payload = Payload.tight(input.rest)
        guard try accepted(as: [.usage, .failed], { try isSmall(kind, payload) }) == true else { return false }
        let executor = TaskExecutor(source: MadeUpBlocks(), cache: BlockCache(bytesMax: 1 << 20))
        guard
            let outcome = try accepted(as: [.usage, .failed], { try executor.makeSlot().run(kind: kind.name, payload: payload) })
        else { return false }
        try checkAnswer(outcome.payload, kind, payload)
        return true
    }

    /// A coordinator has to be able to read what the worker makes of a task that it accepted.
    private static func checkAnswer(_ partial: Payload, _ kind: ToyTasks.Kind, _ payload: Payload) throws {
        do {
            switch kind {
            case .correlation: _ = try CorrelationPartial(decoding: partial)
            case .pairs: _ = try PairPartial(decoding: partial, of: PairTask(decoding: payload))
            case .features: _ = try FeaturePartial(decoding: partial)
            case .rows: _ = try RowsPartial(decoding: partial, of: RowsTask(decoding: payload))
            case .embedding: _ = try Coordinates(decoding: partial, count: EmbeddingTask(decoding: payload).graph.count)
            case .resample: break
            }
        } catch {
            throw Violation(description: "the worker's own answer is not understood: \(error)")
        }
    }

    private static func isSmall(_ kind: ToyTasks.Kind, _ payload: Payload) throws -> Bool {
        switch kind {
        case .correlation: isSmall(try CorrelationTask(decoding: payload))
        case .pairs: isSmall(try PairTask(decoding: payload).tiles)
        case .resample: isSmall(try ResampleTask(decoding: payload).tiles)
        case .features:
            try FeatureTask(decoding: payload).map { $0.blockEdge * $0.dayCount <= 4_096 && $0.blocks.count <= 8 }
        case .rows:
            try RowsTask(decoding: payload).map { $0.blockEdge * $0.dayCount <= 4_096 && $0.width <= 64 && $0.blocks.count <= 8 }
        case .embedding: try EmbeddingTask(decoding: payload).graph.count <= 12
        }
    }

    private static func isSmall(_ task: CorrelationTask) -> Bool {
        task.blockEdge <= 16 && task.blockEdge * task.dayCount <= 1_024 && task.blocks.count <= 8 && task.tiles.count <= 16
    }
}

extension FeatureTask {
    fileprivate func map<Value>(_ body: (FeatureTask) -> Value) -> Value { body(self) }
}

extension RowsTask {
    fileprivate func map<Value>(_ body: (RowsTask) -> Value) -> Value { body(self) }
}

/// Any block that is asked for: walks with gaps, or, as the hash says, any bits at all, numbers without bound, or nothing.
private struct MadeUpBlocks: BlockSource {
    func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
        var generator = SeededGenerator(seed: name.hash.words.0 ^ name.hash.words.3)
        let kind = name.hash.words.1 & 7
        var level = 0.0
        let values = (0..<(size.byteCount / 8)).map { _ in
            let dice = generator.next()
            level += Double(Int64(bitPattern: dice) % 1_000)
            switch kind {
            case 0: return Double(bitPattern: dice)
            case 1: return Double.nan
            case 2: return dice & 3 == 0 ? Double.infinity : level * 1e300
            case 3: return 7
            default: return dice & 15 == 0 ? Double.nan : level
            }
        }
        return .tight(values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } })
    }
}
