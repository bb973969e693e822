import ClusterModel

/// The rows of a correlation and what they depend on, as text in the formats people ask for.
struct CorrelationReport {
    var rows: [CorrelationRow]
    var parameters: CorrelationParameters
    var dayCount: Int
    /// First and last date whose return counts; nil where no dates are known.
    var windowStart: String?
    var windowEnd: String?
    var profile: String
    var panelHash: String
    var digest: String
    var warnings: [String]
    /// What took how long, in order.
    var seconds: [(name: String, value: Double)]
    /// Of each alpha, kind by kind and nearest first; empty when nobody asked.
    var neighbours: ByAlphaID<[CorrelationNeighbour]> = [:]
    /// Pairs beyond the threshold; nil when there were too many.
    var edges: [CorrelationEdge]? = []

    /// On a terminal a longer table would only scroll away.
    static let tableRowsOnTerminal = 20
    private static let rowsPerChunk = 4_096

    static let csvHeader = "alpha_id,min_correlation,max_correlation,avg_correlation,median_correlation,pair_count"

    typealias Sink = (String) throws -> Void

    /// One line per alpha, numbers with as many digits as they need to be read back exactly, undefined ones empty.
    func writeCSV(_ sink: Sink) throws {
        let kinds = neighbourKinds
        let columns = kinds.flatMap { kind in
            (1...parameters.neighbours).flatMap { place in
                ["alpha_id", "correlation", "days"].map { ",\(kind.rawValue)_\(place)_\($0)" }
            }
        }
        try sink(Self.csvHeader + columns.joined() + "\n")
        try inChunks(rows, sink) { row, _ in
            let numbers = [row.min, row.max, row.avg, row.median].map { $0.map { "\($0)" } ?? "" }
            return "\(Self.csvField(row.alphaID)),\(numbers.joined(separator: ",")),\(row.pairCount)"
                + kinds.map { csv(nearest(row, $0)) }.joined() + "\n"
        }
    }

    /// As many fields as there are places, whatever the alpha has.
    private func csv(_ neighbours: [CorrelationNeighbour]) -> String {
        let fields = neighbours.map { found in
            ",\(Self.csvField(found.neighbourID)),\(found.correlation),\(found.days.map(String.init) ?? "")"
        }
        return fields.joined() + String(repeating: ",,,", count: parameters.neighbours - fields.count)
    }

    /// Kinds of the lists that were asked for.
    private var neighbourKinds: [CorrelationNeighbour.Kind] {
        let present = Set(neighbours.values.joined().map(\.kind))
        return CorrelationNeighbour.Kind.allCases.filter(present.contains)
    }

    private func nearest(_ row: CorrelationRow, _ kind: CorrelationNeighbour.Kind) -> [CorrelationNeighbour] {
        (neighbours[row.alphaID] ?? []).filter { $0.kind == kind }
    }

    /// The pairs beyond the threshold as CSV, the bytewise smaller id of each first.
    func writePairs(_ sink: Sink) throws {
        guard let edges else { throw Self.tooManyPairs }
        try sink("alpha_id_a,alpha_id_b,correlation,days\n")
        try inChunks(edges, sink) { pair, _ in
            let days = pair.days.map(String.init) ?? ""
            return "\(Self.csvField(pair.alphaIDA)),\(Self.csvField(pair.alphaIDB)),\(pair.correlation),\(days)\n"
        }
    }

    private static let tooManyPairs = GridError(
        .failed, "more than \(Limits.edgesMax) pairs are beyond the threshold, so none is listed: choose a stricter --threshold")

    /// One object; undefined numbers are null.
    func writeJSON(_ sink: Sink) throws {
        func text(_ value: String?) -> String { value.map(Self.jsonString) ?? "null" }
        let timings = seconds.map { "\(Self.jsonString($0.name)): \($0.value)" }.joined(separator: ", ")
        try sink(
            """
            {
              "alphas": \(rows.count),
              "days": \(dayCount),
              "convention": "\(parameters.convention.rawValue)",
              "window": "\(parameters.window)",
              "window_start": \(text(windowStart)),
              "window_end": \(text(windowEnd)),
              "min_overlap": \(parameters.minOverlap),
              "precision": "\(parameters.precision.rawValue)",
              "block_edge": \(parameters.blockEdge),
              "pairs_defined": \(pairsDefined),
              "pairs_undefined": \(pairsUndefined),
              "profile": \(text(profile)),
              "panel_hash": \(text(panelHash)),
              "digest": \(text(digest)),
              "warnings": [\(warnings.map(Self.jsonString).joined(separator: ", "))],
              "seconds": {\(timings)},

            """)
        if let rule = parameters.edges { try writePairs(of: rule, json: sink) }
        try sink("  \"rows\": [\n")
        let kinds = neighbourKinds
        try inChunks(rows, sink) { row, isLast in
            func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
            return """
                    {"alpha_id": \(Self.jsonString(row.alphaID)), "min_correlation": \(number(row.min)), \
                "max_correlation": \(number(row.max)), "avg_correlation": \(number(row.avg)), \
                "median_correlation": \(number(row.median)), "pair_count": \(row.pairCount)\
                \(kinds.map { ", \"\($0.rawValue)\": [\(nearest(row, $0).map(Self.json).joined(separator: ", "))]" }.joined())}\
                \(isLast ? "" : ",")

                """
        }
        try sink("  ]\n}\n")
    }

