import ClusterModel
import Crypto

/// The finished summaries of a correlation job, by layout position, with the digest of their bits.
package struct CorrelationOutcome: Sendable {
    /// Summary of one alpha; alphas are named by the bytewise rank of their id.
    package struct Summary: Sendable {
        package var minimum: Double
        package var maximum: Double
        package var average: Double
        package var median: Double
        package var pairCount: Int
        package var mostCorrelated: Int
        package var mostCorrelatedDays: Int
        package var leastCorrelated: Int
    }

    /// nil where no pair is defined.
    package let summaries: [Summary?]
    /// Pairs that the two-pass twin decided.
    package let twinPairs: Int
    private let ranks: [UInt32]
    private let most: NeighbourLists
    private let least: NeighbourLists
    /// Pairs beyond the threshold by the ranks of their ids, ascending; nil when there were more than `Limits.edgesMax`.
    private let edges: [CorrelationPartial.Edge]?

    init(layout: PanelLayout, summaries state: inout CorrelationSummaries) {
        ranks = layout.ranks
        twinPairs = state.twinPairs
        most = state.most
        least = state.least
        edges = state.edges?.map { edge in
            edge.rankA < edge.rankB
                ? edge : CorrelationPartial.Edge(r: edge.r, rankA: edge.rankB, rankB: edge.rankA, days: edge.days)
        }.sorted { ($0.rankA, $0.rankB) < ($1.rankA, $1.rankB) }
        summaries = state.medians().enumerated().map { alpha, outcome in
            guard case .value(let median) = outcome, let most = state.most[alpha].first, let least = state.least[alpha].first
            else { return nil }
            let average = Double(state.sum[alpha]) / CorrelationPartial.sumScale / Double(state.count[alpha])
            return Summary(
                minimum: least.r, maximum: most.r, average: average + 0, median: median + 0, pairCount: state.count[alpha],
                mostCorrelated: Int(most.rank), mostCorrelatedDays: Int(most.days), leastCorrelated: Int(least.rank))
        }
    }

    /// Rows in layout order.
    ///
    /// - Parameter alphaIDs: ids by layout position.
    package func rows(alphaIDs: [String]) -> [CorrelationRow] {
        let byRank = idsByRank(alphaIDs)
        return zip(alphaIDs, summaries).map { id, summary in
            guard let summary else { return CorrelationRow(alphaID: id) }
            // |max| and |min| compete for the largest |r|; a tie goes to the bytewise smaller id, like every other.
            let (high, low) = (abs(summary.maximum), abs(summary.minimum))
            let isHigh = high > low || (high == low && summary.mostCorrelated <= summary.leastCorrelated)
            return CorrelationRow(
                alphaID: id, min: summary.minimum, max: summary.maximum, avg: summary.average, median: summary.median,
                pairCount: summary.pairCount, mostCorrelatedAlphaID: byRank[summary.mostCorrelated],
                mostCorrelatedDays: summary.mostCorrelatedDays, leastCorrelatedAlphaID: byRank[summary.leastCorrelated],
                maxAbsCorrelation: isHigh ? high : low,
                maxAbsAlphaID: byRank[isHigh ? summary.mostCorrelated : summary.leastCorrelated])
        }
    }

    /// The nearest neighbours of every alpha, alpha after alpha in layout order; made while they are gone through, since all
    /// at once they would take several times the memory of what they are made of.
    ///
    /// - Parameters:
    ///   - alphaIDs: ids by layout position.
    ///   - kinds: by largest r, by smallest r, or by largest |r|; the last is chosen among both others.
    package func neighbours(alphaIDs: [String], kinds: [CorrelationNeighbour.Kind]) -> Neighbours {
        Neighbours(alphaIDs: alphaIDs, byRank: idsByRank(alphaIDs), kinds: kinds, outcome: self)
    }

    /// A type of its own, because going through nested sequences of the standard library takes ten times as long where the
    /// compiler does not see which they are.
    package struct Neighbours: Sequence, Sendable {
        fileprivate let alphaIDs: [String]
        fileprivate let byRank: [String]
        fileprivate let kinds: [CorrelationNeighbour.Kind]
        fileprivate let outcome: CorrelationOutcome

        package func makeIterator() -> Iterator { Iterator(all: self) }

        package struct Iterator: IteratorProtocol {
            fileprivate let all: Neighbours
            /// Of the next list: how many came before it.
            private var listsDone = 0
            private var list: [CorrelationPartial.Neighbour] = []
            private var place = 0

            fileprivate init(all: Neighbours) { self.all = all }

            package mutating func next() -> CorrelationNeighbour? {
                while place == list.count {
                    guard listsDone < all.alphaIDs.count * all.kinds.count else { return nil }
                    list = all.outcome.nearest(listsDone / all.kinds.count, all.kinds[listsDone % all.kinds.count])
                    (listsDone, place) = (listsDone + 1, 0)
                }
                let (list, neighbour) = (listsDone - 1, list[place])
                place += 1
                return CorrelationNeighbour(
                    alphaID: all.alphaIDs[list / all.kinds.count], kind: all.kinds[list % all.kinds.count], rank: place,
                    neighbourID: all.byRank[Int(neighbour.rank)], correlation: neighbour.r, days: Int(neighbour.days))
            }
        }
    }

    /// SHA-256 in hexadecimal of everything that decides the neighbours of all kinds, layout included: equal ones say that
    /// neighbours are the same, different ones do not say that they differ.
    package func neighboursDigest(alphaIDs: [String]) -> String {
        var sha = SHA256()
        var writer = ByteWriter()
        writer.write("alphagrid-neighbours-1")
        writer.write(UInt64(alphaIDs.count))
        for id in alphaIDs { writer.write(id) }
        writer.writeArray(ranks)
        for lists in [most, least] {
            writer.write(UInt64(lists.kept))
            writer.writeArray(lists.counts)
            sha.update(data: writer.bytes)
            writer = ByteWriter()
            writer.writeArray(lists.lists.map(\.r))
            writer.writeArray(lists.lists.map(\.rank))
            writer.writeArray(lists.lists.map(\.days))
        }
        sha.update(data: writer.bytes)
        return BlockHash(bytes: Array(sha.finalize())).description
    }

    private func nearest(_ alpha: Int, _ kind: CorrelationNeighbour.Kind) -> [CorrelationPartial.Neighbour] {
        switch kind {
        case .most: return Array(most[alpha])
        case .least: return Array(least[alpha])
        case .absolute:
            // With few partners a pair is in both lists.
            let known = Set(most[alpha].map(\.rank))
            let both = most[alpha] + least[alpha].filter { !known.contains($0.rank) }
            return Array(both.sorted { (-abs($0.r), $0.rank) < (-abs($1.r), $1.rank) }.prefix(most.kept))
        }
    }

    /// Pairs beyond the threshold, the bytewise smaller id first, in bytewise order; nil when there were more than
    /// `Limits.edgesMax`.
    package func edges(alphaIDs: [String]) -> [CorrelationEdge]? {
        let byRank = idsByRank(alphaIDs)
        return edges?.map {
            CorrelationEdge(
                alphaIDA: byRank[Int($0.rankA)], alphaIDB: byRank[Int($0.rankB)], correlation: $0.r, days: Int($0.days))
        }
    }

    private func idsByRank(_ alphaIDs: [String]) -> [String] {
        var byRank = alphaIDs
        for (position, rank) in ranks.enumerated() { byRank[Int(rank)] = alphaIDs[position] }
        return byRank
    }

    /// SHA-256 in hexadecimal of the result: the text `alphagrid-correlation-1`, the number of alphas (u64), then per
    /// alpha in bytewise order of the ids: id length (u16), id, min, max, avg, median (f64, NaN 0x7ff8000000000000
    /// where undefined, never -0), pair_count (u32), ranks of the most and least correlated alpha (u32, 0xffffffff
    /// where undefined) and common days with the most correlated one (u32). All little-endian.
    package func digest(alphaIDs: [String]) -> String {
        var sha = SHA256()
        sha.update(data: Array("alphagrid-correlation-1".utf8))
        var byRank = Array(repeating: 0, count: ranks.count)
        for (position, rank) in ranks.enumerated() { byRank[Int(rank)] = position }
        var writer = ByteWriter()
        writer.write(UInt64(alphaIDs.count))
        for position in byRank {
            writer.write(alphaIDs[position])
            let summary = summaries[position]
            for value in [summary?.minimum, summary?.maximum, summary?.average, summary?.median] {
                writer.write(value.map { $0 == 0 ? 0 : $0 } ?? Double(bitPattern: 0x7FF8_0000_0000_0000))
            }
            writer.write(UInt32(summary?.pairCount ?? 0))
            writer.write(summary.map { UInt32($0.mostCorrelated) } ?? .max)
            writer.write(summary.map { UInt32($0.leastCorrelated) } ?? .max)
            writer.write(UInt32(summary?.mostCorrelatedDays ?? 0))
            sha.update(data: writer.bytes)
            writer = ByteWriter()
        }
        return BlockHash(bytes: Array(sha.finalize())).description
    }
}
