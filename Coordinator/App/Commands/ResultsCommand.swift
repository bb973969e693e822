import API
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
              alphagrid results correlation --region USA --filter 'max_correlation<0.3' --sort -min_correlation --out unique.csv
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, csv, json, npy }

    @Argument(help: "Which result.", completion: .results)
    var result: String

    @Option(help: "Region, such as USA.", completion: .regions)
    var region: String

    @Option(help: ArgumentHelp("Rows of this job.", valueName: "id"))
    var job: String?

    @Option(help: "Rows of this method.")
    var method: String?

    @Option(help: ArgumentHelp("Rows that name this alpha.", valueName: "id"))
    var alpha: String?

    @Option(
        help: ArgumentHelp(
            "Rows for which this holds, such as 'max_correlation<0.3' or 'sharpe null'; may be given several times.",
            valueName: "condition"))
    var filter: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Columns to sort by, with commas between them and - before what is to descend.", valueName: "columns"))
    var sort: String?

    @Option(help: "Only these columns, with commas between them.")
    var columns: String?

    @Option(help: "Rows of alphas of this universe, such as TOP3000.")
    var universe: String?

    @Option(parsing: .unconditional, help: "Rows of alphas with this delay.")
    var delay: Int?

    @Option(help: "Rows of alphas of this type, such as SUPER.")
    var type: String?

    @Option(parsing: .unconditional, help: "At most so many rows; 0 for all (default: 100, all with --out).")
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "Write to this file; CSV unless --format or a name with .json or .npy says otherwise.", valueName: "file"))
    var out: String?

    @Option(help: "table, csv, json, or npy with --out (default: by the name of --out, else table).")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if json, let format, format != .json { throw ValidationError(OutputOptions.contradiction(format.rawValue)) }
    }

    func run() async throws {
        let (region, request) = (try Region(region), try request())
        if let out { try CorrelateCommand.expectWritable(out) }
        let client = try connection.client()
        var page = try await client.results(request, region: region)
        while let offset = page.nextOffset, rowsWanted == 0 || page.rows.count < rowsWanted {
            var next = request
            next.offset = offset
            if rowsWanted > 0 { next.limit = min(Limits.resultRowsMax, rowsWanted - page.rows.count) }
            let more = try await client.results(next, region: region)
            page.rows += more.rows
            page.nextOffset = more.nextOffset
        }
        let written = try bytes(page)
        if let out {
            let file = try AtomicFile(path: out)
            try file.write(written)
            return try file.commit()
        }
        StandardOutput.write(String(decoding: written, as: UTF8.self))
        guard shownAs == .table else { return }
        if page.rows.isEmpty {
            StandardError.writeLine(
                filter.isEmpty && alpha == nil && method == nil && universe == nil
                    ? "no rows: either nothing like it was published, or a later job has replaced it"
                    : "no rows: nothing was published that meets the filters")
        }
        if page.nextOffset != nil {
            StandardError.writeLine(Self.more(than: page.rows.count, of: page.total))
        }
    }

    static func more(than shown: Int, of all: Int?) -> String {
        let count = all.map { "\(shown) of \($0) rows are shown" } ?? "there are more than \(Quantity.counted(shown, "row"))"
        return "\(count): ask for more with --limit, or for all with --limit 0"
    }

    private var rowsWanted: Int { limit ?? (out == nil ? 100 : 0) }

    private var shownAs: Format {
        if json { return .json }
        if let format { return format }
        guard let out = out?.lowercased() else { return .table }
        return out.hasSuffix(".json") ? .json : out.hasSuffix(".npy") ? .npy : .csv
    }

    private func bytes(_ page: ResultPage) throws -> [UInt8] {
        switch shownAs {
        case .json: [UInt8](try GridJSON.encodeForReading(page))
        case .csv: ResultFile.csv(page)
        case .npy: ResultFile.npy(page)
        case .table: Array((Self.table(page).lines().joined(separator: "\n") + "\n").utf8)
        }
    }

    private func request() throws(GridError) -> ResultRequest {
        guard rowsWanted >= 0 else {
            throw GridError(.usage, "--limit \(rowsWanted) is not valid: expected a number from 0")
        }
        guard shownAs != .npy || out != nil else {
            throw GridError(.usage, "npy is no text: expected --out with the file it should go to")
        }
        let rows = rowsWanted == 0 ? Limits.resultRowsMax : min(rowsWanted, Limits.resultRowsMax)
        var request = ResultRequest(try RegionResult(parsing: result), limit: rows)
        request.job = try job.map { text throws(GridError) in try JobID(parsing: text) }
        request.method = method
        request.alphaID = alpha
        for text in filter { request.filters.append(try ResultFilter(written: text)) }
        for text in sort?.split(separator: ",") ?? [] { request.sort.append(try SortKey(parsing: String(text))) }
        request.columns = columns?.split(separator: ",").map(String.init)
        (request.universe, request.delay, request.type) = (universe, delay, type)
        return request
    }

    /// Without the columns in which no row has anything; numbers to six digits, and the beginning of what is long.
    static func table(_ page: ResultPage) -> TextTable {
        let rows = page.rows.map { $0.map(shortCell) }
        let shown = page.columns.indices.filter { column in rows.isEmpty || rows.contains { !$0[column].isEmpty } }
        return TextTable(
            shown.map { .init(page.columns[$0].uppercased()) }, rows: rows.map { row in shown.map { row[$0] } })
    }

    private static let cellWidthMax = 60

    private static func shortCell(_ value: JSONValue) -> String {
        if case .number(let number) = value { return String(format: "%.6g", number) }
        let text = ResultFile.cell(value)
        return text.count > cellWidthMax ? text.prefix(cellWidthMax - 1) + "\u{2026}" : text
    }
}
