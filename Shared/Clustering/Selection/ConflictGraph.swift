import ClusterModel

/// Two alphas with their correlation.
package struct ConflictEdge: Equatable, Sendable {
    package var a: Int
    package var b: Int
    package var correlation: Double

    package init(a: Int, b: Int, correlation: Double) {
        self.a = a
        self.b = b
        self.correlation = correlation
    }
}

/// Which alphas are too alike: pairs whose correlation reaches the threshold. An undefined pair is no conflict.
package struct ConflictGraph: Sendable {
    package let count: Int
    /// Signed: a pair conflicts when r >= threshold.
    package let threshold: Double
    private var starts: [Int]
    private var partners: [Int32]
    private var correlations: [Double]

    /// - Parameter edges: each pair once, in either direction and any order; those below the threshold are passed over.
    /// - Throws: `GridError` when an edge names an alpha that is not there, or a pair comes twice.
    package init(count: Int, threshold: Double, edges: [ConflictEdge]) throws(GridError) {
        self.count = count
        self.threshold = threshold
        starts = [Int](repeating: 0, count: count + 1)
        for edge in edges where edge.correlation >= threshold {
            guard edge.a != edge.b, edge.a >= 0, edge.a < count, edge.b >= 0, edge.b < count else {
                throw GridError(.failed, "the pair \(edge.a), \(edge.b) is none of \(count) alphas")
            }
            starts[edge.a + 1] += 1
            starts[edge.b + 1] += 1
        }
        for alpha in 0..<count { starts[alpha + 1] += starts[alpha] }
        partners = [Int32](repeating: 0, count: starts[count])
        correlations = [Double](repeating: 0, count: starts[count])
        var next = starts
        for edge in edges where edge.correlation >= threshold {
            for (from, to) in [(edge.a, edge.b), (edge.b, edge.a)] {
                partners[next[from]] = Int32(to)
                correlations[next[from]] = edge.correlation
                next[from] += 1
            }
        }
        try sort()
    }

    /// Brings everyone's partners into ascending order: telling each partner of 0, then each of 1, ... who it was.
    private mutating func sort() throws(GridError) {
        let (unsorted, values) = (partners, correlations)
        var next = starts
        for alpha in 0..<count {
            for place in starts[alpha]..<starts[alpha + 1] {
                let partner = Int(unsorted[place])
                let at = next[partner]
                if at > starts[partner], partners[at - 1] == Int32(alpha) {
                    throw GridError(.failed, "the pair \(alpha), \(partner) comes twice")
                }
                partners[at] = Int32(alpha)
                correlations[at] = values[place]
                next[partner] += 1
            }
        }
    }

    /// The conflicts among some alphas, which are numbered by their place among them.
    ///
    /// - Parameters:
    ///   - members: ascending.
    ///   - places: memory for one number per alpha, all negative; and so again afterwards.
    func among(_ members: [Int], places: inout [Int32]) -> ConflictGraph {
        for (place, alpha) in members.enumerated() { places[alpha] = Int32(place) }
        var part = ConflictGraph(empty: members.count, threshold: threshold)
        for (place, alpha) in members.enumerated() {
            for at in starts[alpha]..<starts[alpha + 1] where places[Int(partners[at])] >= 0 {
                part.partners.append(places[Int(partners[at])])
                part.correlations.append(correlations[at])
            }
            part.starts[place + 1] = part.partners.count
        }
        for alpha in members { places[alpha] = -1 }
        return part
    }

    private init(empty count: Int, threshold: Double) {
        self.count = count
        self.threshold = threshold
        starts = [Int](repeating: 0, count: count + 1)
        partners = []
        correlations = []
    }

    /// Conflicts of an alpha.
    package func degree(_ alpha: Int) -> Int { starts[alpha + 1] - starts[alpha] }

    /// Alphas it conflicts with, ascending.
    package func partners(of alpha: Int) -> ArraySlice<Int32> { partners[starts[alpha]..<starts[alpha + 1]] }

    /// Their correlations with it, in the same order.
    package func correlations(of alpha: Int) -> ArraySlice<Double> { correlations[starts[alpha]..<starts[alpha + 1]] }

    package func conflicts(_ a: Int, _ b: Int) -> Bool {
        let (few, other) = degree(a) <= degree(b) ? (a, b) : (b, a)
        let list = partners(of: few)
        var (low, high) = (list.startIndex, list.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < Int32(other) { low = middle + 1 } else { high = middle }
        }
        return low < list.endIndex && list[low] == Int32(other)
    }

    /// Alphas without a conflict, ascending: "unique" ones.
    ///
    /// - Parameter pairCounts: defined pairs of every alpha, where known; one without any is not called unique, nothing being
    ///   known of it.
    package func isolated(pairCounts: [Int]? = nil) -> [Int] {
        precondition(pairCounts.map { $0.count == count } ?? true)
        return (0..<count).filter { alpha in degree(alpha) == 0 && pairCounts.map { $0[alpha] > 0 } ?? true }
    }
}
