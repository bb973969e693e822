/// Which points are connected; by size and with halved paths, so that finding is as good as constant.
package struct UnionFind: Sendable {
    private var parent: [Int32]
    private var sizes: [Int32]
    /// Sets left.
    package private(set) var setCount: Int

    package init(count: Int) {
        parent = (0..<Int32(count)).map { $0 }
        sizes = [Int32](repeating: 1, count: count)
        setCount = count
    }

    package var count: Int { parent.count }

    /// The point that stands for the set of `point`.
    package mutating func find(_ point: Int) -> Int {
        var at = Int32(point)
        while parent[Int(at)] != at {
            parent[Int(at)] = parent[Int(parent[Int(at)])]
            at = parent[Int(at)]
        }
        return Int(at)
    }

    /// Joins the sets of two points; of equally large ones, the smaller representative stays.
    ///
    /// - Returns: the representative of the union.
    @discardableResult
    package mutating func union(_ a: Int, _ b: Int) -> Int {
        let (a, b) = (find(a), find(b))
        if a == b { return a }
        let keepsA = sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a < b
        let (kept, gone) = keepsA ? (a, b) : (b, a)
        parent[gone] = Int32(kept)
        sizes[kept] += sizes[gone]
        setCount -= 1
        return kept
    }

    /// Points in the set of `point`.
    package mutating func size(of point: Int) -> Int { Int(sizes[find(point)]) }

    /// For every point the smallest point of its set.
    package mutating func labels() -> [Int32] {
        var smallest = [Int32](repeating: -1, count: count)
        return (0..<count).map { point in
            let root = find(point)
            if smallest[root] < 0 { smallest[root] = Int32(point) }
            return smallest[root]
        }
    }
}
