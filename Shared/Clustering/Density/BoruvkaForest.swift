import ClusterModel

/// The minimum spanning tree grown in rounds (Borůvka 1926): each component takes the shortest edge that leaves it.
///
/// Finding those edges is a pass over all pairs and the caller's; this decides between them and says the new components. With
/// n points there are at most log2(n) rounds. The tree is the unique minimum one in the order of `SpanningEdge.precedes` as
/// long as each candidate is the first in that order among the point's edges to other components: the shortest, and of equally
/// short ones that to the smallest point.
package struct BoruvkaForest: Sendable {
    package let pointCount: Int
    /// For every point the smallest point of its component.
    package private(set) var labels: [Int32]
    /// Edges found so far.
    package private(set) var edges: [SpanningEdge] = []
    /// True after a round in which no component found an edge, or when everything is connected.
    package private(set) var isFinished: Bool
    private var sets: UnionFind

    package init(pointCount: Int) {
        self.pointCount = pointCount
        sets = UnionFind(count: pointCount)
        labels = (0..<Int32(pointCount)).map { $0 }
        isFinished = pointCount <= 1
    }

    package var componentCount: Int { sets.setCount }

    /// Ends a round.
    ///
    /// - Parameter partners: for every point, the point of another component that its shortest leaving edge leads to; negative
    ///   where it has none.
    /// - Parameter distances: the lengths of those edges; an infinite or undefined one is no edge.
    /// - Returns: how many edges were added.
    /// - Throws: `GridError` when a candidate does not leave its component.
    @discardableResult
    package mutating func endRound(partners: [Int32], distances: [Double]) throws(GridError) -> Int {
        guard partners.count == pointCount, distances.count == pointCount else {
            throw GridError(
                .failed, "a round of the spanning tree has \(partners.count) candidates: expected one for each of \(pointCount)")
        }
        var best = [SpanningEdge?](repeating: nil, count: pointCount)
        for point in 0..<pointCount where partners[point] >= 0 && distances[point] < .infinity {
            let partner = Int(partners[point])
            guard partner < pointCount, labels[partner] != labels[point] else {
                throw GridError(.failed, "the candidate of alpha \(point) leads to \(partner), which is no other component's")
            }
            let edge = SpanningEdge(a: min(point, partner), b: max(point, partner), weight: distances[point])
            let component = Int(labels[point])
            if best[component].map({ SpanningEdge.precedes(edge, $0) }) ?? true { best[component] = edge }
        }
        let before = edges.count
        for edge in best.compactMap({ $0 }).sorted(by: SpanningEdge.precedes) where sets.find(edge.a) != sets.find(edge.b) {
            sets.union(edge.a, edge.b)
            edges.append(edge)
        }
        labels = sets.labels()
        isFinished = edges.count == before || componentCount == 1
        return edges.count - before
    }

    /// The edges of the tree, or forest, found; nearest first.
    package var sortedEdges: [SpanningEdge] { edges.sorted(by: SpanningEdge.precedes) }
}

extension BoruvkaForest {
    /// The better of two candidates of one point, for whoever looks for them in several places.
    ///
    /// - Returns: whether an edge of length `distance` to `partner` goes before one of length `best` to `bestPartner`.
    package static func isBetter(
        _ distance: Double, to partner: Int32, than best: Double, to bestPartner: Int32
    ) -> Bool {
        distance < best || (distance == best && distance < .infinity && (bestPartner < 0 || partner < bestPartner))
    }
}

extension Linkage {
    /// Single linkage from the minimum spanning tree: the rows SciPy gives for the distances the tree is of.
    ///
    /// - Parameter tree: a tree or forest; the parts of a forest are joined at an infinite height.
    package init(pointCount: Int, tree: [SpanningEdge]) {
        self.init(pointCount: pointCount, joins: MinimumSpanningTree.walk(pointCount: pointCount, tree))
    }
}
