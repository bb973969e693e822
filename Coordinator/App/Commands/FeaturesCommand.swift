import ArgumentParser
import ClusterModel
import Foundation
import Panel
import Service

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Features without a grid.
struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Sharpe, drawdown, tails and more of the alphas of one file, without server and database.",
        discussion: """
            INPUT is a file as 'correlate' takes it. Returns are daily PnL / 10,000,000, not compounded; days without one are \
            dropped. The table shows a few features; CSV and JSON have all of them, under the names that the columns of \
            alpha_features_<region> bear.

            Examples:
              alphagrid features pnl.csv
              alphagrid features pnl.csv.gz --window all --out features.csv
              alphagrid features daily.csv --convention daily-pnl --json
              alphagrid features --describe
            """)

    @Argument(
        help: ArgumentHelp("File with the PnL: .csv, .csv.gz or .npy; - is CSV from standard input.", valueName: "input"),
        completion: .file())
    var input: String?

    @Flag(help: "Say what each feature is, and in which unit, instead.")
    var describe = false

    @Option(help: "ffill-shift (values are cumulative PnL) or daily-pnl.", completion: .conventions)
    var convention = Convention.ffillShift.rawValue

    @Option(help: "all, years such as 4y, or days such as 400d (default: 4y, for .npy all).")
    var window: String?

    @Option(help: "Tasks computed at once (default: one per core).")
    var workers: Int?

    @Option(help: "table, csv or json (default: by the name of --out, else table).")
    var format: CorrelateCommand.Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @Option(help: ArgumentHelp("Write the rows to this file, which appears when it is complete.", valueName: "file"))
    var out: String?

    @Flag(help: "Print nothing but the result and errors.")
    var quiet = false

    func validate() throws {
        guard (input == nil) == describe else { throw ValidationError("expected either an input or --describe") }
        if json, let format, format != .json { throw ValidationError(OutputOptions.contradiction(format.rawValue)) }
        _ = try chosenFormat()
    }

    func run() throws {
        guard let input else { return StandardOutput.write(Self.descriptions.joined(separator: "\n") + "\n") }
        let convention = try Convention(parsing: convention)
        guard AlphaFeature.convention(for: convention) == convention else {
            throw GridError(
                .usage, "--convention \(convention.rawValue) is a rule for correlations: expected ffill-shift or daily-pnl")
        }
        let slots = workers ?? ProcessInfo.processInfo.activeProcessorCount
        guard (1...Limits.slotsMax).contains(slots) else {
            throw GridError(.usage, "--workers \(slots) is not valid: expected a number from 1 to \(Limits.slotsMax)")
        }
        if let out { try CorrelateCommand.expectWritable(out) }
        try CorrelateCommand.expectDifferent([input] + [out].compactMap(\.self))
        let window = try window.map { text throws(GridError) in try Window(parsing: text) }
        // Until it is committed a file does not have its name, and goes away when anything fails.
        let interruption = Interruption()
        let line = ProgressLine(enabled: !quiet)
        defer { line.clear() }
        let result = try EmbeddedGrid.features(
            path: input, window: window, isDaily: convention == .dailyPnL, slots: slots
        ) { progress in
            let (done, total) = (progress.tasksDone, progress.tasksTotal)
            line.show("\(progress.stageName) \(ProgressBar.bar(done: done, total: total)) \(done)/\(total)")
        }
        line.clear()
        let report = FeaturesReport(result: result, convention: convention)
        try write(report, interruption)
        interruption.end()
        if !quiet { StandardError.writeLine(report.summary) }
    }

    static var descriptions: [String] {
        TextTable(
            [.init("FEATURE"), .init("UNIT"), .init("MEANING")],
            rows: AlphaFeature.allCases.map { [$0.name, $0.unit, $0.meaning] }
        ).lines()
    }

    private func write(_ report: FeaturesReport, _ interruption: borrowing Interruption) throws {
        guard let out else {
            return try render(report, terminal: .of(STDOUT_FILENO)) { try StandardOutput.write(Data($0.utf8)) }
        }
        let file = try interruption.create(out)
        let plain = Terminal(isTerminal: false, hasColor: false, columns: 0, rows: 0)
        try render(report, terminal: plain) { try file.write(Array($0.utf8)) }
        try file.commit()
    }

    private func chosenFormat() throws(ValidationError) -> CorrelateCommand.Format {
        if json { return .json }
        if let format { return format }
        return try OutputName.format(out, of: CorrelateCommand.Format.self) ?? .table
    }

    private func render(_ report: FeaturesReport, terminal: Terminal, _ sink: FeaturesReport.Sink) throws {
        switch try chosenFormat() {
        case .table: try report.writeTable(terminal: terminal, sink)
        case .csv: try report.writeCSV(sink)
        case .json: try report.writeJSON(sink)
        }
    }
}
