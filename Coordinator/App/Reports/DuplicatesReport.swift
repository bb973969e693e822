import ClusterModel
import Expressions
import Store

/// Alphas that earn the same, as far as published neighbours tell.
struct SamePnLView: Encodable, Equatable {
    struct Group: Encodable, Equatable {
        /// Two or more, bytewise.
        var alphaIDs: [String]
        /// The weakest of the pairs that hold the group together, by |r|.
        var weakestAbsCorrelation: Double

        enum CodingKeys: String, CodingKey {
            case alphaIDs = "alpha_ids"
            case weakestAbsCorrelation
        }
    }

    /// The job whose neighbours these are; null when there are none.
    var jobID: JSONValue
    /// By their first alpha.
    var groups: [Group]
    /// Alphas with more close neighbours than the job kept, perhaps.
    var alphasCutShort: Int
    /// Why nothing is known, or what the groups lack; null when they are whole.
    var note: JSONValue

    enum CodingKeys: String, CodingKey {
        case jobID = "job_id"
        case groups, alphasCutShort, note
    }

    init(note: String) {
        jobID = .null
        groups = []
        alphasCutShort = 0
        self.note = .text(note)
    }

    /// - Parameter members: the alphas that count; nil for all.
    init(_ close: ClosePairs, among members: Set<String>? = nil) {
        func counts(_ id: String) -> Bool { members?.contains(id) ?? true }
        let pairs = close.pairs.filter { counts($0.alphaID) && counts($0.neighbourID) }
        jobID = .whole(close.jobID.rawValue)
        groups = ConnectedAlphas(pairs).groups
        alphasCutShort = close.alphasCutShort.count(where: counts)
        note = .null
        if alphasCutShort > 0 {
            note = .text(
                "\(Quantity.counted(alphasCutShort, "alpha")) may have more such neighbours than job \(close.jobID) kept, so "
                    + "groups may belong together: run 'alphagrid run correlation' with a larger --top")
        }
    }
}

/// Alphas joined by pairs: connected components by union and find.
private struct ConnectedAlphas {
    private var parents: [Int] = []
    private var ids: [String] = []
    private var indices: ByAlphaID<Int> = [:]
    private let pairs: [ClosePairs.Pair]

    init(_ pairs: [ClosePairs.Pair]) {
        self.pairs = pairs
        for pair in pairs {
            let (a, b) = (root(index(pair.alphaID)), root(index(pair.neighbourID)))
            parents[max(a, b)] = min(a, b)
        }
    }

    private mutating func index(_ id: String) -> Int {
        if let known = indices[id] { return known }
        indices[id] = ids.count
        parents.append(ids.count)
        ids.append(id)
        return ids.count - 1
    }

    private mutating func root(_ index: Int) -> Int {
        var node = index
        while parents[node] != node {
            parents[node] = parents[parents[node]]
            node = parents[node]
        }
        return node
    }

    var groups: [SamePnLView.Group] {
        var copy = self
        var members = [[String]](repeating: [], count: ids.count)
        var weakest = [Double](repeating: .infinity, count: ids.count)
        for (index, id) in ids.enumerated() { members[copy.root(index)].append(id) }
        for pair in pairs {
            let root = copy.root(copy.index(pair.alphaID))
            weakest[root] = min(weakest[root], abs(pair.correlation))
        }
        return zip(members, weakest).filter { $0.0.count > 1 }
            .map { SamePnLView.Group(alphaIDs: $0.0.sorted(by: Self.bytewise), weakestAbsCorrelation: $0.1) }
            .sorted { Self.bytewise($0.alphaIDs[0], $1.alphaIDs[0]) }
    }

    private static func bytewise(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}

/// What `duplicates` says.
struct DuplicatesView: Encodable {
    struct FormGroup: Encodable, Equatable {
        /// SHA-256 of the canonical form.
        var hash: String
        var alphaIDs: [String]

        enum CodingKeys: String, CodingKey {
            case hash
            case alphaIDs = "alpha_ids"
        }
    }

    var region: String
    var pool: String
    var threshold: Double
    var alphas: FormulaCounts
    var sameForm: [FormGroup]
    var samePnL: SamePnLView

    enum CodingKeys: String, CodingKey {
        case region, pool, threshold, alphas, sameForm
        case samePnL = "same_pnl"
    }

    init(
        region: String, pool: String, threshold: Double, alphas: FormulaCounts, sameForm: [ExpressionDuplicates.Group],
        samePnL: SamePnLView
    ) {
        self.region = region
        self.pool = pool
        self.threshold = threshold
        self.alphas = alphas
        self.sameForm = sameForm.map { FormGroup(hash: $0.hash, alphaIDs: $0.alphaIDs) }
        self.samePnL = samePnL
    }

    var lines: [String] {
        [alphas.sentence, "", "same formula: \(Self.count(sameForm.map(\.alphaIDs)))"]
            + Self.table("HASH", sameForm.map { (String($0.hash.prefix(12)), $0.alphaIDs) }) + [""] + pnlLines
    }

    private var pnlLines: [String] {
        var lines: [String] = []
        if case .whole(let job) = samePnL.jobID {
            let count = Self.count(samePnL.groups.map(\.alphaIDs))
            lines = ["same PnL, |r| > \(threshold), by the neighbours of job \(job): \(count)"]
            lines += Self.table(
                "WEAKEST", samePnL.groups.map { (Quantity.fixed($0.weakestAbsCorrelation, digits: 4), $0.alphaIDs) })
        }
        if case .text(let note) = samePnL.note { lines.append((lines.isEmpty ? "same PnL: " : "") + note) }
        return lines
    }

    private static func count(_ groups: [[String]]) -> String {
        guard !groups.isEmpty else { return "none" }
        return Quantity.counted(groups.count, "group") + " of \(groups.reduce(0) { $0 + $1.count }) alphas"
    }

    private static func table(_ title: String, _ groups: [(label: String, ids: [String])]) -> [String] {
        guard !groups.isEmpty else { return [] }
        let shownMax = Limits.errorsReportedMax
        return TextTable(
            [.init(title), .init("ALPHAS", .right), .init("IDS")],
            rows: groups.map { group in
                let more = group.ids.count - shownMax
                let ids = group.ids.prefix(shownMax).joined(separator: " ") + (more > 0 ? " and \(more) more" : "")
                return [group.label, "\(group.ids.count)", ids]
            }
        ).lines()
    }
}
