import ClusterModel

/// The answer of a check as text.
struct CheckReport {
    private let view: CheckView
    private let terminal: Terminal

    /// Candidates among each other are shown as a table up to so many.
    private static let matrixCandidatesMax = 12

    init(_ view: CheckView, terminal: Terminal) {
        self.view = view
        self.terminal = terminal
    }

    var lines: [String] { [heading] + view.candidates.flatMap { [""] + lines(of: $0) } + amongEachOther }

    /// What was compared with what, and how.
    private var heading: String {
        let pool = view.region.map { "region \($0), pool \(view.pool)" } ?? view.pool
        var window = "window \(view.window)"
        if let start = view.windowStart, let end = view.windowEnd { window += " (\(start) to \(end))" }
        return "\(pool): \(Quantity.counted(view.poolSize, "alpha")), \(view.convention), \(window), "
            + "min-overlap \(view.minOverlap), \(view.absolute ? "absolute" : "signed") correlations"
    }

    private func lines(of candidate: CandidateView) -> [String] {
        var facts = ["\(candidate.pairCount) of \(Quantity.counted(candidate.poolSize, "pair")) defined"]
        if let r = candidate.maxCorrelation { facts.append("max \(Quantity.fixed(r, digits: 6))") }
        if let r = candidate.minCorrelation { facts.append("min \(Quantity.fixed(r, digits: 6))") }
        let source = candidate.sharpeSource.map { " (\($0.rawValue))" } ?? ""
        facts.append(candidate.sharpe.map { "Sharpe \(Quantity.fixed($0, digits: 3))\(source)" } ?? "no Sharpe")
        let verdict = candidate.verdict.rawValue.uppercased()
        var lines = [
            terminal.bold("\(candidate.alphaID.singleLine): \(verdict)") + " - \(candidate.reason)",
            facts.joined(separator: ", "),
        ]
        lines += table("blocked by", candidate.blocking)
        let hidden = candidate.blockingCount - candidate.blocking.count
        if hidden > 0 { lines.append("... and \(hidden) more") }
        let r = view.absolute ? "|r|" : "r"
        lines += table("most correlated (largest \(r))", candidate.most)
        lines += table("least correlated (smallest \(r))", candidate.least)
        return lines
    }

    private func table(_ title: String, _ matches: [MatchView]) -> [String] {
        guard !matches.isEmpty else { return [] }
        let table = TextTable(
            [.init(title), .init("r", .right), .init("days", .right), .init("sharpe", .right), .init("from"), .init("verdict")],
            rows: matches.map { match in
                [
                    match.alphaID, Quantity.fixed(match.correlation, digits: 6), "\(match.days)",
                    match.sharpe.map { Quantity.fixed($0, digits: 3) } ?? "-", match.sharpeSource?.rawValue ?? "",
                    match.surpassed.map { $0 ? "surpassed" : "blocks" } ?? "",
                ]
            })
        return [""] + table.lines(terminal)
    }

    private var amongEachOther: [String] {
        guard let values = view.candidateCorrelations else { return [] }
        guard values.count <= Self.matrixCandidatesMax else {
            return ["", "the correlations among \(values.count) candidates are shown by --json"]
        }
        let table = TextTable(
            [.init("among each other")] + view.candidates.map { .init($0.alphaID.singleLine, .right) },
            rows: zip(view.candidates, values).map { candidate, row in
                [candidate.alphaID] + row.map { value in value.map { Quantity.fixed($0, digits: 6) } ?? "-" }
            })
        return [""] + table.lines(terminal)
    }
}

/// One pair under every convention as text.
struct PairReport {
    private let view: PairView
    private let terminal: Terminal

    init(_ view: PairView, terminal: Terminal) {
        self.view = view
        self.terminal = terminal
    }

    var lines: [String] {
        let pool = view.region.map { "region \($0), pool \(view.pool)" } ?? view.pool
        let alphas = view.alphas.map { alpha in
            let range = alpha.firstDay.map { "\($0) to \(alpha.lastDay ?? $0)" } ?? "no PnL"
            return "\(alpha.alphaID.singleLine): \(range), \(Quantity.counted(alpha.days, "day")), "
                + Quantity.counted(alpha.gaps, "gap")
        }
        return ["\(pool), window \(view.window), min-overlap \(view.minOverlap)"] + alphas + conventions + years
    }

    private var conventions: [String] {
        let table = TextTable(
            [
                .init("convention"), .init("r", .right), .init("days", .right), .init("first"), .init("last"),
                .init("undefined because"),
            ],
            rows: view.correlations.map { one in
                [
                    one.convention ?? "", one.correlation.map { Quantity.fixed($0, digits: 9) } ?? "-", "\(one.days)",
                    one.firstDay ?? "-", one.lastDay ?? "-", one.reason ?? "",
                ]
            })
        return [""] + table.lines(terminal)
    }

    /// r and common returns per calendar year, one column per convention.
    private var years: [String] {
        let years = Set(view.correlations.flatMap { ($0.years ?? []).compactMap(\.year) }).sorted()
        guard !years.isEmpty else { return [] }
        let table = TextTable(
            [.init("year")] + view.correlations.map { .init($0.convention ?? "", .right) },
            rows: years.map { year in
                [year]
                    + view.correlations.map { one in
                        guard let part = one.years?.first(where: { $0.year == year }) else { return "" }
                        return (part.correlation.map { Quantity.fixed($0, digits: 4) } ?? "-") + " (\(part.days))"
                    }
            })
        return [""] + table.lines(terminal)
    }
}

extension TextTable {
    /// With a bold title line where the terminal has it.
    fileprivate func lines(_ terminal: Terminal) -> [String] {
        let all = lines()
        return [terminal.bold(all[0])] + all.dropFirst()
    }
}
