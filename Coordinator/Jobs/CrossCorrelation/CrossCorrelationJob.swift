import ClusterModel
import Crypto
import Panel

/// Correlation of every alpha of one panel with every alpha of another: a rectangle of tiles, of which the rows' nearest
/// neighbours are kept.
package final class CrossCorrelationJob: GridJob, @unchecked Sendable {
    // Not locked: `GridJob` says that one thread at a time uses a job.
    private let plan: CorrelationPlan
    private let rows: PanelLayout
    private let columns: PanelLayout
    private var most: NeighbourLists
    private var stage: JobStage?

    /// An alpha may be in both panels and is then its own nearest, so one more is always kept than is asked for.
    private static let neighboursMin = 2

    /// - Parameters:
    ///   - rows: layout of the alphas that get a result.
    ///   - columns: layout of those they are compared with, over the same days.
    ///   - firstDay: index of the first day whose return counts.
    package init(
        rows: PanelLayout, columns: PanelLayout, parameters: CorrelationParameters, firstDay: Int
    ) throws(GridError) {
        var parameters = parameters
        parameters.neighbours = max(Self.neighboursMin, parameters.neighbours)
        parameters.edges = nil
        (self.rows, self.columns) = (rows, columns)
        plan = CorrelationPlan(
            layout: try PanelLayout(joining: rows, columns), parameters: parameters, firstDay: firstDay)
        most = NeighbourLists(alphaCount: rows.alphaCount, kept: parameters.neighbours, end: .most)
    }

    package func next(telling tell: @escaping StageTeller) throws -> JobStep {
        guard stage == nil else { return .publish(.crossCorrelation(CrossCorrelationOutcome(most, columns.ranks))) }
        // Nothing but neighbours is wanted, and of the columns not even those.
        var wanted = WantedValues.nothing(alphaCount: plan.layout.alphaCount)
        for alpha in 0..<rows.alphaCount { wanted.mostFrom[alpha] = -.infinity }
        let stage = plan.stage(
            name: "correlate", rows: 0..<rows.blockCount, columns: rows.blockCount..<plan.layout.blockCount, wanted: wanted)
        self.stage = stage
        return .stage(stage)
    }

    package func merge(task index: Int, partial payload: Payload) throws(GridError) {
        let partial = try CorrelationPartial(decoding: payload)
        let all = 0..<plan.layout.blockCount
        try plan.check(
            partial, task: index, of: stage, rectangle: (all.prefix(rows.blockCount), all.dropFirst(rows.blockCount)))
        for block in partial.blocks where block.index < rows.blockCount {
            most.merge(block.most, counts: block.mostCount, at: rows.shape.blockStarts[Int(block.index)])
        }
    }
}

/// The finished nearest neighbours of a cross-correlation job.
package struct CrossCorrelationOutcome: Sendable {
    private let most: NeighbourLists
    /// Bytewise rank of each partner's id, by layout position.
    private let ranks: [UInt32]

    init(_ most: NeighbourLists, _ ranks: [UInt32]) {
        self.most = most
        self.ranks = ranks
    }

    /// Rows in layout order: the largest signed r and whom it is with.
    ///
    /// - Parameters:
    ///   - alphaIDs: ids of the alphas that get a row, by layout position.
    ///   - partnerIDs: ids of those they were compared with, by layout position.
    package func rows(alphaIDs: [String], partnerIDs: [String]) -> [CrossCorrelationRow] {
        var byRank = partnerIDs
        for (position, rank) in ranks.enumerated() { byRank[Int(rank)] = partnerIDs[position] }
        return alphaIDs.enumerated().map { alpha, id in
            // What two panels know by the same id is one alpha.
            let nearest = most[alpha].first { !byRank[Int($0.rank)].utf8.elementsEqual(id.utf8) }
            return CrossCorrelationRow(
                alphaID: id, maxCorrelation: nearest.map { $0.r + 0 }, bestAlphaID: nearest.map { byRank[Int($0.rank)] })
        }
    }

    /// SHA-256 in hexadecimal of the rows: the text `alphagrid-cross-correlation-1`, the number of rows (u64), then per row
    /// in bytewise order of the ids: id length (u16), id, r (f64, NaN 0x7ff8000000000000 where undefined), partner's id
    /// length (u16) and id, empty where undefined. All little-endian.
    package static func digest(_ rows: [CrossCorrelationRow]) -> String {
        var writer = ByteWriter()
        writer.write(UInt64(rows.count))
        for row in rows.sorted(by: { $0.alphaID.utf8.lexicographicallyPrecedes($1.alphaID.utf8) }) {
            writer.write(row.alphaID)
            writer.write(row.maxCorrelation ?? Double(bitPattern: 0x7FF8_0000_0000_0000))
            writer.write(row.bestAlphaID ?? "")
        }
        var sha = SHA256()
        sha.update(data: Array("alphagrid-cross-correlation-1".utf8))
        sha.update(data: writer.bytes)
        return BlockHash(bytes: Array(sha.finalize())).description
    }
}
