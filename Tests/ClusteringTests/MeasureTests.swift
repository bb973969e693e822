import ClusterModel
import Testing

@testable import Clustering

struct MeasureTests {
    @Test("The adjusted Rand score is scikit-learn's, noise being one more label")
    func scores() {
        let a = [0, 0, 0, 1, 1, 1, 2, 2, -1, -1, 2]
        let b = [1, 1, 0, 0, 2, 2, 2, 2, -1, 0, -1]
        #expect((AdjustedRand.score(a, b) - 0.11764705882352941).magnitude < 1e-15)
        #expect(AdjustedRand.score(b, a) == AdjustedRand.score(a, b))
        #expect(AdjustedRand.score(a, a.map { 7 - $0 }) == 1)
        #expect(AdjustedRand.score([], []) == 1 && AdjustedRand.score([3], [5]) == 1)
        #expect(AdjustedRand.score([0, 0, 0, 0], [0, 1, 2, 3]) == 0)
        let score = AdjustedRand.score(a, b)
        #expect(AdjustedRand.matrix([a, b, a]) == [[1, score, 1], [score, 1, score], [1, score, 1]])
    }

    @Test("The adjusted Rand score is that of counting all pairs, of few clusters and of many", arguments: [4, 40, 400])
    func pairs(clusters: Int) {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<20 {
            let a = (0..<40).map { _ in random.below(clusters) - 1 }
            let b = a.map { random.below(3) == 0 ? random.below(clusters + 1) : $0 }
            var (both, onlyA, onlyB, none) = (0.0, 0.0, 0.0, 0.0)
            for i in 0..<40 {
                for j in 0..<i {
                    switch (a[i] == a[j], b[i] == b[j]) {
                    case (true, true): both += 1
                    case (true, false): onlyA += 1
                    case (false, true): onlyB += 1
                    case (false, false): none += 1
                    }
                }
            }
            let expected = (both + onlyA) * (both + onlyB) / (both + onlyA + onlyB + none)
            let isSame = onlyA == 0 && onlyB == 0
            let score = isSame ? 1 : (both - expected) / ((both + onlyA + both + onlyB) / 2 - expected)
            #expect((AdjustedRand.score(a, b) - score).magnitude < 1e-12)
            // Points that one of them does not know are as if they were not there.
            let partA = a.map { $0 == 1 ? -2 : $0 }
            let partB = b.map { $0 == 2 ? -2 : $0 }
            let common = a.indices.filter { partA[$0] > -2 && partB[$0] > -2 }
            #expect(
                AdjustedRand.score(Labeling(partA, without: -2), Labeling(partB, without: -2))
                    == AdjustedRand.score(common.map { a[$0] }, common.map { b[$0] }))
        }
    }

    private let line: [[Double]] = [[0], [1], [3], [7], [7.5], [8.25], [20], [20.5], [40], [41.75]]

    @Test("Silhouettes are scikit-learn's, a point alone in its cluster having 0 and noise none")
    func silhouettes() throws {
        let distances = try condensed(line)
        let expected = [
            0.7362637362637362, 0.7721518987341772, 0.45454545454545453, 0.8455882352941176, 0.8986486486486487,
            0.8554216867469879, 0.10402684563758385, 0.15806451612903222, 0, -0.9186046511627907,
        ]
        let labels = [0, 0, 0, 1, 1, 1, 2, 2, 3, 2]
        let silhouette = Silhouette(distances, labels: labels)
        for (value, wanted) in zip(silhouette.values, expected) {
            #expect((try #require(value) - wanted).magnitude < 1e-11)
        }
        let mean = expected.reduce(0, +) / 10
        let first = expected[..<3].reduce(0, +) / 3
        #expect((try #require(silhouette.mean) - mean).magnitude < 1e-11)
        #expect((try #require(silhouette.means(labels: labels)[0]) - first).magnitude < 1e-11)
        // As if the points that are noise were not there.
        let noisy = [0, 0, 0, 1, 1, 1, -1, -1, -1, -1]
        let without = Silhouette(try condensed(Array(line[..<6])), labels: Array(noisy[..<6]))
        #expect(Silhouette(distances, labels: noisy).values == without.values + [nil, nil, nil, nil])
        #expect(Silhouette(distances, labels: [Int](repeating: 0, count: 10)).mean == nil)
    }

    @Test("Sums merged from tiles in any order have the bits of those made at once, and undefined pairs do not count")
    func tiles() throws {
        let points = scatter(50, seed: 8)
        let distances = try CondensedDistances(count: 50) { ($0 * 7 + $1) % 11 == 0 ? .nan : distance(points[$0], points[$1]) }
        let labels = (0..<50).map { $0 % 9 == 0 ? -1 : $0 % 4 }
        let whole = ClusterDistanceSums(distances, labels: labels)
        let exponent = whole.exponent
        #expect(distances.values.allSatisfy { !($0 >= Double(2 << exponent)) })
        var merged = ClusterDistanceSums(pointCount: 50, clusterCount: 4, exponent: exponent)
        for top in [30, 0, 10, 40, 20] {
            for left in [20, 40, 0, 30, 10] {
                var tile = ClusterDistanceSums(pointCount: 10, clusterCount: 4, exponent: exponent)
                for i in top..<top + 10 {
                    for j in left..<left + 10 where i != j { tile.add(distances[i, j], point: i - top, cluster: labels[j]) }
                }
                try merged.merge(tile, at: top)
            }
        }
        #expect(merged == whole)
        #expect(Silhouette(merged, labels: labels) == Silhouette(distances, labels: labels))
        let others = (0..<50).filter { $0 != 3 && labels[$0] == 1 && distances[3, $0].isFinite }
        let mean = others.reduce(0) { $0 + distances[3, $1] } / Double(others.count)
        #expect((try #require(whole.mean(point: 3, cluster: 1)) - mean).magnitude < 1e-11)
        #expect(throws: GridError.self) { try merged.merge(.init(pointCount: 10, clusterCount: 3, exponent: exponent)) }
        #expect(throws: GridError.self) { try merged.merge(.init(pointCount: 10, clusterCount: 4, exponent: exponent), at: 45) }
        #expect(throws: GridError.self) { try merged.merge(.init(pointCount: 10, clusterCount: 4, exponent: 9)) }
    }

    @Test("Silhouettes do not depend on the unit of the distances")
    func units() throws {
        let points = scatter(25, seed: 6)
        let labels = (0..<25).map { $0 % 3 }
        let plain = Silhouette(try condensed(points), labels: labels)
        for unit in [0x1p-60, 0x1p60] {
            let scaled = try CondensedDistances(count: 25) { distance(points[$0], points[$1]) * unit }
            #expect(Silhouette(scaled, labels: labels) == plain)
        }
        #expect(Silhouette(try CondensedDistances(count: 4) { _, _ in 0 }, labels: [0, 0, 1, 1]).values == [0, 0, 0, 0])
    }

    @Test("Dispersion is the squared distance from the centres")
    func dispersion() throws {
        let points = scatter(30, seed: 2)
        let labels = (0..<30).map { $0 % 7 == 6 ? -1 : $0 % 3 }
        var expected = 0.0
        for cluster in 0..<3 {
            let members = points.indices.filter { labels[$0] == cluster }.map { points[$0] }
            let centre = (0..<3).map { d in members.reduce(0) { $0 + $1[d] } / Double(members.count) }
            expected += members.reduce(0) { $0 + distance($1, centre) * distance($1, centre) }
        }
        #expect((GapStatistic.dispersion(try condensed(points), labels: labels) - expected).magnitude < 1e-9)
    }

    @Test("The gap statistic takes the smallest number of clusters that the next one does not clearly beat")
    func gap() {
        // log2 steps, so that the logarithms are known: gaps ln 2 x (1, 3, 3), errors 0.
        let two = 0.6931471805599453
        let gap = GapStatistic([
            (clusters: 3, data: 1, references: [8, 8]), (clusters: 1, data: 16, references: [32, 32]),
            (clusters: 2, data: 2, references: [16, 16]), (clusters: 4, data: 0, references: [1, 1]),
        ])
        #expect(gap.rows.map(\.clusters) == [1, 2, 3])
        for (row, factor) in zip(gap.rows, [1.0, 3, 3]) { #expect((row.gap - factor * two).magnitude < 1e-12) }
        #expect(gap.bestClusterCount == 2)
        let spread = GapStatistic([(clusters: 1, data: 1, references: [2, 8])])
        #expect((spread.rows[0].gap - 2 * two).magnitude < 1e-12)
        #expect((spread.rows[0].error - two * 1.5.squareRoot()).magnitude < 1e-12)
        #expect(GapStatistic([]).bestClusterCount == nil)
    }

    @Test("A consensus puts together what most labelings put together, and calls noise what all of them do")
    func consensus() throws {
        let labelings = [
            [0, 0, 0, 1, 1, 1, -1, 2], [1, 1, 1, 0, 0, 0, -1, -1], [5, 5, 2, 2, 2, 2, -1, 0],
            [0, 0, 0, 1, 1, -2, -2, -1],
        ]
        let distances = try Consensus.distances(labelings)
        #expect(distances[0, 1] == 0 && distances[1, 2] == 0.25 && distances[2, 3] == 0.75)
        #expect(distances[4, 5] == 0, "a labeling that does not know a point has no say")
        #expect(distances[6, 7] == 1 && distances[0, 7] == 1)
        let found = try Consensus(labelings)
        #expect(found.labels == [0, 0, 0, 1, 1, 1, -1, 2])
        #expect((found.confidences[0] - 0.875).magnitude < 1e-11 && found.confidences[6] == 0 && found.confidences[7] == 1)
        #expect(try Consensus(labelings, clusters: 1).labels == [0, 0, 0, 0, 0, 0, -1, 0])
        #expect(throws: GridError.self) { try Consensus([]) }
        #expect(throws: GridError.self) { try Consensus([[0, 1], [0]]) }
    }

    @Test("Stability compares every resample with the reference and with the others, on the points both know")
    func stability() throws {
        let reference = [0, 0, 0, 1, 1, 1]
        let resamples = [[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [0, 0, -2, 1, 1, -2]]
        let found = try BootstrapStability(reference: reference, resamples: resamples)
        let second = AdjustedRand.score(reference, resamples[1])
        #expect(found.scores == [1, second, 1])
        #expect((found.meanScore - (2 + second) / 3).magnitude < 1e-15 && found.minScore == second)
        #expect((try #require(found.meanPairScore) - (second + 1 + 1) / 3).magnitude < 1e-15)
        // Cluster 0: all of it, two of three, all of what is known; cluster 1: all, three of four, all.
        #expect((found.clusterStability[0] - (1 + 2.0 / 3 + 1) / 3).magnitude < 1e-15)
        #expect((found.clusterStability[1] - (1 + 0.75 + 1) / 3).magnitude < 1e-15)
        #expect(try BootstrapStability(reference: reference, resamples: [reference]).meanPairScore == nil)
        #expect(throws: GridError.self) { try BootstrapStability(reference: reference, resamples: []) }
    }
}
