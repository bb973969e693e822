import ClusterModel
import Clustering
import Testing

struct HDBSCANTests {
    @Test("Clusters, probabilities and persistences are the hdbscan package's", arguments: densityFixtures)
    func package(_ fixture: DensityFixture) throws {
        let found = try HDBSCAN(
            condensed(irregularPoints()), minClusterSize: fixture.minClusterSize, minSamples: fixture.minSamples,
            selection: fixture.selection)
        // Mutual reachability distances tie whenever a core distance decides, and then either cluster may get a number first.
        #expect(isSamePartition(found.labels, fixture.labels))
        #expect((found.probabilities.reduce(0, +) - fixture.probabilitySum).magnitude < 1e-9)
        #expect(found.persistences.count == fixture.persistences.count)
        for (a, b) in zip(found.persistences.sorted(), fixture.persistences.sorted()) { #expect((a - b).magnitude < 1e-9) }
    }

    @Test("The tree found in rounds gives what the tree found over all pairs gives", arguments: HDBSCAN.Selection.allCases)
    func rounds(_ selection: HDBSCAN.Selection) throws {
        let distances = try condensed(irregularPoints(200))
        let core = distances.coreDistances(minSamples: 6)
        let edges = (0..<200).flatMap { i in
            (i + 1..<200).map { SpanningEdge(a: i, b: $0, weight: max(distances[i, $0], core[i], core[$0])) }
        }
        let tree = MinimumSpanningTree.kruskal(pointCount: 200, edges)
        let fromTree = try HDBSCAN(pointCount: 200, tree: tree, minClusterSize: 6, selection: selection)
        let fromAll = try HDBSCAN(distances, minClusterSize: 6, selection: selection)
        #expect(fromAll.clusterCount >= 4)
        #expect(AdjustedRand.score(fromTree.labels, fromAll.labels) >= 0.98)
        #expect(fromTree == (try HDBSCAN(pointCount: 200, tree: tree.reversed(), minClusterSize: 6, selection: selection)))
    }

    @Test("Groups far apart are found, and points without any defined distance are noise")
    func groups() throws {
        let points = (0..<60).map { (point: Int) -> [Double] in
            let place = Double(point % 20)
            return [Double(point / 20) * 100 + place * place / 40]
        }
        let distances = try CondensedDistances(count: 63) { j, i in
            i >= 60 ? .nan : distance(points[j], points[i])
        }
        let found = try HDBSCAN(distances, minClusterSize: 8)
        #expect(found.clusterCount == 3)
        #expect(found.labels.suffix(3) == [-1, -1, -1] && found.probabilities.suffix(3) == [0, 0, 0])
        for group in 0..<3 {
            let labels = Set(found.labels[group * 20..<group * 20 + 20].filter { $0 >= 0 })
            #expect(labels.count == 1)
        }
        #expect(found.probabilities.allSatisfy { (0...1).contains($0) })
    }

    @Test("Equal points are one cluster of full probability, whatever dividing by their distance of 0 gives")
    func equalPoints() throws {
        let points = (0..<40).map { (point: Int) -> [Double] in [point < 20 ? 0 : Double(50 + point % 2)] }
        let found = try HDBSCAN(condensed(points), minClusterSize: 5)
        #expect(found.labels.prefix(20).allSatisfy { $0 == found.labels[0] } && found.labels[0] >= 0)
        #expect(found.probabilities.prefix(20).allSatisfy { $0 == 1 })
        #expect(!found.probabilities.contains(where: \.isNaN) && !found.persistences.contains(where: \.isNaN))
    }

    @Test("Too few points for a cluster are noise, and a cluster size of 1 is refused")
    func edges() throws {
        #expect(try HDBSCAN(condensed([[0], [1], [2]]), minClusterSize: 2, selection: .leaf).labels == [-1, -1, -1])
        #expect(try HDBSCAN(condensed([[0]]), minClusterSize: 5).labels == [-1])
        #expect(throws: GridError.self) { try HDBSCAN(condensed([[0], [1]]), minClusterSize: 1) }
    }
}

struct DBSCANTests {
    @Test("Labels and core points are scikit-learn's")
    func package() throws {
        let found = try DBSCAN(condensed(irregularPoints()), eps: 1.9, minSamples: 5)
        #expect(found.labels == scanLabels)
        #expect(found.isCore.indices.filter { !found.isCore[$0] } == scanNotCore)
    }

    /// Two core points are together when a chain of core points leads from one to the other.
    private func naive(_ distances: CondensedDistances, eps: Double, minSamples: Int) -> (core: [Bool], labels: [Int]) {
        let all = 0..<distances.count
        let core = all.map { i in all.filter { distances[i, $0] <= eps }.count >= minSamples }
        var connected = all.map { i in all.map { core[i] && core[$0] && distances[i, $0] <= eps } }
        for k in all { for i in all where connected[i][k] { for j in all where connected[k][j] { connected[i][j] = true } } }
        let first = all.map { i in all.first { connected[i][$0] } }
        let names = Set(first.compactMap { $0 }).sorted()
        let labels = all.map { i -> Int in
            if let own = first[i] { return names.firstIndex(of: own)! }
            let reached = all.filter { core[$0] && distances[i, $0] <= eps }.compactMap { first[$0] }.min()
            return reached.map { names.firstIndex(of: $0)! } ?? -1
        }
        return (core, labels)
    }

    @Test("Core points, noise and border points are those of the definition, ties and all", arguments: 1...6)
    func definition(_ seed: UInt64) throws {
        for (points, eps) in [(scatter(70, seed: seed), 0.35), (grid(70, edge: 9, seed: seed), 1.0)] {
            let distances = try condensed(points)
            let expected = naive(distances, eps: eps, minSamples: 4)
            let found = try DBSCAN(distances, eps: eps, minSamples: 4)
            #expect(found.isCore == expected.core && found.labels == expected.labels)
            #expect(found.isCore.contains(true) && found.isCore.contains(false))
            let pairs = (0..<70).flatMap { i in (0..<i).map { SpanningEdge(a: i, b: $0, weight: distances[i, $0]) } }
            #expect(try DBSCAN(pointCount: 70, minSamples: 4, pairs: pairs, eps: eps) == found)
        }
    }

    @Test("An undefined pair is no neighbour, and at least one sample is asked for")
    func undefined() throws {
        let distances = try CondensedDistances(count: 4) { $1 == 3 ? .nan : 0.1 }
        let found = try DBSCAN(distances, eps: 0.2, minSamples: 3)
        #expect(found.labels == [0, 0, 0, -1] && found.clusterCount == 1)
        #expect(throws: GridError.self) { try DBSCAN(distances, eps: 0.2, minSamples: 0) }
    }
}
