import ClusterModel
import Clustering
import Crypto

/// What a selection job has found. Points are alphas by the bytewise rank of their ids.
package struct SelectionOutcome: Sendable {
    /// Ascending.
    package let chosen: [Int]
    package let isExact: Bool
    package let totalWeight: Double
    private let keep: KeepSet
    private let order: SubmissionOrder
    private let isolated: Set<Int>
    private let pairCounts: [Int]
    private let conflicts: [Int]
    private let facts: SelectionJob.Facts
    private var nearest: PairPartial.Nearest?
    private var parity: RiskParity?

    init(
        _ keep: KeepSet, _ order: SubmissionOrder, isolated: [Int], pairCounts: [Int], conflicts: [Int],
        facts: SelectionJob.Facts
    ) {
        chosen = keep.chosen
        isExact = keep.isExact
        totalWeight = keep.weight
        self.keep = keep
        self.order = order
        self.isolated = Set(isolated)
        self.pairCounts = pairCounts
        self.conflicts = conflicts
        self.facts = facts
    }

    mutating func take(_ nearest: PairPartial.Nearest) { self.nearest = nearest }
    mutating func takeParity(_ parity: RiskParity?) { self.parity = parity }

    /// The most correlated two of those chosen; nil when no pair of them is defined.
    package var worstPair: (a: Int, b: Int, correlation: Double)? {
        guard let nearest, let a = chosen.max(by: { (nearest.likeness[$0], -$0) < (nearest.likeness[$1], -$1) }),
            nearest.likeness[a] > -.infinity
        else { return nil }
        return (a, Int(nearest.rank[a]), nearest.likeness[a])
    }

    /// What a person should know.
    package var notes: [String] { parity?.notes ?? [] }

    /// - Parameters:
    ///   - alphaIDs: ids by point.
    ///   - submittedIDs: ids of the submitted alphas that candidates stand beside, in bytewise order.
    package func rows(alphaIDs: [String], submittedIDs: [String]) -> [SelectionRow] {
        var places: [Int: (place: Int, blocks: Int)] = [:]
        for (place, step) in order.steps.enumerated() { places[step.alpha] = (place + 1, step.blocks.count) }
        return alphaIDs.indices.map { point in
            var row = SelectionRow(alphaID: alphaIDs[point], isChosen: keep.rejections[point] == nil)
            row.weight = facts.weights[point].isNaN ? nil : facts.weights[point]
            row.sharpe = facts.sharpes[point].isNaN ? nil : facts.sharpes[point]
            row.isUnique = isolated.contains(point)
            row.conflicts = conflicts[point]
            switch keep.rejections[point] {
            case nil: break
            case .blocked(let by, let correlation):
                (row.reason, row.blockedBy, row.blockedCorrelation) = ("conflict", alphaIDs[by], correlation)
            case .limit: row.reason = "count"
            case .weight:
                if case .submitted(let other) = order.obstacles[point] {
                    (row.reason, row.blockedBy) = ("submitted", submittedIDs[other])
                } else {
                    row.reason = pairCounts[point] == 0 ? "undefined" : "weight"
                }
            }
            if let nearest, row.isChosen, nearest.likeness[point] > -.infinity {
                row.nearestChosen = alphaIDs[Int(nearest.rank[point])]
                row.nearestCorrelation = nearest.likeness[point] + 0
            }
            row.submissionPlace = places[point]?.place
            row.submissionBlocks = places[point]?.blocks
            switch order.obstacles[point] {
            case nil: break
            case .submitted(let other): row.submissionBlockedBy = submittedIDs[other]
            case .step(let other): row.submissionBlockedBy = alphaIDs[other]
            }
            row.riskParityWeight = parity?.weights[point]
            return row
        }
    }

    /// SHA-256 in hexadecimal of the rows: the text `alphagrid-selection-1`, then per row in bytewise order of the ids: id
    /// (length u16, text), whether it is chosen (u8), whom it is blocked by (text), its nearest chosen one (text) and the
    /// correlation with it, its place in the order of submission (u32, 0 for none) and its risk parity weight (f64, NaN
    /// 0x7ff8000000000000 where there is none). All little-endian.
    package static func digest(_ rows: [SelectionRow]) -> String {
        var writer = ByteWriter()
        for row in rows {
            writer.write(row.alphaID)
            writer.write(UInt8(row.isChosen ? 1 : 0))
            writer.write(row.blockedBy ?? "")
            writer.write(row.nearestChosen ?? "")
            writer.write(row.nearestCorrelation ?? Double(bitPattern: 0x7FF8_0000_0000_0000))
            writer.write(UInt32(row.submissionPlace ?? 0))
            writer.write(row.riskParityWeight ?? Double(bitPattern: 0x7FF8_0000_0000_0000))
        }
        var sha = SHA256()
        sha.update(data: Array("alphagrid-selection-1".utf8))
        sha.update(data: writer.bytes)
        return BlockHash(bytes: Array(sha.finalize())).description
    }
}
