import ClusterModel
import Clustering
import Testing

/// Linkage as it is defined: look at all pairs of clusters, join the nearest, ask the distance of clusters of its definition.
private func naiveHeights(_ points: [[Double]], _ method: Linkage.Method) -> [Double] {
    var clusters = points.map { [$0] }
    var heights: [Double] = []
    while clusters.count > 1 {
        var best = (Double.infinity, 0, 0)
        for i in clusters.indices {
            for j in clusters.indices.dropFirst(i + 1) {
                best = min(best, (apart(clusters[i], clusters[j], method), i, j), by: { $0.0 < $1.0 })
            }
        }
        heights.append(best.0)
        clusters[best.1] += clusters.remove(at: best.2)
    }
    return heights
}

private func min<T>(_ a: T, _ b: T, by precedes: (T, T) -> Bool) -> T { precedes(b, a) ? b : a }

private func apart(_ x: [[Double]], _ y: [[Double]], _ method: Linkage.Method) -> Double {
    let all = x.flatMap { a in y.map { distance(a, $0) } }
    switch method {
    case .single: return all.min()!
    case .complete: return all.max()!
    case .average: return all.reduce(0, +) / Double(all.count)
    case .ward:
        let centre = { (points: [[Double]]) in
            points[0].indices.map { d in points.reduce(0) { $0 + $1[d] } / Double(points.count) }
        }
        let (a, b) = (Double(x.count), Double(y.count))
        return (2 * a * b / (a + b)).squareRoot() * distance(centre(x), centre(y))
    }
}

/// From `scipy.cluster.hierarchy.linkage`: two equal points and a 3 x 2 grid, method by method.
private let tiedRows: [[[Double]]] = [
    [
        [6, 7, 0, 2], [0, 1, 1, 2], [2, 9, 1, 3], [3, 10, 1, 4], [4, 11, 1, 5], [5, 12, 1, 6], [8, 13, 5, 8],
    ],
    [
        [6, 7, 0, 2], [0, 1, 1, 2], [3, 4, 1, 2], [2, 5, 1, 2], [9, 10, 1.4142135623731, 4], [11, 12, 2.23606797749979, 6],
        [8, 13, 7.07106781186548, 8],
    ],
    [
        [6, 7, 0, 2], [0, 1, 1, 2], [3, 4, 1, 2], [2, 5, 1, 2], [9, 10, 1.20710678118655, 4],
        [11, 12, 1.66257038496822, 6], [8, 13, 6.06085373851148, 8],
    ],
    [
        [6, 7, 0, 2], [0, 1, 1, 2], [3, 4, 1, 2], [2, 5, 1, 2], [9, 10, 1.4142135623731, 4],
        [11, 12, 2.44948974278318, 6], [8, 13, 10.4283268073071, 8],
    ],
]

/// The clusters that SciPy joins on a 5 x 5 grid, its points taken in steps of 11, method by method.
private let gridRows: [[[Int]]] = [
    [
        [0, 5], [10, 25], [1, 26], [6, 27], [11, 28], [2, 29], [15, 30], [16, 31], [7, 32], [12, 33], [3, 34], [8, 35],
        [13, 36], [4, 37], [9, 38], [17, 39], [18, 40], [19, 41], [14, 42], [20, 43], [21, 44], [22, 45], [23, 46], [24, 47],
    ],
    [
        [0, 5], [1, 6], [2, 11], [3, 8], [4, 9], [7, 16], [12, 21], [10, 15], [17, 22], [14, 19], [13, 18], [30, 31],
        [26, 32], [24, 28], [29, 35], [23, 34], [20, 27], [25, 36], [33, 37], [38, 40], [41, 43], [39, 44], [42, 45], [46, 47],
    ],
    [
        [0, 5], [1, 6], [2, 11], [3, 8], [4, 9], [7, 16], [12, 21], [10, 15], [17, 22], [14, 19], [13, 18], [30, 31],
        [26, 32], [24, 28], [29, 35], [23, 34], [20, 27], [38, 40], [25, 36], [33, 37], [41, 44], [39, 42], [43, 45], [46, 47],
    ],
    [
        [0, 5], [1, 6], [2, 11], [3, 8], [4, 9], [7, 16], [12, 21], [10, 15], [17, 22], [14, 23], [19, 24], [13, 18],
        [30, 31], [26, 32], [28, 35], [29, 36], [20, 27], [25, 37], [34, 39], [33, 38], [41, 44], [40, 43], [42, 45], [46, 47],
    ],
]

struct LinkageTests {
    @Test("Heights are those of looking at all pairs of clusters at every step", arguments: Linkage.Method.allCases)
    func naive(_ method: Linkage.Method) throws {
        for (count, seed) in [(2, 1), (3, 2), (9, 3), (40, 4), (67, 5)] {
            let points = scatter(count, seed: UInt64(seed))
            let linkage = try Linkage(condensed(points), method: method)
            let expected = naiveHeights(points, method)
            #expect(linkage.merges.count == count - 1)
            for (merge, height) in zip(linkage.merges, expected) {
                #expect((merge.height * merge.height - height * height).magnitude <= 1e-9, "\(count) points")
            }
        }
    }

