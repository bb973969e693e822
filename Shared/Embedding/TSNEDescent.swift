/// Gradient descent on the Kullback-Leibler divergence of t-SNE:
///
///     gradient_i = 4 (exaggeration * sum over j of p_ij q_ij (y_i - y_j) - force_i / Z)
///
/// with momentum, and a gain per value that grows by 0.2 while its gradient keeps leading on and shrinks by 0.8 when not.
struct TSNEDescent {
    private(set) var places: [SIMD2<Float>]
    private var moves: [SIMD2<Float>]
    private var gains: [SIMD2<Float>]
    private var forces: [SIMD2<Float>]
    private var pulls: [SIMD2<Float>]
    private var tree: RepulsionTree
    private let edges: Edges
    private let rate: Float
    private let threads: Int
    private static let pointsPerRun = 64
    private static let leavesPerRun = 16

    init(_ joint: SparseGraph, start: [SIMD2<Float>], theta: Float, threads: Int) {
        places = start
        moves = start.map { _ in .zero }
        gains = start.map { _ in .one }
        forces = moves
        pulls = moves
        tree = RepulsionTree(count: start.count, theta: theta)
        edges = Edges(offsets: joint.offsets, columns: joint.columns, weights: joint.weights.map { Float($0) })
        rate = Float(max(Double(start.count) / TSNE.exaggeration / 4, 50))
        self.threads = threads
    }

    mutating func step(exaggeration: Double, momentum: Float) {
        guard !places.isEmpty else { return }
        places.withUnsafeBufferPointer { tree.build($0) }
        let normaliser = Float(max(repel(), .leastNormalMagnitude))
        attract()
        for i in places.indices {
            let gradient = 4 * (Float(exaggeration) * pulls[i] - forces[i] / normaliser)
            for axis in 0..<2 {
                let leadsOn = moves[i][axis] * gradient[axis] < 0
                gains[i][axis] = max(0.01, leadsOn ? gains[i][axis] + 0.2 : gains[i][axis] * 0.8)
            }
            moves[i] = momentum * moves[i] - rate * gains[i] * gradient
            places[i] += moves[i]
        }
    }

    /// - Returns: Z. Each leaf's share is added in the order of the leaves, whoever computed it.
    private mutating func repel() -> Double {
        let (tree, leaves, threads) = (tree, tree.leaves, threads)
        var shares = [Double](repeating: 0, count: leaves.count)
        shares.withUnsafeMutableBufferPointer { shares in
            forces.withUnsafeMutableBufferPointer { forces in
                guard let shares = SharedWrites(shares), let forces = SharedWrites(forces) else { return }
                inRuns(leaves.count, of: Self.leavesPerRun, threads: threads) { run in
                    for leaf in run { shares.start[leaf] = tree.repel(leaf: Int(leaves[leaf]), into: forces.start) }
                }
            }
        }
        return shares.reduce(0, +)
    }

    private mutating func attract() {
        let (places, edges, threads) = (places, edges, threads)
        pulls.withUnsafeMutableBufferPointer { pulls in
            guard let pulls = SharedWrites(pulls) else { return }
            inRuns(places.count, of: Self.pointsPerRun, threads: threads) { run in
                places.withUnsafeBufferPointer { places in
                    for i in run { pulls.start[i] = edges.pull(on: i, places) }
                }
            }
        }
    }
}

/// p_ij row by row.
private struct Edges: Sendable {
    let offsets: [Int]
    let columns: [Int32]
    let weights: [Float]

    /// The sum over j of p_ij q_ij (y_i - y_j).
    func pull(on i: Int, _ places: UnsafeBufferPointer<SIMD2<Float>>) -> SIMD2<Float> {
        columns.withUnsafeBufferPointer { columns in
            weights.withUnsafeBufferPointer { weights in
                let place = places[i]
                var sum = SIMD2<Float>.zero
                for edge in offsets[i]..<offsets[i + 1] {
                    let difference = place - places[Int(columns[edge])]
                    let square = difference.x * difference.x + difference.y * difference.y
                    sum += difference * (weights[edge] / (1 + square))
                }
                return sum
            }
        }
    }
}
