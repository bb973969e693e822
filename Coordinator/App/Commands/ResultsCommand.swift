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

    @Option(help: ArgumentHelp("Rows of this job.", valueName: "id"), completion: .doneJobs)
    var job: String?

    @Option(help: "Rows of this method.", completion: .methods)
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
            "Write to this file: CSV, or what --format or a name with .json, .npy or .txt (a table) says.",
            valueName: "file"))
    var out: String?

    @Option(help: "table, csv, json, or npy with --out (default: by the name of --out, else table).")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if json, let format, format != .json { throw ValidationError(OutputOptions.contradiction(format.rawValue)) }
        _ = try shownAs()
    }

    func run() async throws {
        let (region, request) = (try Region(region), try request())
        if let out { try CorrelateCommand.expectWritable(out) }
        let client = try connection.client()
        let page = try await Self.read(request, rowsWanted: rowsWanted) {
            try await client.results($0, region: region)
        } published: {
            let list: RegionList = try await client.get("/v1/regions")
            return list.regions.first { $0.region == region.name }?.results ?? []
        }
        if page.rows.isEmpty { StandardError.writeLine(try await whyEmpty(request, region, client).singleLine) }
        let written = try bytes(page)
        if let out {
            let file = try AtomicFile(path: out)
            try file.write(written)
            return try file.commit()
        }
        StandardOutput.write(String(decoding: written, as: UTF8.self))
        if page.nextOffset != nil, try shownAs() == .table {
            StandardError.writeLine(Self.more(than: page.rows.count, of: page.total))
        }
    }

    private static let readingsMax = 3

    /// All pages of what is asked for, as one.
    ///
    /// - Parameters:
    ///   - rowsWanted: 0 for all.
    ///   - published: what the region shows as its own at the moment. A job may replace it between two pages; then they are read
    ///     again, since rows of both would be the result of none.
    static func read(
        _ request: ResultRequest, rowsWanted: Int, page: (ResultRequest) async throws -> ResultPage,
        published: () async throws -> [RegionView.Result]
    ) async throws -> ResultPage {
        let kinds = request.result == .clusterFeatures ? ["clusters", "features"] : [request.result.kind]
        func stand() async throws -> [RegionView.Result] { try await published().filter { kinds.contains($0.result.kind) } }
        for _ in 0..<readingsMax {
            let before = rowsWanted == 0 || rowsWanted > request.limit ? try await stand() : []
            var whole = try await page(request)
            var pageCount = 1
            while let offset = whole.nextOffset, rowsWanted == 0 || whole.rows.count < rowsWanted {
                var next = request
                next.offset = offset
                if rowsWanted > 0 { next.limit = min(Limits.resultRowsMax, rowsWanted - whole.rows.count) }
                let more = try await page(next)
                whole.rows += more.rows
                whole.nextOffset = more.nextOffset
                pageCount += 1
            }
            if pageCount == 1 { return whole }
            if try await stand() == before { return whole }
        }
        throw GridError(
            .conflict, "jobs have published \(request.result.rawValue) anew each time while its rows were read: try again later")
    }

    static func more(than shown: Int, of all: Int?) -> String {
        let count = all.map { "\(shown) of \($0) rows are shown" } ?? "there are more than \(Quantity.counted(shown, "row"))"
        return "\(count): ask for more with --limit, or for all with --limit 0"
    }

    /// What there is instead of the rows that were asked for.
    private func whyEmpty(_ request: ResultRequest, _ region: Region, _ client: GridClient) async throws -> String {
        var all = ResultRequest(request.result, limit: 1)
        all.job = request.job
        let name = request.result.rawValue
        let rows = try await client.results(all, region: region).total ?? 0
        if let id = request.job {
            if rows > 0 { return "no rows: job \(id) has \(rows) rows of \(name), and what was asked for leaves them out" }
            let job = try await client.job(id)
            guard job.kind == request.result.kind else {
                return "no rows: job \(id) is of kind \(job.kind), and \(name) comes from jobs of kind \(request.result.kind)"
            }
            return "no rows: job \(id) has published no \(name), or a later job has replaced it"
        }
        if rows > 0 { return "no rows: region \(region) has \(rows) rows of \(name), and what was asked for leaves them out" }
        let list: RegionList = try await client.get("/v1/regions")
        let others = list.regions.first { $0.region == region.name }?.results.map(\.result.rawValue) ?? []
        var done = JobsRequest(limit: Limits.jobsListedMax)
        (done.kind, done.region, done.states) = (request.result.kind, region.name, [.done])
        let other = try await client.jobs(done).first { $0.resultTable?.hasSuffix("_jobs") == true }
        return Self.noRows(of: request.result, region, others: others, keptByJob: other?.jobID)
    }

    /// - Parameters:
    ///   - others: what the region has rows of.
    ///   - job: the last one of the right kind whose parameters are not the region's, so that its rows are its own.
    static func noRows(of result: RegionResult, _ region: Region, others: [String], keptByJob job: JobID?) -> String {
        let has = others.isEmpty ? "nothing is published" : "it has \(others.joined(separator: ", "))"
        let runs =
            switch result {
            case .edges: "run \(result.kind) --region \(region) --threshold R"
            case .tree: "run \(result.kind) --region \(region) --param methods=mst"
            default: "run \(result.kind) --region \(region)"
            }
        return "no rows: region \(region) has no \(result.rawValue) (\(has)): see 'alphagrid \(runs)'"
            + (job.map { ", or --job \($0), whose parameters are not the region's" } ?? "")
    }

    private var rowsWanted: Int { limit ?? (out == nil ? 100 : 0) }

    private func shownAs() throws(ValidationError) -> Format {
        if json { return .json }
        if let format { return format }
        return try OutputName.format(out, of: Format.self) ?? (out == nil ? .table : .csv)
    }

    private func bytes(_ page: ResultPage) throws -> [UInt8] {
        switch try shownAs() {
        case .json: [UInt8](try GridJSON.encodeForReading(page))
        case .csv: ResultFile.csv(page)
        case .npy: ResultFile.npy(page)
        case .table: Array((Self.table(page).lines().joined(separator: "\n") + "\n").utf8)
        }
    }

    private func request() throws -> ResultRequest {
        guard rowsWanted >= 0 else {
            throw GridError(.usage, "--limit \(rowsWanted) is not valid: expected a number from 0")
        }
        guard try shownAs() != .npy || out != nil else {
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
