import ClusterModel
import Clustering
import Embedding

/// A task as its kind understands it.
enum TaskWork {
    case correlation(CorrelationTask)
    case pairs(PairTask)
    case features(FeatureTask)
    case rows(RowsTask)
    case resample(ResampleTask)
    case embedding(EmbeddingTask)
    /// Returns its payload: measures what a task costs beside its work.
    case noop(Payload)

    /// - Throws: one sentence that says why this worker cannot do it.
    init(kind: String, payload: Payload) throws {
        switch kind {
        case "correlation": self = .correlation(try CorrelationTask(decoding: payload))
        case "pairs": self = .pairs(try PairTask(decoding: payload))
        case "features": self = .features(try FeatureTask(decoding: payload))
        case "rows": self = .rows(try RowsTask(decoding: payload))
        case "resample": self = .resample(try ResampleTask(decoding: payload))
        case "embedding": self = .embedding(try EmbeddingTask(decoding: payload))
        case "noop": self = .noop(payload)
        default:
            throw GridError(
                .failed, "AlphaGrid \(AlphaGrid.version) does not know tasks of kind '\(kind.printable)'; update this worker")
        }
    }

    /// The blocks it reads, all of one size.
    var blocks: (names: [BlockName], size: BlockSize) {
        switch self {
        case .correlation(let task): task.wantedBlocks
        case .pairs(let task): task.tiles.wantedBlocks
        case .resample(let task): task.tiles.wantedBlocks
        case .features(let task): task.wantedBlocks
        case .rows(let task): task.wantedBlocks
        case .embedding, .noop: ([], BlockSize(edge: 0, dayCount: 0))
        }
    }
}
