import ClusterModel
import Testing

@testable import Embedding

struct NeighbourGraphTests {
    @Test("Neighbours come nearest first, ties by index, and an undefined pair is no edge")
    func exact() throws {
        let nan = Double.nan
        let rows = [[0, 2, 1, 2], [2, 0, nan, nan], [1, nan, 0, 1], [nan, nan, nan, 0]]
        let graph = try NeighbourGraph.exact(count: 4, width: 2) { i, row in row = rows[i] }
        #expect(graph.indices == [2, 1, 0, -1, 0, 3, -1, -1])
        #expect(graph.distances == [1, 2, 2, .infinity, 1, 1, .infinity, .infinity])
        #expect((0..<4).map(graph.degree) == [2, 1, 2, 0])
    }

    @Test(
        "A graph that breaks a rule is refused, with the point named",
        arguments: [
            ([1, 2], [2, 1], "behind one at"), ([1, 1], [1, 1], "twice"), ([0, 1], [1, 2], "as a neighbour"),
            ([1, 3], [1, 2], "as a neighbour"), ([-1, 1], [.infinity, 1], "behind its last"), ([1, 2], [-1, 2], "-1.0"),
            ([1, 2], [1, .nan], "nan"),
        ] as [([Int32], [Double], String)])
    func refused(indices: [Int32], distances: [Double], words: String) {
        let error = #expect(throws: GridError.self) {
            try NeighbourGraph(
                count: 3, width: 2, indices: indices + [0, 2, 0, 1], distances: distances + [1, 2, 1, 2])
        }
        #expect(error?.message.contains("point 0") == true)
        #expect(error?.message.contains(words) == true)
    }

    @Test("Directed edges are joined as the fuzzy union of both directions")
    func union() {
        var generator = SeededGenerator(seed: 3)
        let (count, width) = (20, 4)
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
        var targets = [Int32](repeating: -1, count: count * width)
        var weights = [Double](repeating: 0, count: count * width)
        for i in 0..<count where i != 7 {
            for place in 0..<width {
                let j = generator.below(count)
                guard j != i, matrix[i][j] == 0 else { continue }
                matrix[i][j] = 0.1 + 0.9 * generator.uniform()
                targets[i * width + place] = Int32(j)
                weights[i * width + place] = matrix[i][j]
            }
        }
        let graph = SparseGraph(count: count, width: width, targets: targets, weights: weights) { $0 + $1 - $0 * $1 }
        for i in 0..<count {
            var row = [Double](repeating: 0, count: count)
            for edge in graph.row(i) { row[Int(graph.columns[edge])] = graph.weights[edge] }
            #expect(row == (0..<count).map { matrix[i][$0] + matrix[$0][i] - matrix[i][$0] * matrix[$0][i] })
            #expect(Array(graph.columns[graph.row(i)]) == graph.columns[graph.row(i)].sorted())
        }
    }

    @Test("Components come largest first, and a part keeps the edges within it")
    func components() {
        // 1 - 4 - 2, 0 - 3, 5 alone.
        let graph = SparseGraph(
            count: 6, width: 1, targets: [3, 4, 4, -1, -1, -1], weights: [0.5, 1, 0.25, 0, 0, 0], join: max)
        #expect(graph.components() == [[1, 2, 4], [0, 3], [5]])
        #expect(graph.connected == [0, 1, 2, 3, 4])
        let part = graph.part(of: [1, 2, 4], numbers: [-1, 0, 1, -1, 2, -1])
        #expect(part.columns == [2, 2, 0, 1])
        #expect(part.weights == [1, 0.25, 1, 0.25])
        #expect(graph.droppingBelow(0.5).components() == [[0, 3], [1, 4], [2], [5]])
    }

    @Test("Every point's weights sum to the logarithm of its neighbours, its nearest one at full weight")
    func scale() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<20 {
            let distances = (0..<14).map { _ in 0.5 + generator.uniform() }.sorted()
            let (rho, sigma) = FuzzyGraph.scale(distances[...], neighbours: 14, meanOfAll: 1)
            #expect(rho == distances[0])
            let table = distances.map { Reference.exponential(-($0 - rho) / sigma) }
            #expect(abs(table.reduce(0, +) - Reference.logarithm2(15)) < 1e-4)
        }
    }

    @Test("Equal distances, duplicates at distance 0 and lone neighbours have finite weights")
    func degenerate() throws {
        let rows = [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [1, 1, 1, 0, 1], [1, 1, 1, 1, 0]]
        let graph = try NeighbourGraph.exact(count: 5, width: 4) { i, row in row = rows[i].map(Double.init) }
        let union = FuzzyGraph.union(of: graph, neighbours: 4)
        #expect(union.weights.allSatisfy { $0 > 0 && $0 <= 1 })
        #expect(union.edgeCount == 20)
    }
}

/// Series that need no mathematical library.
enum Reference {
    static func exponential(_ x: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        let part = x / 1_024
        for k in 1..<20 {
            term *= part / Double(k)
            sum += term
        }
        for _ in 0..<10 { sum *= sum }
        return sum
    }

    /// By bisection of 2^x = y.
    static func logarithm2(_ y: Double) -> Double {
        var (low, high) = (0.0, 64.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if exponential(middle * 0.6931471805599453) < y { low = middle } else { high = middle }
        }
        return low
    }
}
