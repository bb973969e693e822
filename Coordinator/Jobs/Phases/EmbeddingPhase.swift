import ClusterModel
import Crypto
import Embedding

/// Layouts of the alphas from their nearest neighbours, one task each.
final class EmbeddingPhase: JobPhase {
    private let payloads: [Payload]
    private let pointCount: Int
    private(set) var layouts: [Coordinates?]
    private var isBegun = false

    init(_ tasks: [EmbeddingTask]) {
        payloads = tasks.map { Payload(copying: $0.encoded()) }
        pointCount = tasks.first?.graph.count ?? 0
        layouts = Array(repeating: nil, count: tasks.count)
    }

    func next() -> JobStage? {
        guard !isBegun, !payloads.isEmpty else { return nil }
        isBegun = true
        return JobStage(
            name: "lay out", plan: PlanHash(stage: "lay out", of: payloads), kind: "embedding", taskCount: payloads.count,
            grid: nil, tileCount: 0
        ) { [payloads] in payloads[$0] }
    }

    func merge(task index: Int, partial: Payload) throws(GridError) {
        layouts[index] = try Coordinates(decoding: partial, count: pointCount)
    }
}

extension PlanHash {
    /// Of a stage whose payloads are made beforehand.
    init(stage: String, of payloads: [Payload]) {
        var sha = SHA256()
        sha.update(data: Array(stage.utf8))
        for payload in payloads { withExtendedLifetime(payload) { sha.update(bufferPointer: payload.bytes) } }
        self.init(sha.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}
