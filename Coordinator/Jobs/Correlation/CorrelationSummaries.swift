import ClusterModel
import Dispatch
import Panel

/// The merged state of a correlation job: one summary per alpha, by layout position.
///
/// Merging is addition of integers, comparison with a tie rule, and appending to multisets; so any order gives the
/// same answer to the bit.
struct CorrelationSummaries: Sendable {
    /// Nearest neighbours found so far, nearest first.
    private(set) var most: NeighbourLists
    private(set) var least: NeighbourLists
    private(set) var sum: [Int64]
    private(set) var count: [Int]
    /// Up to date once brackets have been narrowed or medians asked for.
    private(set) var searches: [MedianSearch]
    private var arrived = ArrivedValues()
    /// Medians as they are, until something changes them.
    private var knownMedians: [MedianSearch.Outcome]?
    private(set) var twinPairs = 0
    /// Pairs beyond the threshold, in no particular order; nil once there were more than are kept.
    private(set) var edges: [CorrelationPartial.Edge]? = []

    /// Alphas that one step of parallel work takes.
    private static let alphasPerStep = 64

    init(alphaCount: Int, neighbours: Int, precision: Precision) {
        most = NeighbourLists(alphaCount: alphaCount, kept: neighbours, end: .most)
        least = NeighbourLists(alphaCount: alphaCount, kept: neighbours, end: .least)
        sum = Array(repeating: 0, count: alphaCount)
        count = Array(repeating: 0, count: alphaCount)
        searches = Array(repeating: MedianSearch(precision), count: alphaCount)
    }

    /// Summaries that were written down.
    init(
        most: NeighbourLists, least: NeighbourLists, sum: [Int64], count: [Int], searches: [MedianSearch], twinPairs: Int,
        edges: [CorrelationPartial.Edge]?
    ) {
        precondition([most.counts.count, least.counts.count, count.count, searches.count].allSatisfy { $0 == sum.count })
        (self.most, self.least, self.sum, self.count, self.searches) = (most, least, sum, count, searches)
        (self.twinPairs, self.edges) = (twinPairs, edges)
    }

    /// Makes room for alphas behind those that are there.
    mutating func append(alphaCount: Int, precision: Precision) {
        most.append(alphaCount: alphaCount)
        least.append(alphaCount: alphaCount)
        sum += Array(repeating: 0, count: alphaCount)
        count += Array(repeating: 0, count: alphaCount)
        searches += Array(repeating: MedianSearch(precision), count: alphaCount)
    }

    var alphaCount: Int { sum.count }

    /// What the next tiles have to return of each alpha's values.
    var wanted: WantedValues {
        WantedValues(low: searches.map(\.low), high: searches.map(\.high), mostFrom: most.bounds, leastTo: least.bounds)
    }

    /// Whether a partial leaves room for the truth: no alpha has more pairs than there are others, whatever came before.
    ///
    /// - Throws: `GridError(.usage)` when it does not.
    func check(_ partial: CorrelationPartial, of layout: PanelLayout, mode: CorrelationTask.Mode) throws(GridError) {
        for block in partial.blocks where mode == .full {
            let start = layout.shape.blockStarts[Int(block.index)]
            for slot in 0..<block.alphaCount where count[start + slot] + Int(block.count[slot]) >= layout.alphaCount {
                throw GridError(
                    .usage, "partials of block \(block.index) have more pairs of an alpha than there are other alphas")
            }
        }
    }

    /// Merges one block of a partial whose alphas begin at layout position `start`.
    mutating func merge(_ block: CorrelationPartial.Block, at start: Int, mode: CorrelationTask.Mode) {
        knownMedians = nil
        arrived.add(block.insideValues, counts: block.insideCount, at: start)
        guard mode == .full else { return }
        searches.withUnsafeMutableBufferPointer { searches in
            for slot in 0..<block.alphaCount { searches[start + slot].add(below: Int(block.below[slot])) }
        }
        most.merge(block.most, counts: block.mostCount, at: start)
        least.merge(block.least, counts: block.leastCount, at: start)
        for slot in 0..<block.alphaCount {
            sum[start + slot] += block.sum[slot]
            count[start + slot] += Int(block.count[slot])
        }
    }

    mutating func addTwinPairs(_ pairs: Int) { twinPairs += pairs }

    /// A part of the edges would answer no question, so too many are none.
    mutating func add(_ found: [CorrelationPartial.Edge], dropped: UInt64) {
        guard dropped == 0, let kept = edges?.count, kept + found.count <= Limits.edgesMax else {
            edges = nil
            return
        }
        edges?.append(contentsOf: found)
    }

    /// Narrows every alpha's bracket.
    ///
    /// - Parameters:
    ///   - fractionSeen: part of each alpha's pairs that has been merged, 0 ... 1.
    ///   - deviations: half width of the brackets in standard deviations of the sampling error.
    mutating func tighten(fractionSeen: [Double], deviations: Double) {
        knownMedians = nil
        narrow(fractionSeen: { fractionSeen[$0] }, deviations: deviations)
    }

    /// Every alpha's median, once all values have been merged.
    ///
    /// What is far from the median is not needed to name it, and is not kept.
    mutating func medians() -> [MedianSearch.Outcome] {
        if let knownMedians { return knownMedians }
        var outcomes = Array(repeating: MedianSearch.Outcome.undefined, count: alphaCount)
        outcomes.withUnsafeMutableBufferPointer { buffer in
            // Every alpha is written by one step only.
            nonisolated(unsafe) let outcomes = buffer
            narrow(fractionSeen: { _ in 1 }, deviations: 0) { outcomes[$0] = $1 }
        }
        knownMedians = outcomes
        return outcomes
    }

    /// Opens the bracket of an alpha on the side where its median was missed, and says which values to fetch.
    ///
    /// - Throws: `GridError(.failed)` when that side is open already.
    mutating func reopen(_ alpha: Int, _ miss: MedianSearch.Outcome) throws(GridError) -> (low: Double, high: Double) {
        knownMedians = nil
        return try searches[alpha].reopen(miss)
    }

    /// Between two stages the slots of a machine are idle, so all its cores take part.
    ///
    /// - Parameter tell: told each alpha's median, as far as it is known.
    private mutating func narrow(
        fractionSeen: @escaping @Sendable (_ alpha: Int) -> Double, deviations: Double,
        _ tell: (@Sendable (_ alpha: Int, MedianSearch.Outcome) -> Void)? = nil
    ) {
        let (count, arrived) = (count, arrived)
        self.arrived = ArrivedValues()
        searches.withUnsafeMutableBufferPointer { searches in
            let narrowing = BracketNarrowing(
                searches: searches, arrived: arrived, count: count, fractionSeen: fractionSeen, deviations: deviations,
                tell: tell)
            let (alphaCount, step, precision) = (searches.count, Self.alphasPerStep, searches.first?.inside.precision)
            DispatchQueue.concurrentPerform(iterations: (alphaCount + step - 1) / step) { index in
                let alphas = (index * step)..<min((index + 1) * step, alphaCount)
                switch precision {
                case .float64: narrowing.run(alphas, Double.self)
                case .float32: narrowing.run(alphas, Float.self)
                case nil: break
                }
            }
        }
    }
}
