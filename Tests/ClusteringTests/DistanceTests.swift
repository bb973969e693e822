import ClusterModel
import Clustering
import Testing

struct DistanceTests {
    @Test("Pairs lie in SciPy's order, and are found from either side")
    func order() throws {
        var places: [Int] = []
        for i in 0..<6 { for j in i + 1..<6 { places.append(CondensedDistances.index(j, i, of: 6)) } }
        #expect(places == Array(0..<15))
        let distances = try CondensedDistances(count: 6) { Double(10 * $0 + $1) }
        #expect(distances[2, 4] == 24 && distances[4, 2] == 24 && distances[3, 3] == 0)
        #expect(distances.values.first == 1 && distances.values.last == 45)
    }

    @Test("A pair that nobody wrote is undefined")
    func unwritten() throws {
        let distances = try CondensedDistances(count: 3) { $0[1] = 2 }
        #expect(distances[0, 2] == 2)
        #expect(distances[0, 1].isNaN && distances[1, 2].isNaN)
        #expect(distances.firstUnusablePair().map { [$0.0, $0.1] } == [0, 1])
    }

    @Test("Points with undefined pairs are left out, the worst first, until none is left")
    func leftOut() throws {
        // 5 has no pair with 0, 1, 2; 3 and 4 have none with each other.
        let distances = try CondensedDistances(count: 6) { i, j in
            (j == 5 && i <= 2) || (i == 3 && j == 4) ? .nan : Double(i + j)
        }
        let (kept, leftOut) = distances.complete()
        #expect(kept == [0, 1, 2, 3] && leftOut == [4, 5])
        let subset = try distances.subset(kept)
        #expect(subset.firstUnusablePair() == nil)
        #expect(subset[1, 3] == 4 && subset[0, 2] == 2)
    }

    @Test("Core distances are the k-th nearest other point's, and infinite where there are too few")
    func core() throws {
        let points = scatter(40, seed: 21)
        let distances = try condensed(points)
        for k in [1, 4, 39, 60] {
            let expected = points.indices.map { i in
                points.indices.filter { $0 != i }.map { distance(points[i], points[$0]) }.sorted()[min(k, 39) - 1]
            }
            #expect(distances.coreDistances(minSamples: k) == expected)
        }
        let sparse = try CondensedDistances(count: 4) { $1 == 3 ? .nan : Double($0 + $1) }
        #expect(sparse.coreDistances(minSamples: 2) == [2, 3, 3, .infinity])
    }

    @Test("Named distances follow their formulas, stay at 0 when rounding brings r above 1, and lead back to r")
    func named() {
        for r in [-1, -0.3, 0, 0.5, 0.999] {
            #expect(CorrelationDistance.euclidean(r) == (2 * (1 - r)).squareRoot())
            #expect(CorrelationDistance.halved(r) == ((1 - r) / 2).squareRoot())
            #expect(CorrelationDistance.oneMinus(r) == 1 - r)
            for kind in CorrelationDistance.allCases { #expect((kind.correlation(kind(r)) - r).magnitude < 1e-15) }
        }
        for kind in CorrelationDistance.allCases {
            #expect(kind(1.0000000001) == 0)
            #expect(kind(.nan).isNaN)
        }
    }

    @Test("Distances of points in space are Euclidean, and the smallest and largest eigenvalues are those of the Gram matrix")
    func euclidean() throws {
        let points = scatter(30, dimensions: 4, seed: 5)
        let check = try EuclideanCheck(condensed(points))
        let exact = eigenvalues(gram(points.map { a in points.map { distance(a, $0) } }))
        #expect(check.isEuclidean && check.additiveConstant == 0)
        #expect((check.largest - exact[29]).magnitude <= 1e-9 * exact[29])
        #expect((check.smallest - exact[0]).magnitude <= 1e-9 * exact[29])
    }

    @Test("Distances that no points can have are recognised, and the constant that repairs them is right")
    func notEuclidean() throws {
        // A centre at 1 from each of five points that are 2 from each other.
        let star = (0..<6).map { i in (0..<6).map { j in i == j ? 0 : i == 0 || j == 0 ? 1.0 : 2.0 } }
        let check = try EuclideanCheck(CondensedDistances(count: 6) { star[$0][$1] })
        let exact = eigenvalues(gram(star))
        #expect(!check.isEuclidean)
        #expect((check.smallest - exact[0]).magnitude <= 1e-12)
        let repaired = star.indices.map { i in
            star.indices.map { i == $0 ? 0 : (star[i][$0] * star[i][$0] + check.additiveConstant).squareRoot() }
        }
        #expect(eigenvalues(gram(repaired))[0] >= -1e-12)
        #expect(try EuclideanCheck(CondensedDistances(count: 6) { repaired[$0][$1] }).isEuclidean)
    }
}

/// -1/2 J D^2 J.
private func gram(_ distances: [[Double]]) -> [[Double]] {
    let n = Double(distances.count)
    let squared = distances.map { $0.map { $0 * $0 } }
    let means = squared.map { $0.reduce(0, +) / n }
    let mean = means.reduce(0, +) / n
    return squared.indices.map { i in squared.indices.map { -0.5 * (squared[i][$0] - means[i] - means[$0] + mean) } }
}

/// All eigenvalues of a symmetric matrix by Jacobi's rotations, ascending.
private func eigenvalues(_ matrix: [[Double]]) -> [Double] {
    var a = matrix
    for _ in 0..<60 {
        for p in a.indices {
            for q in a.indices.dropFirst(p + 1) where a[p][q].magnitude > 1e-300 {
                let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
                let t = (theta < 0 ? -1.0 : 1.0) / (theta.magnitude + (theta * theta + 1).squareRoot())
                let c = 1 / (t * t + 1).squareRoot()
                let s = t * c
                for k in a.indices { (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]) }
                for k in a.indices { (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]) }
            }
        }
    }
    return a.indices.map { a[$0][$0] }.sorted()
}
