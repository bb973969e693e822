import ClusterModel

/// Uniform manifold approximation and projection (McInnes, Healy and Melville 2018) of a graph of nearest neighbours, with
/// the choices of umap-learn.
///
/// The same graph, options and seed give the same bits on one machine, whatever else runs: one thread does it all.
package struct UMAP: Sendable {
    /// Neighbours per point, the point itself counted as in umap-learn: the nearest `neighbours` - 1 others are used.
    package var neighbours = 15
    package var minDistance = 0.1
    package var spread = 1.0
    /// 2 or 3.
    package var dimensions = 2
    /// nil: 500 up to 10,000 points, 200 beyond.
    package var epochs: Int?
    package var seed: UInt64 = 0

    package init() {}

    /// - Parameters:
    ///   - graph: with at least `neighbours` - 1 places per point, or as many as there are other points.
    ///   - onEpoch: called before each epoch; what it throws ends the work.
    /// - Returns: coordinates; NaN for points without a neighbour, which are left out of everything.
    package func embed(_ graph: NeighbourGraph, onEpoch: (Int) throws -> Void = { _ in }) throws -> Coordinates {
        try check(graph)
        let epochs = epochs ?? (graph.count <= 10_000 ? 500 : 200)
        let whole = FuzzyGraph.union(of: graph, neighbours: neighbours - 1)
        let heaviest = whole.weights.max() ?? 0
        // Edges so light that they would not be drawn once.
        let light = whole.droppingBelow(epochs > 10 ? heaviest / Double(epochs) : 0)
        let points = light.connected
        var numbers = [Int32](repeating: -1, count: graph.count)
        for (number, point) in points.enumerated() { numbers[point] = Int32(number) }
        let edges = light.part(of: points, numbers: numbers)
        var places = try start(edges)
        var optimiser = UMAPOptimiser(
            edges, epochs: epochs, curve: DistanceCurve(minDistance: minDistance, spread: spread),
            generator: SeededGenerator(seed: seed, stream: 2))
        for epoch in 0..<epochs {
            try onEpoch(epoch)
            optimiser.run(epoch: epoch, &places)
        }
        var values = [Float](repeating: .nan, count: graph.count * dimensions)
        for (number, point) in points.enumerated() {
            for axis in 0..<dimensions { values[point * dimensions + axis] = places[number][axis] }
        }
        return Coordinates(count: graph.count, dimensions: dimensions, values: values)
    }

    private func check(_ graph: NeighbourGraph) throws {
        guard dimensions == 2 || dimensions == 3 else {
            throw GridError(.usage, "UMAP makes 2 or 3 dimensions, not \(dimensions)")
        }
        guard neighbours >= 2, graph.width >= min(neighbours - 1, graph.count - 1) else {
            throw GridError(
                .usage,
                "UMAP with \(neighbours) neighbours (at least 2, itself included) needs one less per point, not \(graph.width)")
        }
        guard minDistance >= 0, spread > 0, minDistance <= spread, spread.isFinite else {
            throw GridError(.usage, "UMAP needs 0 <= min_dist <= spread, not \(minDistance) and \(spread)")
        }
        if let epochs, !(1...Limits.layoutEpochsMax).contains(epochs) {
            throw GridError(.usage, "UMAP runs 1 to \(Limits.layoutEpochsMax) epochs, not \(epochs)")
        }
    }

    /// The spectral layout, between 0 and 10 on every axis, with a little noise so that equal points can part.
    private func start(_ edges: SparseGraph) throws -> [SIMD4<Float>] {
        let spectral = try SpectralLayout(dimensions: dimensions, seed: seed).place(edges)
        var generator = SeededGenerator(seed: seed, stream: 1)
        let largest = spectral.reduce(0) { max($0, abs($1)) }
        let expansion = largest > 0 ? 10 / largest : 1
        let noisy = spectral.map { $0 * expansion + 1e-4 * generator.normal() }
        var places = [SIMD4<Float>](repeating: .zero, count: edges.count)
        for axis in 0..<dimensions {
            var (low, high) = (Double.infinity, -Double.infinity)
            for i in 0..<edges.count {
                low = min(low, noisy[i * dimensions + axis])
                high = max(high, noisy[i * dimensions + axis])
            }
            for i in 0..<edges.count where high > low {
                places[i][axis] = Float(10 * (noisy[i * dimensions + axis] - low) / (high - low))
            }
        }
        return places
    }
}
