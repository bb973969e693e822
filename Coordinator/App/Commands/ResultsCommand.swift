import ArgumentParser
import ClusterModel
import Foundation
import Panel
import Requests

/// What jobs have published, without SQL.
struct ResultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "results",
        abstract: "Show what jobs have published of a region.",
        discussion: """
            RESULT is one of \(RegionResult.allCases.map(\.rawValue).joined(separator: ", ")). \
            Without --job the rows are those that the region shows as its own.

            Examples:
              alphagrid results features --region USA --limit 20
              alphagrid results clusters --region USA --method hdbscan --format csv --limit 0
              alphagrid results selection --region USA --job 7 --json
              alphagrid results neighbours --region USA --alpha A1B2C3
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, csv, json }

    @Argument(help: "Which result.")
    var result: String

    @Option(help: "Region, such as USA.")
    var region: String

    @Option(help: ArgumentHelp("Rows of this job.", valueName: "id"))
    var job: String?

    @Option(help: "Rows of this method.")
    var method: String?

    @Option(help: ArgumentHelp("Rows that name this alpha.", valueName: "id"))
    var alpha: String?

    @Option(parsing: .unconditional, help: "At most so many rows; 0 for all.")
    var limit = 100

    @Option(help: "table, csv or json (default: table).")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if json, let format, format != .json { throw ValidationError(OutputOptions.contradiction(format.rawValue)) }
    }

    func run() async throws {
        let (region, request) = (try Region(region), try request())
        let client = try connection.client()
        var page = try await client.results(request, region: region)
        while let offset = page.nextOffset, limit == 0 || page.rows.count < limit {
            var next = request
            next.offset = offset
            if limit > 0 { next.limit = min(Limits.resultRowsMax, limit - page.rows.count) }
            let more = try await client.results(next, region: region)
            page.rows += more.rows
            page.nextOffset = more.nextOffset
        }
        switch json ? .json : format ?? .table {
        case .json: try StandardOutput.writeJSON(page)
        case .csv: StandardOutput.write(Self.csv(page))
        case .table:
            StandardOutput.write(Self.table(page).lines().joined(separator: "\n") + "\n")
            if page.rows.isEmpty {
                StandardError.writeLine("no rows: either nothing like it was published, or a later job has replaced it")
            }
            if page.nextOffset != nil {
                StandardError.writeLine(
                    "there are more than \(page.rows.count) rows: ask for more with --limit, or all with --limit 0")
            }
        }
    }

    private func request() throws(GridError) -> ResultRequest {
        guard limit >= 0 else { throw GridError(.usage, "--limit \(limit) is not valid: expected a number from 0") }
        let rows = limit == 0 ? Limits.resultRowsMax : min(limit, Limits.resultRowsMax)
        var request = ResultRequest(try RegionResult(parsing: result), limit: rows)
        request.job = try job.map { text throws(GridError) in try JobID(parsing: text) }
        request.method = method
        request.alphaID = alpha
        return request
    }

    /// Without the columns in which no row has anything; numbers to six digits, and the beginning of what is long.
    static func table(_ page: ResultPage) -> TextTable {
        let rows = page.rows.map { $0.map(shortCell) }
        let shown = page.columns.indices.filter { column in rows.isEmpty || rows.contains { !$0[column].isEmpty } }
        return TextTable(
            shown.map { .init(page.columns[$0].uppercased()) }, rows: rows.map { row in shown.map { row[$0] } })
    }

    static func csv(_ page: ResultPage) -> String {
        var writer = CSVWriter()
        for column in page.columns { writer.field(column) }
        writer.endRow()
        for row in page.rows {
            for value in row {
                switch value {
                case .null: writer.field("")
                case .number(let number): writer.field(number)
                default: writer.field(cell(value))
                }
            }
            writer.endRow()
        }
        return String(decoding: writer.takeBytes(), as: UTF8.self)
    }

    private static let cellWidthMax = 60

    private static func shortCell(_ value: JSONValue) -> String {
        if case .number(let number) = value { return String(format: "%.6g", number) }
        let text = cell(value)
        return text.count > cellWidthMax ? text.prefix(cellWidthMax - 1) + "\u{2026}" : text
    }

    /// A value as text; lists and objects as JSON, keys in order.
    static func cell(_ value: JSONValue) -> String {
        let encoder = JSONEncoder()
        switch value {
        case .null: return ""
        case .bool(let truth): return "\(truth)"
        case .whole(let number): return "\(number)"
        case .number(let number): return "\(number)"
        case .text(let text): return text
        case .array, .object:
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? String(decoding: encoder.encode(value), as: UTF8.self)) ?? ""
        }
    }
}
