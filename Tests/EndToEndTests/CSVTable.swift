import Foundation
import Testing

/// Simple CSV, without quotes: what psql, the oracles and `--format csv` write of the tests' data.
struct CSVTable {
    let header: [String]
    /// Records by their first field.
    let rows: [String: [String]]

    static func records(_ text: String) -> [[String]] {
        text.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    init(_ text: String) throws {
        let records = Self.records(text)
        header = try #require(records.first)
        rows = Dictionary(uniqueKeysWithValues: records.dropFirst().map { ($0[0], $0) })
    }

    init(file: String) throws {
        try self.init(String(contentsOfFile: file, encoding: .utf8))
    }

    init(header: [String], records: [[String]]) {
        self.header = header
        rows = Dictionary(uniqueKeysWithValues: records.map { ($0[0], $0) })
    }

    func field(_ id: String, _ column: String) throws -> String {
        let index = try #require(header.firstIndex(of: column), "no column \(column)")
        return try #require(rows[id], "no row \(id)")[index]
    }

    static let summaryColumns = [
        "alpha_id", "min_correlation", "max_correlation", "avg_correlation", "median_correlation", "pair_count",
    ]
}

/// Compares summaries: the same alphas, the same pair counts, the same undefined rows, figures within a tolerance.
///
/// - Parameter sample: whether `expected` may hold only some of the alphas.
func expectSameSummaries(
    _ found: CSVTable, _ expected: CSVTable, tolerance: Double, sample: Bool = false, _ what: Comment,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    if !sample { #expect(Set(found.rows.keys) == Set(expected.rows.keys), what, sourceLocation: sourceLocation) }
    #expect(!expected.rows.isEmpty, what, sourceLocation: sourceLocation)
    var worst = 0.0
    var wrong: [String] = []
    for id in expected.rows.keys.sorted() {
        guard found.rows[id] != nil else {
            wrong.append("\(id) is missing")
            continue
        }
        let counts = try (found.field(id, "pair_count"), expected.field(id, "pair_count"))
        if counts.0 != counts.1 { wrong.append("\(id): \(counts.0) pairs, expected \(counts.1)") }
        for column in CSVTable.summaryColumns[1...4] {
            let values = try (Double(found.field(id, column)), Double(expected.field(id, column)))
            switch values {
            case (nil, nil): break
            case (let a?, let b?):
                worst = max(worst, abs(a - b))
                if !(abs(a - b) <= tolerance) { wrong.append("\(id) \(column): \(a), expected \(b)") }
            default: wrong.append("\(id) \(column): \(values.0 as Any), expected \(values.1 as Any)")
            }
        }
    }
    #expect(
        wrong.isEmpty, "\(what), largest difference \(worst):\n\(wrong.prefix(10).joined(separator: "\n"))",
        sourceLocation: sourceLocation)
}
