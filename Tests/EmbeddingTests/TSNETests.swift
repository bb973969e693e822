import ClusterModel
import Testing

@testable import Embedding

struct TSNETests {
    @Test("Known groups end up apart")
    func groups() throws {
        let world = World(groups: 4, size: 20, width: 6)
        var tsne = TSNE()
        tsne.perplexity = 8
        tsne.iterations = 400
        let layout = try tsne.embed(try world.graph(24))
        #expect(layout.purity(world.groups) == 1)
        let trust = try #require(Trustworthiness.measure(layout, k: 10, row: world.fill))
        #expect(trust > 0.95)
    }

    @Test("The same seed gives the same bits for any number of threads, another seed another layout", arguments: [0.0, 0.5])
    func seeds(_ angle: Double) throws {
        let world = World(groups: 3, size: 70, width: 4)
        let joint = TSNEAffinities.joint(try world.graph(24), perplexity: 8, neighbours: 24)
        let start = world.points.map { SIMD2(Float($0[0]), Float($0[1])) }
        let layouts = [1, 2, 3].map { threads in
            var descent = TSNEDescent(joint, start: start, theta: Float(angle), threads: threads)
            for _ in 0..<5 { descent.step(exaggeration: 4, momentum: 0.5) }
            return descent.places
        }
        #expect(layouts[0] == layouts[1])
        #expect(layouts[0] == layouts[2])
        #expect(layouts[0] != start)
        var tsne = TSNE()
        tsne.perplexity = 8
        tsne.iterations = 3
        let graph = try world.graph(24)
        let first = try tsne.embed(graph)
        #expect(try tsne.embed(graph) == first)
        tsne.seed = 1
        #expect(try tsne.embed(graph) != first)
    }

    @Test("A point's probabilities have the entropy of the perplexity", arguments: [5.0, 12.0])
    func perplexity(_ perplexity: Double) {
        var generator = SeededGenerator(seed: 9)
        let squares = (0..<40).map { _ in 0.2 + generator.uniform() }.sorted()
        let shares = TSNEAffinities.conditional(squares, perplexity: perplexity)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
        #expect(shares == shares.sorted(by: >))
        let entropy = shares.reduce(0.0) { $0 + ($1 > 0 ? $1 * Reference.logarithm2(1 / $1) : 0) }
        #expect(abs(entropy - Reference.logarithm2(perplexity)) < 1e-4)
    }

    @Test("Joint probabilities are symmetric and sum to 1; of equal distances all are equal")
    func joint() throws {
        let graph = try NeighbourGraph.exact(count: 6, width: 5) { _, row in row = [Double](repeating: 1, count: 6) }
        let joint = TSNEAffinities.joint(graph, perplexity: 30, neighbours: 5)
        #expect(joint.edgeCount == 30)
        #expect(joint.weights.allSatisfy { abs($0 - 1.0 / 30) < 1e-15 })
        let world = World(groups: 3, size: 10, width: 3)
        let other = TSNEAffinities.joint(try world.graph(9), perplexity: 4, neighbours: 9)
        #expect(abs(other.weights.reduce(0, +) - 1) < 1e-12)
        for i in 0..<other.count {
            for edge in other.row(i) {
                let j = Int(other.columns[edge])
                let back = other.row(j).first { Int(other.columns[$0]) == i }
                #expect(back.map { other.weights[$0] } == other.weights[edge])
            }
        }
    }

    @Test(
        "Repulsion is the sum over all pairs, with angle 0 to rounding and with angle 0.5 nearly",
        arguments: [(0, 1e-5), (0.5, 0.03)] as [(Float, Double)])
    func repulsion(theta: Float, tolerance: Double) {
        var generator = SeededGenerator(seed: 10)
        var points = (0..<300).map { _ in SIMD2(Float(generator.normal() * 20), Float(generator.normal() * 3)) }
        // More equal points than a leaf should have.
        for i in 20..<40 { points[i] = points[19] }
        var tree = RepulsionTree(count: points.count, theta: theta)
        points.withUnsafeBufferPointer { tree.build($0) }
        var forces = [SIMD2<Float>](repeating: SIMD2(.nan, .nan), count: points.count)
        let normaliser = tree.leaves.reduce(0.0) { $0 + tree.repel(leaf: Int($1), into: &forces) }
        var (exact, total) = ([SIMD2<Double>](repeating: .zero, count: points.count), 0.0)
        for i in points.indices {
            for j in points.indices where i != j {
                let d = SIMD2<Double>(Double(points[i].x - points[j].x), Double(points[i].y - points[j].y))
                let q = 1 / (1 + d.x * d.x + d.y * d.y)
                exact[i] += d * q * q
                total += q
            }
        }
        #expect(abs(normaliser / total - 1) < tolerance)
        let size = exact.map { ($0.x * $0.x + $0.y * $0.y).squareRoot() }.max()!
        for i in points.indices {
            #expect(abs(Double(forces[i].x) - exact[i].x) < tolerance * size)
            #expect(abs(Double(forces[i].y) - exact[i].y) < tolerance * size)
        }
    }

    @Test("A point without neighbours has no place, and very small graphs are laid out", arguments: [0, 1, 2, 3, 9])
    func small(_ count: Int) throws {
        var tsne = TSNE()
        tsne.iterations = 20
        let graph = try NeighbourGraph.exact(count: count + 1, width: 90) { i, row in
            for j in row.indices { row[j] = i < count && j < count ? 0.5 : .nan }
        }
        let layout = try tsne.embed(graph)
        #expect((0...count).allSatisfy { layout.isPlaced($0) == ($0 < count && count > 1) })
    }

    @Test("What does not make sense is refused", arguments: [1, 40, .infinity, .nan] as [Double])
    func refused(_ perplexity: Double) throws {
        let graph = try World(groups: 2, size: 10, width: 3).graph(5)
        var tsne = TSNE()
        tsne.perplexity = perplexity
        #expect(throws: GridError.self) { try tsne.embed(graph) }
    }
}
