extension MinimumSpanningTree {
    /// The edges of a tree or forest in the order in which `prim` would have walked it from point 0, whoever found it; so that
    /// what is made of a tree does not depend on how it was found.
    ///
    /// The parts of a forest are walked one after the other, each from its smallest point, which comes at an infinite weight
    /// and as if from point 0.
    ///
    /// - Parameter edges: no cycles; of the same points, weights finite.
    package static func walk(pointCount: Int, _ edges: [SpanningEdge]) -> [SpanningEdge] {
        guard pointCount > 0 else { return [] }
        let neighbours = Adjacency(pointCount: pointCount, edges)
        var isReached = [Bool](repeating: false, count: pointCount)
        var walked: [SpanningEdge] = []
        walked.reserveCapacity(pointCount - 1)
        var frontier = SmallestFirst<Frontier>()
        for start in 0..<pointCount where !isReached[start] {
            if start > 0 { walked.append(SpanningEdge(a: 0, b: start, weight: .infinity)) }
            isReached[start] = true
            neighbours.forEach(of: start) { frontier.push(Frontier(edge: $0)) }
            while let edge = frontier.pop()?.edge {
                precondition(!isReached[edge.b], "the edges of a tree form no cycle")
                isReached[edge.b] = true
                walked.append(edge)
                neighbours.forEach(of: edge.b) { if !isReached[$0.b] { frontier.push(Frontier(edge: $0)) } }
            }
        }
        return walked
    }
}

/// The edges of every point, in flat arrays.
struct Adjacency {
    private var starts: [Int]
    private var partners: [Int32]
    private var weights: [Double]

    init(pointCount: Int, _ edges: [SpanningEdge]) {
        starts = [Int](repeating: 0, count: pointCount + 1)
        for edge in edges {
            starts[edge.a + 1] += 1
            starts[edge.b + 1] += 1
        }
        for point in 0..<pointCount { starts[point + 1] += starts[point] }
        partners = [Int32](repeating: 0, count: 2 * edges.count)
        weights = [Double](repeating: 0, count: 2 * edges.count)
        var next = starts
        for edge in edges {
            for (from, to) in [(edge.a, edge.b), (edge.b, edge.a)] {
                partners[next[from]] = Int32(to)
                weights[next[from]] = edge.weight
                next[from] += 1
            }
        }
    }

    func forEach(of point: Int, _ body: (SpanningEdge) -> Void) {
        for at in starts[point]..<starts[point + 1] {
            body(SpanningEdge(a: point, b: Int(partners[at]), weight: weights[at]))
        }
    }
}

/// An edge to a point not yet reached: the nearest comes first, and of equally near ones the first point.
private struct Frontier: Comparable {
    let edge: SpanningEdge

    static func < (x: Frontier, y: Frontier) -> Bool { (x.edge.weight, x.edge.b) < (y.edge.weight, y.edge.b) }
}
