import ClusterModel

/// Complete, average and Ward linkage by following nearest neighbours until two are each other's (Benzécri 1982; Müllner,
/// "Modern hierarchical, agglomerative clustering algorithms", 2011): time in the square of the points.
enum NearestNeighbourChain {
    /// The pairs joined, in the order in which they were found; each names one point of either cluster.
    static func joins(_ distances: CondensedDistances, _ method: Linkage.Method) throws(GridError) -> [SpanningEdge] {
        let count = distances.count
        var chain = ChainState(try WorkingDistances(distances), count: count)
        var joins: [SpanningEdge] = []
        joins.reserveCapacity(count - 1)
        while joins.count < count - 1 {
            joins.append(chain.joinNext(method))
            if chain.isSparse { chain.compact() }
        }
        return joins
    }
}

private struct ChainState: ~Copyable {
    private var distances: WorkingDistances
    /// Points per cluster, by its place.
    private var sizes: [Double]
    /// Places, each the nearest neighbour of the one before.
    private var chain: [Int] = []
    private var left: Int

    init(_ distances: consuming WorkingDistances, count: Int) {
        self.distances = distances
        sizes = [Double](repeating: 1, count: count)
        left = count
    }

    /// Whether so many clusters are gone that reading around them costs more than moving the others together.
    var isSparse: Bool { left > 1 && left * 4 <= distances.places * 3 }

    mutating func joinNext(_ method: Linkage.Method) -> SpanningEdge {
        if chain.isEmpty { chain.append(firstCluster()) }
        while true {
            let x = chain[chain.count - 1]
            var y = -1
            var smallest = Double.infinity
            if chain.count > 1 {
                // The one before wins ties, so that the chain cannot run in circles.
                y = chain[chain.count - 2]
                smallest = distances.row(x)[y]
            }
            if let nearer = distances.nearest(to: x, below: smallest) { (y, smallest) = nearer }
            if chain.count > 1, y == chain[chain.count - 2] {
                chain.removeLast(2)
                return join(min(x, y), max(x, y), at: smallest, method)
            }
            chain.append(y)
        }
    }

    private func firstCluster() -> Int {
        var place = 0
        while distances.isJoined(place) { place += 1 }
        return place
    }

    /// The cluster at `y` becomes the union, the one at `x` is gone.
    private mutating func join(_ x: Int, _ y: Int, at height: Double, _ method: Linkage.Method) -> SpanningEdge {
        distances.join(x)
        left -= 1
        let places = distances.places
        let (from, to) = (distances.row(x), distances.row(y))
        let (nx, ny) = (sizes[x], sizes[y])
        switch method {
        case .average: LanceWilliams.average(from, to, places, nx, ny)
        case .ward: sizes.withUnsafeBufferPointer { LanceWilliams.ward(from, to, places, height, nx, ny, $0) }
        case .complete, .single: LanceWilliams.complete(from, to, places)
        }
        to[y] = .infinity
        let stride = distances.stride
        let column = distances.row(0) + y
        for place in 0..<places where !distances.isJoined(place) { column[place * stride] = to[place] }
        sizes[y] = nx + ny
        return SpanningEdge(a: Int(distances.clusters[x]), b: Int(distances.clusters[y]), weight: height)
    }

    mutating func compact() {
        var place = [Int](repeating: -1, count: distances.places)
        var kept = 0
        for old in 0..<distances.places where !distances.isJoined(old) {
            place[old] = kept
            sizes[kept] = sizes[old]
            kept += 1
        }
        for index in chain.indices { chain[index] = place[chain[index]] }
        distances.compact()
    }
}

/// The distance of the union of x and y from every other cluster, from theirs (Lance and Williams 1967); the order of the
/// operations is SciPy's, so that the bits are.
private enum LanceWilliams {
    static func complete(_ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ places: Int) {
        for i in 0..<places { y[i] = x[i] > y[i] ? x[i] : y[i] }
    }

    /// (nx d(x, i) + ny d(y, i)) / (nx + ny)
    static func average(
        _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ places: Int, _ nx: Double, _ ny: Double
    ) {
        let n = nx + ny
        for i in 0..<places { y[i] = (nx * x[i] + ny * y[i]) / n }
    }

    /// sqrt(((ni + nx) d(x, i)^2 + (ni + ny) d(y, i)^2 - ni d(x, y)^2) / (nx + ny + ni)).
    ///
    /// Never the root of a negative number for clusters still to be joined, Euclidean or not: x and y being each other's
    /// nearest, d(x, y) is the smallest of the three.
    static func ward(
        _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ places: Int, _ height: Double, _ nx: Double,
        _ ny: Double, _ sizes: UnsafeBufferPointer<Double>
    ) {
        for i in 0..<places {
            let ni = sizes[i]
            let t = 1 / (nx + ny + ni)
            let (dx, dy) = (x[i], y[i])
            let squared = (ni + nx) * t * dx * dx + (ni + ny) * t * dy * dy - ni * t * height * height
            y[i] = squared.squareRoot()
        }
    }
}
