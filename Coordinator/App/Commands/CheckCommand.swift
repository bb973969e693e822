import ArgumentParser
import ClusterModel
import Kernels
import Panel
import Service

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare candidates with the alphas of a region or a file: may they be submitted?",
        discussion: """
            A candidate fails when its correlation with some alpha is 0.7 or more, unless its Sharpe ratio is at least 10 % \
            above that of every such alpha. An alpha's ratio comes from is_sharpe, else from its PnL; the candidate's from \
            --sharpe, else from its PnL. An alpha with the candidate's own id is left out.

            CANDIDATE is a file with the PnL of one or several candidates, as for 'correlate'. Days that the pool does not \
            have are left out; the window is the pool's. Several candidates are also compared with each other.

            Examples:
              alphagrid check new.csv --region USA
              alphagrid check new.csv --region USA --pool mine --sharpe 1.8 --top 20
              alphagrid check new.csv --against pnl.csv --convention common-dates --window all --json
            """)

    @Argument(
        help: ArgumentHelp(
            "File with the candidates' PnL: .csv, .csv.gz or .npy; - is CSV from standard input.", valueName: "candidate"),
        completion: .file())
    var candidate: String

    @Option(help: ArgumentHelp("File with the PnL of the alphas to compare with; no server is needed.", valueName: "file"))
    var against: String?

    @Option(help: "Region to compare with, such as USA.", completion: .regions)
    var region: String?

    @Option(help: "Pool of the region (default: submitted).", completion: .pools)
    var pool: String?

    @Option(
        help: "ffill-shift, ffill-diff, common-dates, alphadatabank or daily-pnl (default: the region's, else ffill-shift).",
        completion: .conventions)
    var convention: String?

    @Option(help: "all, years such as 4y, or days such as 400d (default: the region's, else 4y, for .npy all).")
    var window: String?

    @Option(help: "Fewest common returns of a pair, at least 2 (default: the region's, else 60).")
    var minOverlap: Int?

    @Option(help: ArgumentHelp("How many of the most and of the least correlated alphas to show.", valueName: "k"))
    var top = 10

    @Flag(help: "Let |r| decide instead of r.")
    var absolute = false

    @Option(parsing: .unconditional, help: "The candidate's Sharpe ratio (default: from its PnL).")
    var sharpe: Double?

    @Flag(help: "Exit with 1 unless every candidate passes.")
    var strict = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (against == nil) != (region == nil) else { throw ValidationError("expected either --region or --against FILE") }
        if against != nil, pool != nil { throw ValidationError("--pool goes with --region: a file is one pool") }
    }

    func run() async throws {
        let view: CheckView
        if let region {
            let region = try Region(region)
            let request = try await Blocking.run { try self.request() }
            view = try await connection.client().check(request, region: region)
        } else {
            view = try await Blocking.run { try self.compareWithFile() }
        }
        for warning in view.warnings { StandardError.writeLine("warning: \(warning)".singleLine) }
        if output.isJSON {
            try StandardOutput.writeJSON(view)
        } else {
            StandardOutput.write(CheckReport(view, terminal: .of(1)).lines.joined(separator: "\n") + "\n")
        }
        if strict, view.candidates.contains(where: { $0.verdict != .pass }) { throw ExitCode(1) }
    }

    func request() throws(GridError) -> CheckRequest {
        let table = try PnLReader.read(path: candidate)
        guard !table.dates.isEmpty else {
            throw GridError(.usage, "\(candidate.printable) has no dates, which a region needs: expected .csv or .csv.gz")
        }
        var request = CheckRequest(
            candidates: try PoolCheck.Candidate.all(of: table, sharpe: sharpe).map { one in
                // Days without a value say nothing, and a wide file of many candidates has many.
                let days = table.dates.indices.filter { !one.series.values[$0].isNaN }
                let kept = days.isEmpty ? [0] : days
                return CheckRequest.Candidate(
                    alphaID: one.series.id, dates: kept.map { table.dates[$0].description },
                    pnl: kept.map { one.series.values[$0].isNaN ? nil : one.series.values[$0] }, sharpe: sharpe)
            })
        request.pool = pool
        request.convention = convention
        request.window = window
        request.minOverlap = minOverlap
        request.top = top
        request.absolute = absolute
        return request
    }

    func compareWithFile() throws(GridError) -> CheckView {
        let path = against ?? ""
        let candidates = try PoolCheck.Candidate.all(of: try PnLReader.read(path: candidate), sharpe: sharpe)
        let panel = try Panel.build(from: try PnLReader.read(path: path), blockEdge: CorrelationParameters.defaultBlockEdge)
        let options = try PoolCheck.Options(
            convention: try Convention(parsing: convention ?? Convention.ffillShift.rawValue),
            window: try window.map { text throws(GridError) in try Window(parsing: text) } ?? panel.defaultWindow,
            minOverlap: minOverlap ?? CorrelationParameters.defaultMinOverlap, top: top, isAbsolute: absolute)
        let pool = CandidatePool(
            panel: panel, convention: options.convention, firstDay: try panel.firstDay(of: options.window))
        return try PoolCheck(pool: pool, name: path, options: options).view(candidates)
    }
}
