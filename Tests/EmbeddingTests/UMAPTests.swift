import ClusterModel
import Embedding
import Testing

struct UMAPTests {
    @Test("Known groups end up apart, in the plane and in space", arguments: [2, 3])
    func groups(_ dimensions: Int) throws {
        let world = World(groups: 4, size: 25, width: 6)
        var umap = UMAP()
        umap.dimensions = dimensions
        umap.epochs = 100
        let layout = try umap.embed(try world.graph(14))
        #expect(layout.count == 100)
        #expect(layout.values.count == 100 * dimensions)
        #expect(layout.purity(world.groups) == 1)
    }

    @Test("A closed curve keeps its neighbours")
    func circle() throws {
        let world = World(circleOf: 120)
        var umap = UMAP()
        umap.epochs = 150
        let layout = try umap.embed(try world.graph(14))
        let trust = try #require(Trustworthiness.measure(layout, k: 10, row: world.fill))
        #expect(trust > 0.97)
    }

    @Test("The same seed gives the same bits, another seed another layout")
    func seeds() throws {
        let graph = try World(groups: 2, size: 20, width: 3).graph(14)
        var umap = UMAP()
        umap.epochs = 30
        let first = try umap.embed(graph)
        #expect(try umap.embed(graph) == first)
        umap.seed = 1
        #expect(try umap.embed(graph) != first)
    }

    @Test("A point without neighbours has no place and does not change the others'")
    func lonely() throws {
        let world = World(groups: 2, size: 20, width: 3)
        let graph = try world.graph(14)
        let more = try NeighbourGraph(
            count: 41, width: 14, indices: graph.indices + [Int32](repeating: -1, count: 14),
            distances: graph.distances + [Double](repeating: .infinity, count: 14))
        var umap = UMAP()
        umap.epochs = 30
        let layout = try umap.embed(more)
        #expect((0..<41).filter { !layout.isPlaced($0) } == [40])
        #expect(Array(layout.values.prefix(80)) == (try umap.embed(graph)).values)
    }

    @Test("Very small graphs and equal points are laid out", arguments: [0, 1, 2, 3, 5])
    func small(_ count: Int) throws {
        let graph = try NeighbourGraph.exact(count: count, width: 14) { _, row in row = [Double](repeating: 0, count: count) }
        var umap = UMAP()
        umap.epochs = 20
        let layout = try umap.embed(graph)
        #expect(layout.count == count)
        #expect((0..<count).allSatisfy { layout.isPlaced($0) == (count > 1) })
    }

    @Test("What does not make sense is refused")
    func refused() throws {
        let graph = try World(groups: 2, size: 20, width: 3).graph(5)
        #expect(throws: GridError.self) { try UMAP().embed(graph) }
        var umap = UMAP()
        umap.neighbours = 6
        umap.dimensions = 4
        #expect(throws: GridError.self) { try umap.embed(graph) }
        umap.dimensions = 2
        umap.minDistance = 2
        #expect(throws: GridError.self) { try umap.embed(graph) }
        umap.minDistance = 0.1
        umap.epochs = 0
        #expect(throws: GridError.self) { try umap.embed(graph) }
    }

    @Test("What is thrown before an epoch ends the work")
    func cancelled() throws {
        let graph = try World(groups: 2, size: 20, width: 3).graph(14)
        var epochs: [Int] = []
        #expect(throws: CancellationError.self) {
            try UMAP().embed(graph) { epoch in
                epochs.append(epoch)
                if epoch == 3 { throw CancellationError() }
            }
        }
        #expect(epochs == [0, 1, 2, 3])
    }
}
