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

    init(layout: PanelLayout, summaries state: inout CorrelationSummaries) {
        ranks = layout.ranks
        twinPairs = state.twinPairs
        summaries = state.medians().enumerated().map { alpha, outcome in
            guard case .value(let median) = outcome else { return nil }
            let average = Double(state.sum[alpha]) / CorrelationPartial.sumScale / Double(state.count[alpha])
            return Summary(
                minimum: state.minimum[alpha], maximum: state.maximum[alpha], average: average + 0, median: median + 0,
                pairCount: state.count[alpha], mostCorrelated: Int(state.maximumRank[alpha]),
                mostCorrelatedDays: Int(state.maximumDays[alpha]), leastCorrelated: Int(state.minimumRank[alpha]))
        }
    }

    /// Rows in layout order.
    ///
    /// - Parameter alphaIDs: ids by layout position.
    package func rows(alphaIDs: [String]) -> [CorrelationRow] {
        var byRank = alphaIDs
        for (position, rank) in ranks.enumerated() { byRank[Int(rank)] = alphaIDs[position] }
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
        return sha.finalize().map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
