#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The joint probabilities of t-SNE (van der Maaten and Hinton 2008) from nearest neighbours.
///
/// Point i's neighbours j have p(j|i) proportional to exp(-beta d_ij^2), with the beta for which the entropy is
/// log(perplexity); p_ij = (p(j|i) + p(i|j)) / (sum of all of them).
enum TSNEAffinities {
    private static let bisections = 100
    private static let tolerance = 1e-5

    /// - Parameter neighbours: how many places of each row count.
    /// - Returns: weights that sum to 1; none for a point without neighbours that is nobody's.
    static func joint(_ graph: NeighbourGraph, perplexity: Double, neighbours: Int) -> SparseGraph {
        let width = min(neighbours, graph.width)
        var targets = [Int32](repeating: -1, count: graph.count * width)
        var weights = [Double](repeating: 0, count: graph.count * width)
        for i in 0..<graph.count {
            let degree = min(width, graph.degree(i))
            guard degree > 0 else { continue }
            let squares = (0..<degree).map { graph.distances[i * graph.width + $0] * graph.distances[i * graph.width + $0] }
            let shares = conditional(squares, perplexity: perplexity)
            for place in 0..<degree {
                targets[i * width + place] = graph.indices[i * graph.width + place]
                weights[i * width + place] = shares[place]
            }
        }
        let total = 2 * weights.reduce(0, +)
        return SparseGraph(count: graph.count, width: width, targets: targets, weights: weights) { ($0 + $1) / total }
    }

    /// p(j|i) of one point, from its squared distances in ascending order. With fewer than twice the perplexity of
    /// neighbours, half their number takes its place.
    static func conditional(_ squares: [Double], perplexity: Double) -> [Double] {
        let target = log(max(1, min(perplexity, Double(squares.count) / 2)))
        var (low, high, beta) = (0.0, Double.infinity, 1.0)
        var shares = squares
        for _ in 0..<bisections {
            var (sum, weighted) = (0.0, 0.0)
            for (place, square) in squares.enumerated() {
                // Relative to the nearest, so that not all of them vanish.
                let value = exp(-beta * (square - squares[0]))
                shares[place] = value
                sum += value
                weighted += value * (square - squares[0])
            }
            let entropy = log(sum) + beta * weighted / sum
            for place in shares.indices { shares[place] /= sum }
            if abs(entropy - target) <= tolerance { break }
            if entropy > target {
                low = beta
                beta = high == .infinity ? beta * 2 : (low + high) / 2
            } else {
                high = beta
                beta = (low + high) / 2
            }
        }
        return shares
    }
}