    private func writePairs(of rule: EdgeRule, json sink: Sink) throws {
        guard let edges else { throw Self.tooManyPairs }
        try sink("  \"threshold\": \(rule.from),\n  \"absolute\": \(rule.absolute),\n  \"pairs\": [\n")
        try inChunks(edges, sink) { pair, isLast in
            """
                {"alpha_id_a": \(Self.jsonString(pair.alphaIDA)), "alpha_id_b": \(Self.jsonString(pair.alphaIDB)), \
            "correlation": \(pair.correlation), "days": \(pair.days.map(String.init) ?? "null")}\(isLast ? "" : ",")

            """
        }
        try sink("  ],\n")
    }

    private static func json(_ neighbour: CorrelationNeighbour) -> String {
        """
        {"alpha_id": \(jsonString(neighbour.neighbourID)), "correlation": \(neighbour.correlation), \
        "days": \(neighbour.days.map(String.init) ?? "null")}
        """
    }

    /// Columns that line up; on a terminal only the first rows.
    func writeTable(terminal: Terminal, _ sink: Sink) throws {
        let shown = terminal.isTerminal ? rows.prefix(Self.tableRowsOnTerminal) : rows[...]
        var table = TextTable([
            .init("alpha_id"), .init("min", .right), .init("max", .right), .init("avg", .right), .init("median", .right),
            .init("pairs", .right),
        ])
        let kinds = neighbourKinds
        table.columns += kinds.map { .init($0 == .absolute ? "nearest by |r|" : "\($0.rawValue) correlated") }
        table.rows = shown.map { row in
            let numbers = [row.min, row.max, row.avg, row.median].map { value in
                value.map { Quantity.fixed($0, digits: 6) } ?? "-"
            }
            let lists = kinds.map { kind in
                nearest(row, kind).map { "\($0.neighbourID.printable) \(Quantity.fixed($0.correlation, digits: 3))" }
                    .joined(separator: ", ")
            }
            return [row.alphaID] + numbers + ["\(row.pairCount)"] + lists
        }
        var lines = table.lines()
        lines[0] = terminal.bold(lines[0])
        if shown.count < rows.count { lines.append("... \(rows.count - shown.count) more rows (--format csv for all)") }
        try sink(lines.joined(separator: "\n") + "\n")
    }

    /// What was computed from what, in one line.
    var summary: String {
        var window = "window \(parameters.window)"
        if let windowStart, let windowEnd { window += " (\(windowStart) to \(windowEnd))" }
        let timings = seconds.map { "\($0.name) \(Quantity.fixed($0.value, digits: 2)) s" }.joined(separator: ", ")
        return
            "\(rows.count) alphas, \(dayCount) days, \(parameters.convention.rawValue), \(window), "
            + "min-overlap \(parameters.minOverlap), \(pairsDefined) pairs, \(pairsUndefined) undefined, "
            + "\(parameters.precision.rawValue), \(profile), \(timings)"
    }

    /// Each pair is counted in the rows of both its alphas.
    var pairsDefined: Int { rows.reduce(0) { $0 + $1.pairCount } / 2 }
    var pairsUndefined: Int { rows.count * max(0, rows.count - 1) / 2 - pairsDefined }

    private func inChunks<Element>(
        _ elements: [Element], _ sink: Sink, _ line: (Element, _ isLast: Bool) -> String
    ) throws {
        var chunk = ""
        for (index, element) in elements.enumerated() {
            chunk += line(element, index == elements.count - 1)
            if (index + 1) % Self.rowsPerChunk == 0 {
                try sink(chunk)
                chunk = ""
            }
        }
        try sink(chunk)
    }

    /// RFC 4180: quoted where a comma, a quote or a line break would end the field.
    static func csvField(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        // By scalar: a quote with an accent on it is one character to Swift, and ends the field for everybody else.
        var out = "\"".unicodeScalars
        for scalar in text.unicodeScalars { out.append(contentsOf: scalar == "\"" ? [scalar, scalar] : [scalar]) }
        return String(out) + "\""
    }

    static func jsonString(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
