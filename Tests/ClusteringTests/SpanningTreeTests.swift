import ClusterModel
import Clustering
import Testing

struct SpanningTreeTests {
    /// All pairs of some points.
    private func edges(_ distances: CondensedDistances) -> [SpanningEdge] {
        (0..<distances.count).flatMap { i in
            (i + 1..<distances.count).map { SpanningEdge(a: i, b: $0, weight: distances[i, $0]) }
        }
    }

    /// The shortest edge of every point to another component, looked for in all pairs.
    private func round(_ forest: BoruvkaForest, _ distance: (Int, Int) -> Double) -> ([Int32], [Double]) {
        var partners = [Int32](repeating: -1, count: forest.pointCount)
        var lengths = [Double](repeating: .infinity, count: forest.pointCount)
        for i in 0..<forest.pointCount {
            // From the far end, so that ties are decided by the rule and not by the order of looking.
            for j in (0..<forest.pointCount).reversed() where forest.labels[i] != forest.labels[j] {
                let length = distance(i, j)
                if BoruvkaForest.isBetter(length, to: Int32(j), than: lengths[i], to: partners[i]) {
                    (partners[i], lengths[i]) = (Int32(j), length)
                }
            }
        }
        return (partners, lengths)
    }

    @Test("No choice of four of the ten edges of five points is a lighter tree")
    func allTrees() throws {
        for seed in 1...20 {
            let distances = try condensed(scatter(5, seed: UInt64(seed)))
            let all = edges(distances)
            var lightest = Double.infinity
            for chosen in 0..<1 << 10 where chosen.nonzeroBitCount == 4 {
                var sets = UnionFind(count: 5)
                for (place, edge) in all.enumerated() where chosen >> place & 1 == 1 { sets.union(edge.a, edge.b) }
                guard sets.setCount == 1 else { continue }
                lightest = min(lightest, all.indices.filter { chosen >> $0 & 1 == 1 }.reduce(0) { $0 + all[$1].weight })
            }
            let kruskal = MinimumSpanningTree.kruskal(pointCount: 5, all).reduce(0) { $0 + $1.weight }
            let prim = MinimumSpanningTree.prim(distances).reduce(0) { $0 + $1.weight }
            #expect((kruskal - lightest).magnitude < 1e-12 && (prim - lightest).magnitude < 1e-12)
        }
    }

    @Test("Rounds find Kruskal's tree edge by edge, also where most distances tie", arguments: [1, 2, 3, 4])
    func rounds(_ seed: UInt64) throws {
        for points in [scatter(80, seed: seed), grid(60, edge: 6, seed: seed)] {
            let distances = try condensed(points)
            var forest = BoruvkaForest(pointCount: points.count)
            var rounds = 0
            while !forest.isFinished {
                let (partners, lengths) = round(forest) { distances[$0, $1] }
                let before = forest.componentCount
                let added = try forest.endRound(partners: partners, distances: lengths)
                #expect(added == before - forest.componentCount && forest.componentCount <= (before + 1) / 2)
                rounds += 1
            }
            #expect(rounds <= 7)
            let normal = forest.sortedEdges
            #expect(normal == MinimumSpanningTree.kruskal(pointCount: points.count, edges(distances).shuffled(seed)))
        }
    }

    @Test("Components are named by their smallest point, and unconnected parts stay apart")
    func forest() throws {
        // Even and odd points have no defined distance.
        let distance = { (i: Int, j: Int) in (i + j) % 2 == 1 ? Double.nan : Double((i - j).magnitude) + Double(i + j) / 100 }
        var forest = BoruvkaForest(pointCount: 9)
        while !forest.isFinished {
            let (partners, lengths) = round(forest, distance)
            try forest.endRound(partners: partners, distances: lengths)
        }
        #expect(forest.componentCount == 2 && forest.edges.count == 7)
        #expect(forest.labels == [0, 1, 0, 1, 0, 1, 0, 1, 0])
        let walked = MinimumSpanningTree.walk(pointCount: 9, forest.edges)
        #expect(walked.map(\.b) == [2, 4, 6, 8, 1, 3, 5, 7])
        #expect(walked.filter { $0.weight == .infinity } == [SpanningEdge(a: 0, b: 1, weight: .infinity)])
        let linkage = Linkage(pointCount: 9, tree: forest.edges)
        #expect(linkage.merges.last?.height == .infinity)
        #expect(isSamePartition(linkage.labels(clusters: 2), [0, 1, 0, 1, 0, 1, 0, 1, 0]))
    }

    @Test("A candidate that stays in its component, or is missing, is refused")
    func badCandidates() throws {
        var forest = BoruvkaForest(pointCount: 3)
        #expect(throws: GridError.self) { try forest.endRound(partners: [1, 0], distances: [1, 1]) }
        #expect(throws: GridError.self) { try forest.endRound(partners: [1, 0, 2], distances: [1, 1, 1]) }
        #expect(throws: GridError.self) { try forest.endRound(partners: [1, 0, 3], distances: [1, 1, 1]) }
        #expect(try forest.endRound(partners: [1, 0, -1], distances: [1, 1, 1]) == 1)
        #expect(try forest.endRound(partners: [-1, 2, 1], distances: [.nan, .nan, .infinity]) == 0)
        #expect(forest.isFinished && forest.labels == [0, 0, 2])
    }

    @Test("Walking a tree that was found another way goes where the walk over all pairs went")
    func walk() throws {
        let distances = try condensed(scatter(70, seed: 13))
        let core = distances.coreDistances(minSamples: 1)
        let prim = MinimumSpanningTree.prim(distances)
        let kruskal = MinimumSpanningTree.kruskal(pointCount: 70, edges(distances).shuffled(5))
        #expect(MinimumSpanningTree.walk(pointCount: 70, kruskal) == prim)
        // Core distances of the nearest neighbour change no edge.
        #expect(MinimumSpanningTree.prim(distances, coreDistances: core).map(\.weight).sorted() == prim.map(\.weight).sorted())
    }
}

extension Array {
    /// The same elements in an order that a seed decides.
    fileprivate func shuffled(_ seed: UInt64) -> [Element] {
        var random = SeededGenerator(seed: seed)
        return shuffled(using: &random)
    }
}
