#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The fuzzy simplicial set of UMAP (McInnes, Healy and Melville 2018, algorithms 2 and 3), as umap-learn computes it.
///
/// Point i with neighbours at d_1 <= d_2 <= ... has rho = its smallest distance above 0, and the sigma for which
///
///     sum over its neighbours of exp(-max(0, d - rho) / sigma) = log2(neighbours + 1)
///
/// where the point itself is none of its neighbours. Its edge to j weighs w_ij = exp(-max(0, d_ij - rho) / sigma), and both
/// directions are joined as a fuzzy union: w_ij + w_ji - w_ij w_ji.
enum FuzzyGraph {
    /// sigma is never below this share of the mean distance.
    private static let sigmaShareMin = 1e-3
    private static let bisections = 64
    private static let tolerance = 1e-5

    /// - Parameter neighbours: how many places of each row count, those of the point itself left out.
    static func union(of graph: NeighbourGraph, neighbours: Int) -> SparseGraph {
        let width = min(neighbours, graph.width)
        let meanOfAll = meanDistance(graph, width: width)
        var targets = [Int32](repeating: -1, count: graph.count * width)
        var weights = [Double](repeating: 0, count: graph.count * width)
        for i in 0..<graph.count {
            let degree = min(width, graph.degree(i))
            guard degree > 0 else { continue }
            let distances = graph.distances[(i * graph.width)..<(i * graph.width + degree)]
            let (rho, sigma) = scale(distances, neighbours: degree, meanOfAll: meanOfAll)
            for place in 0..<degree {
                targets[i * width + place] = graph.indices[i * graph.width + place]
                let beyond = distances[distances.startIndex + place] - rho
                weights[i * width + place] = beyond <= 0 || sigma == 0 ? 1 : exp(-beyond / sigma)
            }
        }
        return SparseGraph(count: graph.count, width: width, targets: targets, weights: weights) { $0 + $1 - $0 * $1 }
    }

    /// rho and sigma of one point's distances, ascending.
    static func scale(_ distances: ArraySlice<Double>, neighbours: Int, meanOfAll: Double) -> (rho: Double, sigma: Double) {
        let rho = distances.first { $0 > 0 } ?? 0
        let target = log2(Double(neighbours + 1))
        var (low, high, sigma) = (0.0, Double.infinity, 1.0)
        for _ in 0..<bisections {
            var sum = 0.0
            for distance in distances { sum += distance > rho ? exp(-(distance - rho) / sigma) : 1 }
            if abs(sum - target) < tolerance { break }
            if sum > target {
                high = sigma
                sigma = (low + high) / 2
            } else {
                low = sigma
                sigma = high == .infinity ? sigma * 2 : (low + high) / 2
            }
        }
        // The point itself counts as one more distance, of 0, as in umap-learn.
        let mean = rho > 0 ? distances.reduce(0, +) / Double(distances.count + 1) : meanOfAll
        return (rho, max(sigma, sigmaShareMin * mean))
    }

    private static func meanDistance(_ graph: NeighbourGraph, width: Int) -> Double {
        var (sum, count) = (0.0, 0)
        for i in 0..<graph.count {
            let degree = min(width, graph.degree(i))
            for place in 0..<degree { sum += graph.distances[i * graph.width + place] }
            count += degree + 1
        }
        return count > 0 ? sum / Double(count) : 0
    }
}
