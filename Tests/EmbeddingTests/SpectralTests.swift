import ClusterModel
import Kernels
import Testing

@testable import Embedding

struct SpectralTests {
    @Test("Krylov vectors are eigenvectors of the normalised graph, with the eigenvalues of the dense matrix")
    func eigenvectors() throws {
        let world = World(groups: 3, size: 40, width: 4, gap: 2)
        let graph = FuzzyGraph.union(of: try world.graph(10), neighbours: 10)
        #expect(graph.components().count == 1)
        let n = graph.count
        var matrix = [Double](repeating: 0, count: n * n)
        let degrees = (0..<n).map { i in graph.row(i).reduce(0.0) { $0 + graph.weights[$1] } }
        for i in 0..<n {
            for edge in graph.row(i) {
                let j = Int(graph.columns[edge])
                matrix[i * n + j] = graph.weights[edge] / (degrees[i] * degrees[j]).squareRoot()
            }
        }
        let dense = try SymmetricEigen(matrix, order: n, count: 4)
        let found = try Krylov(graph).leadingVectors(3, seed: 5)
        #expect(found.count == 3)
        for (v, vector) in found.enumerated() {
            let image = (0..<n).map { i in (0..<n).reduce(0.0) { $0 + matrix[i * n + $1] * vector[$1] } }
            let value = zip(image, vector).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(value - dense.values[v + 1]) < 1e-6)
            let residual = zip(image, vector).reduce(0) { $0 + ($1.0 - value * $1.1) * ($1.0 - value * $1.1) }
            #expect(residual.squareRoot() < 2e-4)
        }
    }

    @Test("Components of different sizes lie apart", arguments: [2, 3])
    func components(_ dimensions: Int) throws {
        // Rings of 30, 12, 12, 5, and pairs.
        let sizes = [30, 12, 12, 5, 2, 2, 2]
        var targets: [Int32] = []
        for size in sizes {
            let first = targets.count
            for i in 0..<size { targets.append(Int32(first + (i + 1) % size)) }
        }
        let graph = SparseGraph(
            count: targets.count, width: 1, targets: targets, weights: targets.map { _ in 1 }, join: max)
        let layout = try SpectralLayout(dimensions: dimensions, seed: 1).place(graph)
        let groups = sizes.indices.flatMap { [Int](repeating: $0, count: sizes[$0]) }
        let coordinates = Coordinates(count: targets.count, dimensions: dimensions, values: layout.map { Float($0) })
        #expect(coordinates.purity(groups) == 1)
        #expect(layout.allSatisfy { abs($0) < 4 })
    }

    @Test(
        "The distance curve has the coefficients a general curve fit finds",
        arguments: [
            (0.1, 1, 1.5769434603, 0.8950608779), (0.5, 1, 0.5830300203, 1.3341669924), (0.25, 2, 0.4162734967, 0.9218551324),
            (0, 1, 1.9328083973, 0.7904949732),
        ] as [(Double, Double, Double, Double)])
    func curve(minDistance: Double, spread: Double, a: Double, b: Double) {
        let curve = DistanceCurve(minDistance: minDistance, spread: spread)
        #expect(abs(curve.a - a) < 1e-6)
        #expect(abs(curve.b - b) < 1e-6)
    }

    @Test("The table of gradients is the formula to a few parts in ten thousand, from the smallest to the largest distance")
    func table() {
        // With a = b = 1 no power is needed: -2 / (1 + s) and 2 / ((0.001 + s) (1 + s)).
        let curve = DistanceCurve(a: 1, b: 1)
        let (attraction, repulsion) = (GradientTable.attraction(curve), GradientTable.repulsion(curve))
        var s: Float = 1e-11
        while s < 1e7 {
            let exact = Double(s)
            let near = Double(GradientTable.value(attraction.pieces, at: s))
            #expect(abs(near / (-2 / (1 + exact)) - 1) < 2e-4)
            let away = Double(GradientTable.value(repulsion.pieces, at: s))
            #expect(abs(away / (2 / ((0.001 + exact) * (1 + exact))) - 1) < 2e-4)
            s *= 1.37
        }
        #expect(GradientTable.value(attraction.pieces, at: 0).isFinite)
        #expect(GradientTable.value(repulsion.pieces, at: .greatestFiniteMagnitude).isFinite)
    }
}
