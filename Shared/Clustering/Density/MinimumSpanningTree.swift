/// Minimum spanning trees, or forests where points are not connected.
package enum MinimumSpanningTree {
    /// The forest of given edges (Kruskal 1956), nearest first; ties as `SpanningEdge.precedes` decides them.
    ///
    /// Edges with an undefined or infinite weight are no edges.
    package static func kruskal(pointCount: Int, _ edges: [SpanningEdge]) -> [SpanningEdge] {
        var sets = UnionFind(count: pointCount)
        var tree: [SpanningEdge] = []
        for edge in edges.filter({ $0.weight < .infinity }).sorted(by: SpanningEdge.precedes) {
            guard sets.find(edge.a) != sets.find(edge.b) else { continue }
            sets.union(edge.a, edge.b)
            tree.append(edge)
        }
        return tree
    }

    /// The tree of all pairs (Prim 1957), in the order in which it is walked from point 0; each edge leads from a point
    /// already reached (`a`) to a new one (`b`). Of equally near points the first is reached first.
    ///
    /// - Parameter coreDistances: when given, the distance of a pair is its mutual reachability,
    ///   max(core distance of a, core distance of b, distance). This is the tree that HDBSCAN wants, in the order that the
    ///   hdbscan package finds it in.
    /// - Returns: one edge fewer than points; a point that no defined pair connects comes at an infinite weight.
    package static func prim(_ distances: CondensedDistances, coreDistances: [Double]? = nil) -> [SpanningEdge] {
        let count = distances.count
        precondition(coreDistances.map { $0.count == count } ?? true)
        let core = coreDistances ?? [Double](repeating: 0, count: count)
        var walk = DenseWalk(count: count)
        withExtendedLifetime(distances) {
            core.withUnsafeBufferPointer { core in
                for _ in 1..<max(count, 1) { walk.advance(distances.values, core) }
            }
        }
        return walk.edges
    }

    /// As `prim`, with each edge leading from the point reached just before, as SciPy's single linkage has them.
    static func visitingOrder(_ distances: CondensedDistances) -> [SpanningEdge] {
        var last = 0
        return prim(distances).map { edge in
            defer { last = edge.b }
            return SpanningEdge(a: last, b: edge.b, weight: edge.weight)
        }
    }
}

/// A walk that always goes on to the nearest point not yet reached.
private struct DenseWalk {
    private(set) var edges: [SpanningEdge] = []
    private let count: Int
    private var current = 0
    /// Points not yet reached, ascending, each with its distance from the nearest one reached and that one.
    private var unreached: [Int32]
    private var distance: [Double]
    private var source: [Int32]
    /// Place of the pair (i, j), i < j, is `starts[i] + j`.
    private let starts: [Int]

    init(count: Int) {
        self.count = count
        unreached = (1..<Int32(max(count, 1))).map { $0 }
        distance = [Double](repeating: .infinity, count: unreached.count)
        source = [Int32](repeating: 0, count: unreached.count)
        starts = (0..<count).map { $0 * (2 * count - $0 - 1) / 2 - $0 - 1 }
    }

    /// Looks at all open points from the current one, goes on to the nearest and takes it off the list.
    mutating func advance(_ values: UnsafeBufferPointer<Double>, _ core: UnsafeBufferPointer<Double>) {
        let x = current
        let (ownCore, ownStart) = (core[x], starts[x])
        var nearest = 0
        unreached.withUnsafeBufferPointer { unreached in
            distance.withUnsafeMutableBufferPointer { distance in
                source.withUnsafeMutableBufferPointer { source in
                    starts.withUnsafeBufferPointer { starts in
                        var smallest = Double.infinity
                        for place in 0..<unreached.count {
                            let j = Int(unreached[place])
                            // An undefined distance stays undefined and is never smaller.
                            var offered = values[j < x ? starts[j] + x : ownStart + j]
                            if ownCore > offered { offered = ownCore }
                            if core[j] > offered { offered = core[j] }
                            if offered < distance[place] {
                                distance[place] = offered
                                source[place] = Int32(x)
                            }
                            if distance[place] < smallest {
                                smallest = distance[place]
                                nearest = place
                            }
                        }
                    }
                }
            }
        }
        current = Int(unreached[nearest])
        edges.append(SpanningEdge(a: Int(source[nearest]), b: current, weight: distance[nearest]))
        unreached.remove(at: nearest)
        distance.remove(at: nearest)
        source.remove(at: nearest)
    }
}
