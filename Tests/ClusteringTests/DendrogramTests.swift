import ClusterModel
import Clustering
import Testing

/// Ten points on a line, shuffled; the expected values are SciPy's for their average linkage.
private let line: [[Double]] = [[40], [7.5], [0], [20], [1], [41.75], [8.25], [3], [20.5], [7]]

private let cutsByHeight: [(Double, [Int])] = [
    (0.4, [0, 4, 7, 2, 8, 1, 6, 9, 3, 5]), (0.5, [0, 3, 5, 2, 6, 1, 4, 7, 2, 3]), (1, [0, 3, 4, 2, 4, 1, 3, 5, 2, 3]),
    (2, [0, 2, 3, 1, 3, 0, 2, 4, 1, 2]), (3, [0, 2, 3, 1, 3, 0, 2, 3, 1, 2]), (13, [0, 2, 2, 1, 2, 0, 2, 2, 1, 2]),
    (30, [0, 1, 1, 1, 1, 0, 1, 1, 1, 1]), (50, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
]

private let cutsByNumber: [(Int, [Int])] = [
    (1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), (2, [0, 1, 1, 1, 1, 0, 1, 1, 1, 1]), (3, [0, 2, 2, 1, 2, 0, 2, 2, 1, 2]),
    (4, [0, 2, 3, 1, 3, 0, 2, 3, 1, 2]), (5, [0, 2, 3, 1, 3, 0, 2, 4, 1, 2]), (6, [0, 3, 4, 2, 4, 1, 3, 5, 2, 3]),
    (7, [0, 3, 4, 2, 4, 1, 3, 5, 2, 3]), (8, [0, 3, 5, 2, 6, 1, 4, 7, 2, 3]),
]

struct DendrogramTests {
    let linkage: Linkage
    init() throws { linkage = try Linkage(condensed(line), method: .average) }

    @Test(
        "A cut by height gives SciPy's clusters with SciPy's numbers",
        arguments: cutsByHeight)
    func byHeight(_ height: Double, _ labels: [Int]) {
        #expect(linkage.labels(cutAt: height) == labels)
    }

    @Test(
        "A cut by number gives SciPy's clusters, and fewer where heights tie",
        arguments: cutsByNumber)
    func byNumber(_ count: Int, _ labels: [Int]) {
        #expect(linkage.labels(clusters: count) == labels)
    }

    @Test("Asked for as many clusters as points or more, each point is one")
    func allApart() {
        #expect(Set(linkage.labels(clusters: 10)).count == 10)
        #expect(Set(linkage.labels(clusters: 99)).count == 10)
        // Nine clusters would need one of two merges at the same height.
        #expect(Set(linkage.labels(clusters: 9)).count == 8)
    }

    @Test("Leaves stand in SciPy's order")
    func leaves() {
        #expect(linkage.leaves() == [0, 5, 3, 8, 6, 1, 9, 7, 2, 4])
    }

    @Test("The cophenetic correlation is SciPy's, and that of all pairs written out")
    func cophenetic() throws {
        let distances = try condensed(line)
        let value = try #require(linkage.copheneticCorrelation(distances))
        #expect((value - 0.93207636203541).magnitude < 1e-12)
        // A pair is joined at the lowest cut that has it together.
        let points = scatter(16, seed: 3)
        let other = try condensed(points)
        let ward = try Linkage(other, method: .ward)
        var pairs: [(Double, Double)] = []
        for i in 0..<16 {
            for j in i + 1..<16 {
                let joined = ward.merges.map(\.height).first { height in
                    let labels = ward.labels(cutAt: height)
                    return labels[i] == labels[j]
                }
                pairs.append((other[i, j], try #require(joined)))
            }
        }
        let n = Double(pairs.count)
        let (mx, my) = (pairs.reduce(0) { $0 + $1.0 } / n, pairs.reduce(0) { $0 + $1.1 } / n)
        let sxy = pairs.reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
        let sxx = pairs.reduce(0) { $0 + ($1.0 - mx) * ($1.0 - mx) }
        let syy = pairs.reduce(0) { $0 + ($1.1 - my) * ($1.1 - my) }
        let expected = sxy / (sxx * syy).squareRoot()
        #expect((try #require(ward.copheneticCorrelation(other)) - expected).magnitude < 1e-12)
    }

    @Test("Distances that do not vary have no cophenetic correlation")
    func constant() throws {
        let distances = try CondensedDistances(count: 5) { _, _ in 1 }
        #expect(try Linkage(distances, method: .complete).copheneticCorrelation(distances) == nil)
    }
}
