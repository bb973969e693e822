/// A pair of points with its distance.
package struct SpanningEdge: Equatable, Sendable {
    package var a: Int
    package var b: Int
    package var weight: Double

    package init(a: Int, b: Int, weight: Double) {
        self.a = a
        self.b = b
        self.weight = weight
    }

    /// The order that decides between edges everywhere: by weight, then by the smaller point, then by the larger one. No two
    /// different edges are equal in it, which makes the minimum spanning tree unique, however it is found.
    package static func precedes(_ x: SpanningEdge, _ y: SpanningEdge) -> Bool {
        if x.weight != y.weight { return x.weight < y.weight }
        return (min(x.a, x.b), max(x.a, x.b)) < (min(y.a, y.b), max(y.a, y.b))
    }
}
