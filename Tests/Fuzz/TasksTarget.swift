import ClusterModel
import Clustering
import Embedding

/// Tasks of every kind, as a worker reads them. Input: a byte for the kind, then the task.
package enum TasksTarget: FuzzTarget {
    package static let name = "tasks"

    package static func seeds() throws -> [[UInt8]] {
        try ToyTasks.all().map { [UInt8($0.kind.rawValue)] + $0.bytes }
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        var input = FuzzInput(input)
        let kind = ToyTasks.Kind(rawValue: Int(input.byte()) % ToyTasks.Kind.allCases.count) ?? .correlation
        let payload = Payload.tight(input.rest)
        switch kind {
        case .correlation: return try roundTrip(payload, { try CorrelationTask(decoding: $0) }, { $0.encoded() })
        case .pairs: return try roundTrip(payload, { try PairTask(decoding: $0) }, { $0.encoded() })
        case .features: return try roundTrip(payload, { try FeatureTask(decoding: $0) }, { $0.encoded() })
        case .rows: return try roundTrip(payload, { try RowsTask(decoding: $0) }, { $0.encoded() })
        case .resample: return try roundTrip(payload, { try ResampleTask(decoding: $0) }, { $0.encoded() })
        case .embedding: return try roundTrip(payload, { try EmbeddingTask(decoding: $0) }, { $0.encoded() })
        }
    }

    /// What is written of a task that was read has to be read as the same bytes again; the first ones may have had padding.
    private static func roundTrip<Task>(
        _ payload: Payload, _ decode: (Payload) throws -> Task, _ encode: (Task) -> [UInt8]
    ) throws -> Bool {
        guard let task = try accepted(as: [.usage, .failed], { try decode(payload) }) else { return false }
        let bytes = encode(task)
        try promise(bytes.count <= payload.count, "\(payload.count) bytes were read, \(bytes.count) are written")
        try promise(encode(try decode(.tight(bytes))) == bytes, "a task changes when it is written and read")
        return true
    }
}