    @Test("Every row is the distance of the two clusters it names", arguments: Linkage.Method.allCases)
    func rows(_ method: Linkage.Method) throws {
        let points = scatter(60, seed: 7)
        let linkage = try Linkage(condensed(points), method: method)
        var clusters = points.map { [$0] }
        for merge in linkage.merges {
            #expect(merge.left < merge.right)
            #expect((apart(clusters[merge.left], clusters[merge.right], method) - merge.height).magnitude <= 1e-9)
            clusters.append(clusters[merge.left] + clusters[merge.right])
            #expect(merge.size == clusters[clusters.count - 1].count)
        }
        #expect(zip(linkage.merges, linkage.merges.dropFirst()).allSatisfy { $0.height <= $1.height })
    }

    @Test("Where distances tie, the rows are SciPy's", arguments: zip(Linkage.Method.allCases, tiedRows))
    func ties(_ method: Linkage.Method, _ expected: [[Double]]) throws {
        let points: [[Double]] = [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1], [5, 5], [5, 5]]
        let linkage = try Linkage(condensed(points), method: method)
        for (merge, row) in zip(linkage.merges, expected) {
            #expect([merge.left, merge.right, merge.size] == [Int(row[0]), Int(row[1]), Int(row[3])])
            #expect((merge.height - row[2]).magnitude <= 1e-12)
        }
    }

    @Test("Where almost everything ties, clusters are joined in SciPy's order", arguments: zip(Linkage.Method.allCases, gridRows))
    func manyTies(_ method: Linkage.Method, _ expected: [[Int]]) throws {
        let points = (0..<25).map { (point: Int) -> [Double] in
            let place = point * 11 % 25
            return [Double(place / 5), Double(place % 5)]
        }
        #expect(try Linkage(condensed(points), method: method).merges.map { [$0.left, $0.right] } == expected)
    }

    @Test("Hundreds of clusters, gone through several compactions of the memory, are joined as Kruskal's forest would join them")
    func compactions() throws {
        let distances = try condensed(scatter(300, groups: 9, seed: 11))
        let single = try Linkage(distances, method: .single)
        let edges = (0..<300).flatMap { i in (i + 1..<300).map { SpanningEdge(a: i, b: $0, weight: distances[i, $0]) } }
        let tree = MinimumSpanningTree.kruskal(pointCount: 300, edges)
        #expect(single.merges.map(\.height) == tree.map(\.weight))
        #expect(Linkage(pointCount: 300, tree: tree) == single)
        // Complete linkage at any cut is made of groups whose widest pair is within the cut.
        let complete = try Linkage(distances, method: .complete)
        let labels = complete.labels(cutAt: 1)
        for i in 0..<300 {
            for j in 0..<i where labels[i] == labels[j] { #expect(distances[i, j] <= 1) }
        }
    }

    @Test("One point is a linkage without rows, and two points are one row")
    func tiny() throws {
        let one = try Linkage(condensed([[3]]), method: .ward)
        #expect(one.merges.isEmpty)
        #expect(one.leaves() == [0])
        #expect(one.labels(cutAt: 0) == [0])
        let two = try Linkage(condensed([[3], [5]]), method: .average)
        #expect(two.merges == [.init(left: 0, right: 1, height: 2, size: 2)])
        #expect(two.labels(clusters: 2) == [0, 1])
        #expect(two.labels(clusters: 1) == [0, 0])
    }

    @Test("An undefined pair is refused by name, and so are more points than fit")
    func refused() throws {
        let distances = try CondensedDistances(count: 4) { $0 == 1 && $1 == 3 ? .nan : 1 }
        let failure = #expect(throws: GridError.self) { try Linkage(distances, method: .average) }
        #expect(failure?.message.contains("alphas 1 and 3") == true)
        let tooMany = #expect(throws: GridError.self) { try CondensedDistances.check(count: Limits.matrixPointsMax + 1) }
        #expect(tooMany?.message.contains("\(Limits.matrixPointsMax)") == true)
        #expect(throws: GridError.self) { try CondensedDistances(count: 0) { _ in } }
    }

    @Test("Rows that join a cluster twice or before it is made are refused")
    func badRows() {
        let row = Linkage.Merge(left: 0, right: 1, height: 1, size: 2)
        #expect(throws: GridError.self) { try Linkage(pointCount: 3, merges: [row]) }
        #expect(throws: GridError.self) { try Linkage(pointCount: 3, merges: [row, row]) }
        #expect(throws: GridError.self) {
            try Linkage(pointCount: 3, merges: [.init(left: 0, right: 4, height: 1, size: 2), row])
        }
    }
}
