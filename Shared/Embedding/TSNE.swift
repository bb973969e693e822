import ClusterModel

/// t-distributed stochastic neighbour embedding (van der Maaten 2014) of a graph of nearest neighbours in the plane, on the
/// schedule of scikit-learn: early exaggeration 12 for 250 iterations with momentum 0.5, then momentum 0.8 up to
/// `iterations`; learning rate max(n / 48, 50); gains.
///
/// It starts from the spectral layout of its own probabilities, 1e-4 wide. Up to `exactMax` points repulsion is summed over
/// all pairs, beyond it by Barnes-Hut with angle `angle`. The same graph, options and seed give the same bits on one
/// machine for any number of threads.
package struct TSNE: Sendable {
    /// Three times as many neighbours are used.
    package var perplexity = 30.0
    package var iterations = 1_000
    package var angle = 0.5
    package var seed: UInt64 = 0
    package var threads = 1

    package static let exactMax = 1_000
    static let exaggeration = 12.0
    static let exaggeratedIterations = 250

    package init() {}

    /// Neighbours per point that a graph should have; of fewer it makes do.
    package var neighbours: Int { hasPerplexity ? Int(3 * perplexity) : 0 }

    private var hasPerplexity: Bool { perplexity >= 2 && 3 * perplexity <= Double(Limits.neighboursMax) }

    /// - Parameter onEpoch: called before each iteration; what it throws ends the work.
    /// - Returns: coordinates in the plane; NaN for points without a neighbour, which are left out of everything.
    package func embed(_ graph: NeighbourGraph, onEpoch: (Int) throws -> Void = { _ in }) throws -> Coordinates {
        guard hasPerplexity else {
            throw GridError(.usage, "t-SNE takes a perplexity of 2 to \(Limits.neighboursMax / 3), not \(perplexity)")
        }
        guard (1...Limits.layoutEpochsMax).contains(iterations), threads >= 1, angle >= 0, angle <= 1 else {
            throw GridError(
                .usage, "t-SNE runs 1 to \(Limits.layoutEpochsMax) iterations at angles 0 to 1, not \(iterations) at \(angle)")
        }
        let whole = TSNEAffinities.joint(graph, perplexity: perplexity, neighbours: neighbours)
        let points = whole.connected
        var numbers = [Int32](repeating: -1, count: graph.count)
        for (number, point) in points.enumerated() { numbers[point] = Int32(number) }
        let joint = whole.part(of: points, numbers: numbers)
        var descent = TSNEDescent(
            joint, start: try start(joint), theta: points.count <= Self.exactMax ? 0 : Float(angle), threads: threads)
        for iteration in 0..<iterations {
            try onEpoch(iteration)
            let isEarly = iteration < Self.exaggeratedIterations
            descent.step(exaggeration: isEarly ? Self.exaggeration : 1, momentum: isEarly ? 0.5 : 0.8)
        }
        var values = [Float](repeating: .nan, count: graph.count * 2)
        for (number, point) in points.enumerated() {
            values[2 * point] = descent.places[number].x
            values[2 * point + 1] = descent.places[number].y
        }
        return Coordinates(count: graph.count, dimensions: 2, values: values)
    }

    /// The spectral layout with a standard deviation of 1e-4 on the first axis, and a little noise so that equal points can
    /// part.
    private func start(_ joint: SparseGraph) throws -> [SIMD2<Float>] {
        let layout = try SpectralLayout(dimensions: 2, seed: seed).place(joint)
        let n = Double(max(1, joint.count))
        let mean = (0..<joint.count).reduce(0.0) { $0 + layout[2 * $1] } / n
        let variance = (0..<joint.count).reduce(0.0) { $0 + (layout[2 * $1] - mean) * (layout[2 * $1] - mean) } / n
        let scale = variance > 0 ? 1e-4 / variance.squareRoot() : 1e-4
        var generator = SeededGenerator(seed: seed, stream: 1)
        return (0..<joint.count).map { i in
            let noise = SIMD2(generator.normal(), generator.normal()) * 1e-6
            return SIMD2(Float(layout[2 * i] * scale + noise.x), Float(layout[2 * i + 1] * scale + noise.y))
        }
    }
}
