import ClusterModel

/// A task that lays points out from their nearest neighbours: the whole layout is one task, since every step needs the last.
package struct EmbeddingTask: Equatable, Sendable {
    package enum Method: Equatable, Sendable {
        /// See `UMAP`.
        case umap(neighbours: Int, minDistance: Double, dimensions: Int)
        /// See `TSNE`.
        case tsne(perplexity: Double)
    }

    package var method: Method
    package var seed: UInt64
    package var graph: NeighbourGraph

    package init(method: Method, seed: UInt64, graph: NeighbourGraph) {
        self.method = method
        self.seed = seed
        self.graph = graph
    }

    private static let magic: UInt32 = 0x3154_4541  // "AET1"

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + graph.indices.count * 12)
        writer.write(Self.magic)
        switch method {
        case .umap(let neighbours, let minDistance, let dimensions):
            writer.write(UInt32(0))
            writer.write(UInt32(neighbours))
            writer.write(minDistance)
            writer.write(UInt32(dimensions))
        case .tsne(let perplexity):
            writer.write(UInt32(1))
            writer.write(perplexity)
        }
        writer.write(seed)
        writer.write(UInt32(graph.count))
        writer.write(UInt32(graph.width))
        writer.writeArray(graph.indices)
        writer.writeArray(graph.distances)
        return writer.bytes
    }

    /// - Throws: `GridError` when the bytes are not a task or its graph contradicts itself.
    package init(decoding payload: Payload) throws {
        var reader = ByteReader(payload, what: "embedding task")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not an embedding task") }
        switch try reader.read(UInt32.self) {
        case 0:
            let neighbours = Int(try reader.read(UInt32.self))
            let minDistance = try reader.readDouble()
            method = .umap(neighbours: neighbours, minDistance: minDistance, dimensions: Int(try reader.read(UInt32.self)))
        case 1: method = .tsne(perplexity: try reader.readDouble())
        default: throw reader.malformed("unknown method")
        }
        seed = try reader.read(UInt64.self)
        let (count, width) = (Int(try reader.read(UInt32.self)), Int(try reader.read(UInt32.self)))
        guard count <= Limits.alphasMax, (1...Limits.neighboursMax).contains(width) else {
            throw reader.malformed("\(count) points with \(width) neighbours")
        }
        graph = try NeighbourGraph(
            count: count, width: width, indices: try reader.readArray(count: count * width),
            distances: try reader.readArray(count: count * width))
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}

extension Coordinates {
    /// As the result of a task: count and dimensions (u32), then the values (f32).
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 8 + values.count * 4)
        writer.write(UInt32(count))
        writer.write(UInt32(dimensions))
        writer.writeArray(values)
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not coordinates of `count` points.
    package init(decoding payload: Payload, count: Int) throws(GridError) {
        var reader = ByteReader(payload, what: "coordinates")
        let (found, dimensions) = (Int(try reader.read(UInt32.self)), Int(try reader.read(UInt32.self)))
        guard found == count, (2...3).contains(dimensions) else {
            throw reader.malformed("\(found) points in \(dimensions) dimensions")
        }
        self.init(count: count, dimensions: dimensions, values: try reader.readArray(count: count * dimensions))
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }
}

extension EmbeddingTask {
    /// Does the work, which takes seconds to minutes.
    package func run() throws -> Coordinates {
        switch method {
        case .umap(let neighbours, let minDistance, let dimensions):
            var umap = UMAP()
            umap.neighbours = neighbours
            umap.minDistance = minDistance
            umap.dimensions = dimensions
            umap.seed = seed
            return try umap.embed(graph)
        case .tsne(let perplexity):
            var tsne = TSNE()
            tsne.perplexity = perplexity
            tsne.seed = seed
            return try tsne.embed(graph)
        }
    }
}
