import ClusterModel

/// Which alphas to keep: those that together weigh most while no two of them conflict.
///
/// Finding the best set is hard in general. Groups of alphas that conflicts connect are solved one by one: small ones exactly,
/// others by taking alphas greedily and then exchanging while that helps: one in, out what it conflicts with, and in again what
/// that makes room for. On random conflicts among 30 to 60 alphas that comes to 99 % of the best on average, 88 % at worst. The
/// same input gives the same set; ties go to the smaller index.
package struct KeepSet: Equatable, Sendable {
    /// Why an alpha is not in the set.
    package enum Rejection: Equatable, Sendable {
        /// It conflicts with this chosen one: of several, the one with the largest correlation.
        case blocked(by: Int, correlation: Double)
        /// Nothing stands in its way but the number to keep.
        case limit
        /// Its weight is not above 0.
        case weight
    }

    /// Ascending.
    package let chosen: [Int]
    /// Sum of the weights of those chosen.
    package let weight: Double
    /// Whether no other set weighs more, having tried them all.
    package let isExact: Bool
    /// Per alpha why it was left out; nil for those chosen.
    package let rejections: [Rejection?]

    /// - Parameters:
    ///   - weights: of every alpha, finite; an alpha with a weight of 0 or below is never kept.
    ///   - limit: how many to keep at most; nil for as many as fit together.
    ///   - exactMax: try all sets of a group of at most so many alphas; 64 at most. When the limit is what decides, the
    ///     groups compete, and all alphas are one group.
    /// - Throws: `GridError` when the weights do not fit the graph or the limit is below 1.
    package init(_ graph: ConflictGraph, weights: [Double], limit: Int? = nil, exactMax: Int = 64) throws(GridError) {
        guard weights.count == graph.count else {
            throw GridError(.failed, "\(weights.count) weights were given for \(graph.count) alphas")
        }
        if let place = weights.firstIndex(where: { !$0.isFinite }) {
            throw GridError(.usage, "the weight of alpha \(place) is \(weights[place]): expected a finite number")
        }
        if let limit, limit < 1 { throw GridError(.usage, "the number of alphas to keep is \(limit): expected at least 1") }
        let candidates = weights.indices.filter { weights[$0] > 0 }
        var search = KeepSearch(graph, weights, exactMax: min(64, exactMax))
        var (best, isExact) = search.groups(candidates)
        if let limit, best.count > limit { (best, isExact) = search.group(candidates, room: limit) }
        chosen = best
        weight = best.reduce(0) { $0 + weights[$1] }
        self.isExact = isExact
        rejections = Self.rejections(graph, weights, best)
    }

    private static func rejections(_ graph: ConflictGraph, _ weights: [Double], _ chosen: [Int]) -> [Rejection?] {
        var isChosen = [Bool](repeating: false, count: graph.count)
        for alpha in chosen { isChosen[alpha] = true }
        return (0..<graph.count).map { alpha in
            if isChosen[alpha] { return nil }
            var worst: (by: Int, r: Double)?
            for (partner, r) in zip(graph.partners(of: alpha), graph.correlations(of: alpha)) where isChosen[Int(partner)] {
                if worst.map({ r > $0.r }) ?? true { worst = (Int(partner), r) }
            }
            if let worst { return .blocked(by: worst.by, correlation: worst.r) }
            return weights[alpha] > 0 ? .limit : .weight
        }
    }

    /// The most correlated pair inside the set; nil when no pair of it is defined.
    ///
    /// - Parameter correlation: of two alphas, smaller index first; nil where undefined.
    package func worstPair(_ correlation: (Int, Int) -> Double?) -> ConflictEdge? {
        var worst: ConflictEdge?
        for (place, a) in chosen.enumerated() {
            for b in chosen[(place + 1)...] {
                guard let r = correlation(a, b) else { continue }
                if worst.map({ r > $0.correlation }) ?? true { worst = ConflictEdge(a: a, b: b, correlation: r) }
            }
        }
        return worst
    }
}

private struct KeepSearch {
    let graph: ConflictGraph
    let weights: [Double]
    let exactMax: Int
    /// Shared by all groups, so that many hard ones do not take many times as long.
    private var branchesLeft = ExactSearch.branchesMax
    private var places: [Int32]

    init(_ graph: ConflictGraph, _ weights: [Double], exactMax: Int) {
        self.graph = graph
        self.weights = weights
        self.exactMax = exactMax
        places = [Int32](repeating: -1, count: graph.count)
    }

    mutating func groups(_ candidates: [Int]) -> (chosen: [Int], isExact: Bool) {
        var sets = UnionFind(count: graph.count)
        for alpha in candidates {
            for partner in graph.partners(of: alpha) where weights[Int(partner)] > 0 { sets.union(alpha, Int(partner)) }
        }
        let names = sets.labels()
        var members = [[Int]](repeating: [], count: graph.count)
        for alpha in candidates { members[Int(names[alpha])].append(alpha) }
        var (chosen, isExact): ([Int], Bool) = ([], true)
        for group in members where !group.isEmpty {
            let best = self.group(group, room: group.count)
            chosen += best.chosen
            isExact = isExact && best.isExact
        }
        return (chosen.sorted(), isExact)
    }

    /// - Parameter members: ascending, weights above 0.
    mutating func group(_ members: [Int], room: Int) -> (chosen: [Int], isExact: Bool) {
        if members.count == 1 { return (members, true) }
        let part = graph.among(members, places: &places)
        let weights = members.map { self.weights[$0] }
        var best = SwapSearch.best(part, weights, room)
        var isExact = false
        if members.count <= exactMax,
            let exact = ExactSearch.best(part, weights, room, atLeast: best, branches: &branchesLeft)
        {
            (best, isExact) = (exact, true)
        }
        return (best.map { members[$0] }, isExact)
    }
}
