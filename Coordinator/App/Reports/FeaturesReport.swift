import ClusterModel
import Panel
import Service

/// The features of a file's alphas as text in the formats people ask for.
struct FeaturesReport {
    var result: EmbeddedFeatures
    var convention: Convention

    typealias Sink = (String) throws -> Void

    private static let rowsPerChunk = 1_024
    /// Those that say most; the others are in the other formats.
    private static let tableFeatures: [AlphaFeature] = [
        .dayCount, .sharpe, .annualReturn, .volatility, .maxDrawdown, .calmar, .var95, .hitRate, .stability,
    ]

    static var csvHeader: String { (["alpha_id"] + AlphaFeature.allCases.map(\.name)).joined(separator: ",") }

    /// One line per alpha, numbers with as many digits as they need to be read back exactly, undefined ones empty.
    func writeCSV(_ sink: Sink) throws {
        try sink(Self.csvHeader + "\n")
        try inChunks(sink) { row, _ in
            let values = zip(AlphaFeature.allCases, row.values).map { Self.text($1, $0.form) ?? "" }
            return "\(CorrelationReport.csvField(row.alphaID)),\(values.joined(separator: ","))\n"
        }
    }

    /// One object; undefined features are null.
    func writeJSON(_ sink: Sink) throws {
        func date(_ text: String?) -> String { text.map(CorrelationReport.jsonString) ?? "null" }
        try sink(
            """
            {
              "alphas": \(result.rows.count),
              "days": \(result.dayCount),
              "convention": "\(convention.rawValue)",
              "window_start": \(date(result.windowStart)),
              "window_end": \(date(result.windowEnd)),
              "panel_hash": "\(result.panelHash)",
              "digest": "\(result.digest)",
              "seconds": {"read": \(result.readSeconds), "compute": \(result.computeSeconds)},
              "rows": [

            """)
        try inChunks(sink) { row, isLast in
            let values = zip(AlphaFeature.allCases, row.values).map { feature, value in
                let text = Self.text(value, feature.form) ?? "null"
                return "\"\(feature.name)\": \(feature.form == .date && text != "null" ? "\"\(text)\"" : text)"
            }
            return "    {\"alpha_id\": \(CorrelationReport.jsonString(row.alphaID)), \(values.joined(separator: ", "))}"
                + (isLast ? "\n" : ",\n")
        }
        try sink("  ]\n}\n")
    }

    /// A few columns that line up; on a terminal only the first rows.
    func writeTable(terminal: Terminal, _ sink: Sink) throws {
        let shown = terminal.isTerminal ? result.rows.prefix(CorrelationReport.tableRowsOnTerminal) : result.rows[...]
        var table = TextTable([.init("alpha_id")] + Self.tableFeatures.map { .init($0.name, .right) })
        table.rows = shown.map { row in
            [row.alphaID]
                + Self.tableFeatures.map { feature in
                    row[feature].map { feature.form == .real ? Quantity.fixed($0, digits: 4) : "\(Int($0))" } ?? "-"
                }
        }
        var lines = table.lines()
        lines[0] = terminal.bold(lines[0])
        if shown.count < result.rows.count {
            lines.append("... \(result.rows.count - shown.count) more rows (--format csv for all, and for all features)")
        }
        try sink(lines.joined(separator: "\n") + "\n")
    }

    /// What was computed from what, in one line.
    var summary: String {
        var span = ""
        if let start = result.windowStart, let end = result.windowEnd { span = " (\(start) to \(end))" }
        let (read, compute) = (Quantity.fixed(result.readSeconds, digits: 2), Quantity.fixed(result.computeSeconds, digits: 3))
        return "\(result.rows.count) alphas, \(result.dayCount) days\(span), \(convention.rawValue), "
            + "\(AlphaFeature.count) features, read \(read) s, compute \(compute) s"
    }

    /// nil where undefined.
    private static func text(_ value: Double, _ form: AlphaFeature.Form) -> String? {
        guard !value.isNaN else { return nil }
        return switch form {
        case .real: "\(value)"
        case .integer: Int(exactly: value).map(String.init)
        case .date: Int32(exactly: value).map { Day(rawValue: $0).description }
        }
    }

    private func inChunks(_ sink: Sink, _ line: (AlphaFeatureRow, _ isLast: Bool) -> String) throws {
        var chunk = ""
        for (index, row) in result.rows.enumerated() {
            chunk += line(row, index == result.rows.count - 1)
            if (index + 1) % Self.rowsPerChunk == 0 {
                try sink(chunk)
                chunk = ""
            }
        }
        try sink(chunk)
    }
}
