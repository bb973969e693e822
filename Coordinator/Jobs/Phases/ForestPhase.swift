import ClusterModel
import Clustering

/// The minimum spanning forest of all pairs that are defined, by Borůvka's rounds.
///
/// The likeness of a pair is `min(r, core of one, core of the other)`: with cores, what is spanned is the mutual
/// reachability that HDBSCAN clusters by (Campello, Moulavi, Sander 2013); without, r itself. Pairs are ordered by likeness,
/// then by the smaller and the larger of their points, so that the forest is unique.
///
/// A component's best edge out is known from the neighbour lists alone when no pair that is not listed could be better;
/// those cost nothing. When no component's is, all pairs are looked at once more, which joins every component to another.
final class ForestPhase: JobPhase {
    private let plan: CorrelationPlan
    private let neighbours: AlphaNeighbours
    private let cores: [Double]
    /// Weighs edges by -likeness: a distance would round some that differ to the same.
    private var forest: BoruvkaForest
    private var pass: NearestOutside?
    private var passesDone = 0

    /// - Parameters:
    ///   - neighbours: exact lists.
    ///   - cores: by point, in terms of r; infinite where r alone counts, -infinity for points that reach nobody.
    init(plan: CorrelationPlan, neighbours: AlphaNeighbours, cores: [Double]) {
        self.plan = plan
        self.neighbours = neighbours
        self.cores = cores
        forest = BoruvkaForest(pointCount: neighbours.count)
    }

    func next() throws -> JobStage? {
        if let found = pass?.found { try join(found) }
        pass = nil
        while !forest.isFinished, try joinByLists() {}
        guard !forest.isFinished else { return nil }
        passesDone += 1
        let next = NearestOutside(
            plan: plan, name: "spanning tree \(passesDone)", components: forest.labels.map { UInt32(bitPattern: $0) },
            cores: cores)
        pass = next
        return next.stage.stage
    }

    /// The forest with the weights as distances; the ends of the edges are points.
    func edges(_ distance: CorrelationDistance) -> [SpanningEdge] {
        forest.sortedEdges.map { SpanningEdge(a: $0.a, b: $0.b, weight: distance(-$0.weight)) }
    }

    func merge(task index: Int, partial: Payload) throws(GridError) {
        try pass?.merge(task: index, partial: partial)
    }

    // MARK: Rounds

    /// Ends a round with the best edge of every point after a pass over all pairs.
    private func join(_ found: PairPartial.Nearest) throws(GridError) {
        try forest.endRound(
            partners: found.rank.map { Int32(truncatingIfNeeded: $0) }, distances: found.likeness.map { -$0 })
    }

    /// Ends a round with the edges of those components whose best one the lists prove.
    ///
    /// - Returns: whether there were any.
    private func joinByLists() throws(GridError) -> Bool {
        let count = neighbours.count
        var partners = [Int32](repeating: -1, count: count)
        var likeness = [Double](repeating: -.infinity, count: count)
        var best = likeness
        var unlisted = likeness
        for point in 0..<count {
            let component = forest.labels[point]
            for neighbour in neighbours[point] where forest.labels[Int(neighbour.rank)] != component {
                let other = Int(neighbour.rank)
                let alike = min(neighbour.r, cores[point], cores[other])
                guard BoruvkaForest.isBetter(-alike, to: Int32(other), than: -likeness[point], to: partners[point]) else {
                    continue
                }
                (likeness[point], partners[point]) = (alike, Int32(other))
            }
            best[Int(component)] = max(best[Int(component)], likeness[point])
            unlisted[Int(component)] = max(unlisted[Int(component)], min(cores[point], neighbours.unlistedBound(point)))
        }
        // What is only as good as an unlisted pair may lose the tie against it.
        for point in 0..<count where !(best[Int(forest.labels[point])] > unlisted[Int(forest.labels[point])]) {
            partners[point] = -1
        }
        guard partners.contains(where: { $0 >= 0 }) else { return false }
        return try forest.endRound(partners: partners, distances: likeness.map { -$0 }) > 0
    }
}
