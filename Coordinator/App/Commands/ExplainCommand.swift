import ArgumentParser
import ClusterModel
import Panel
import Service

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show how the correlation of two alphas comes about: every convention, every year.",
        discussion: """
            For each convention: r, the common returns, the first and the last day they end on, r per calendar year, and why \
            r is undefined where it is. daily-pnl takes the values as they are, which makes little sense for cumulative PnL.

            Examples:
              alphagrid explain A1 A2 --region USA
              alphagrid explain A1 A2 --file pnl.csv --window 400d --json
            """)

    @Argument(help: "An alpha.")
    var first: String

    @Argument(help: "Another one.")
    var second: String

    @Option(help: "Region of both, such as USA.", completion: .regions)
    var region: String?

    @Option(help: "Pool of both (default: submitted).", completion: .pools)
    var pool: String?

    @Option(help: "File with the PnL of both; no server is needed.")
    var file: String?

    @Option(help: "all, years such as 4y, or days such as 400d (default: the region's, else 4y, for .npy all).")
    var window: String?

    @Option(help: "Fewest common returns of a pair, at least 2 (default: the region's, else 60).")
    var minOverlap: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (file == nil) != (region == nil) else { throw ValidationError("expected either --region or --file") }
        if file != nil, pool != nil { throw ValidationError("--pool goes with --region: a file is one pool") }
    }

    func run() async throws {
        let view: PairView
        if let region {
            var request = PairRequest(first, second)
            request.pool = pool
            request.window = window
            request.minOverlap = minOverlap
            view = try await connection.client().pair(request, region: try Region(region))
        } else {
            view = try await Blocking.run { try self.explainFile() }
        }
        if output.isJSON { return try StandardOutput.writeJSON(view) }
        StandardOutput.write(PairReport(view, terminal: .of(1)).lines.joined(separator: "\n") + "\n")
    }

    func explainFile() throws(GridError) -> PairView {
        let path = file ?? ""
        let panel = try Panel.build(from: try PnLReader.read(path: path), blockEdge: CorrelationParameters.defaultBlockEdge)
        let window = try window.map { text throws(GridError) in try Window(parsing: text) } ?? panel.defaultWindow
        return try PoolCheckPair.view(
            first, second, in: panel, poolName: path, window: window,
            minOverlap: minOverlap ?? CorrelationParameters.defaultMinOverlap)
    }
}
