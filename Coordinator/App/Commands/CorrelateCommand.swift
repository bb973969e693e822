import ArgumentParser
import ClusterModel
import Foundation
import Panel
import Service
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct CorrelateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "correlate",
        abstract: "Correlate the alphas of one file, without server and database.",
        discussion: """
            INPUT is a CSV file, wide (first column 'date', one column per alpha) or long (alpha_id,date,pnl), plain or \
            .gz, or a 2-D .npy file with a row per date. Values are cumulative PnL unless --convention daily-pnl says \
            otherwise.

            --top adds the most and the least correlated alphas of each, or with --absolute those of the largest |r|; \
            --threshold lists pairs, in the file --pairs names or in the JSON.

            Examples:
              alphagrid correlate pnl.csv
              alphagrid correlate pnl.csv.gz --convention ffill-diff --window all --out summary.csv
              alphagrid correlate pnl.npy --precision float32 --format json > summary.json
              alphagrid correlate pnl.csv --top 5 --threshold 0.7 --pairs alike.csv --matrix r.npy
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json
    }

    @Argument(
        help: ArgumentHelp("File with the PnL: .csv, .csv.gz or .npy; - is CSV from standard input.", valueName: "input"),
        completion: .file())
    var input: String

    @Option(help: "ffill-shift, ffill-diff, common-dates, alphadatabank or daily-pnl.", completion: .conventions)
    var convention = Convention.ffillShift.rawValue

    @Option(help: "all, years such as 4y, or days such as 400d (default: 4y, for .npy all).")
    var window: String?

    @Option(help: "Fewest common returns of a pair, at least 2.")
    var minOverlap = CorrelationParameters.defaultMinOverlap

    @Option(help: "float64 or float32.", completion: .precisions)
    var precision = Precision.float64.rawValue

    @OptionGroup var kept: PairOptions

    @Option(help: ArgumentHelp("Write the pairs beyond --threshold to this CSV file.", valueName: "file"))
    var pairs: String?

    @Option(help: ArgumentHelp("Write the whole matrix to this NPY file.", valueName: "file.npy"))
    var matrix: String?

    @Option(help: ArgumentHelp("Alphas per tile edge.", visibility: .hidden))
    var blockEdge = CorrelationParameters.defaultBlockEdge

    @Option(help: "Tasks computed at once (default: one per core).")
    var workers: Int?

    @Option(help: "table, csv or json (default: by the name of --out, else table).")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @Option(help: ArgumentHelp("Write the rows to this file, which appears when it is complete.", valueName: "file"))
    var out: String?

    @Flag(help: "Print nothing but the result and errors.")
    var quiet = false

    func validate() throws {
        if json, let format, format != .json { throw ValidationError(OutputOptions.contradiction(format.rawValue)) }
        if kept.absolute, kept.top == nil, kept.threshold == nil {
            throw ValidationError("--absolute says how --top and --threshold mean it: expected one of them")
        }
        if pairs != nil, kept.threshold == nil { throw ValidationError("--pairs needs --threshold: which pairs are meant?") }
        let format = try chosenFormat()
        if kept.threshold != nil, pairs == nil, format != .json {
            throw ValidationError("--threshold needs a place for the pairs: expected --pairs FILE or --format json")
        }
        if let matrix, !matrix.lowercased().hasSuffix(".npy") {
            throw ValidationError("--matrix writes an NPY file: expected a name that ends in .npy")
        }
    }

    func run() throws {
        let parameters = try parameters()
        let slots = try slots()
        let outputs = [out, pairs, matrix].compactMap(\.self)
        for path in outputs { try Self.expectWritable(path) }
        try Self.expectDifferent([input] + outputs)

        let line = ProgressLine(enabled: !quiet)
        let request = EmbeddedRequest(
            path: input, parameters: parameters, slots: slots,
            neighbourKinds: kept.top == nil ? [] : kept.absolute ? [.absolute] : [.most, .least])
        // Until they are committed files do not have their names, and go away when anything fails.
        let interruption = Interruption()
        let result: EmbeddedResult
        do {
            result = try EmbeddedGrid.correlate(request) { progress in
                let done = progress.tasksDone
                let total = progress.tasksTotal
                line.show("\(progress.stageName) \(ProgressBar.bar(done: done, total: total)) \(done)/\(total)")
            }
            line.clear()
        } catch {
            line.clear()
            throw error
        }

        // Only now: whose file could not be read does not care which kernels would have worked on it.
        if !quiet, let note = Main.kernelNote.withLock({ $0 }) { StandardError.writeLine("note: \(note)".singleLine) }
        let report = CorrelationReport(result, parameters)
        if !quiet { for warning in report.warnings { StandardError.writeLine("warning: \(warning)".singleLine) } }
        if let pairs { try Self.write(try interruption.create(pairs), report.writePairs) }
        try write(report, interruption)
        if let matrix {
            try result.matrix.write(to: try interruption.create(matrix)) { done, total in
                line.show("matrix \(ProgressBar.bar(done: done, total: total)) \(done)/\(total)")
            }
            line.clear()
        }
        interruption.end()
        if !quiet { StandardError.writeLine(report.summary) }
    }

    func parameters() throws(GridError) -> CorrelationParameters {
        let isNPY = input.lowercased().hasSuffix(".npy")
        let window = try Window(parsing: window ?? (isNPY ? "all" : "4y"))
        if isNPY, case .years = window {
            throw GridError(
                .usage, "--window \(window) needs dates, and \(input.printable) has none: expected all or days such as 400d")
        }
        return try CorrelationParameters(
            convention: try Convention(parsing: convention), window: window, minOverlap: minOverlap,
            precision: try Precision(parsing: precision), blockEdge: blockEdge,
            neighbours: kept.top ?? CorrelationParameters.defaultNeighbours,
            edges: kept.threshold.map { EdgeRule(from: $0, absolute: kept.absolute) })
    }

    func slots() throws(GridError) -> Int {
        guard let workers else { return ProcessInfo.processInfo.activeProcessorCount }
        guard (1...Limits.slotsMax).contains(workers) else {
            throw GridError(
                .usage, "--workers \(workers) is not valid: expected a number from 1 to \(Limits.slotsMax)")
        }
        return workers
    }

    /// A format that was asked for, else what the file's name says.
    func chosenFormat() throws(ValidationError) -> Format {
        if json { return .json }
        if let format { return format }
        return try OutputName.format(out, of: Format.self) ?? .table
    }

    private func write(_ report: CorrelationReport, _ interruption: borrowing Interruption) throws {
        guard let out else {
            try render(report, terminal: .of(STDOUT_FILENO)) { try StandardOutput.write(Data($0.utf8)) }
            return
        }
        let plain = Terminal(isTerminal: false, hasColor: false, columns: 0, rows: 0)
        try Self.write(try interruption.create(out)) { try render(report, terminal: plain, $0) }
    }

    private static func write(_ file: consuming AtomicFile, _ content: (CorrelationReport.Sink) throws -> Void) throws {
        let file = file
        try content { try file.write(Array($0.utf8)) }
        try file.commit()
    }

    /// A file that is named twice would be lost.
    static func expectDifferent(_ paths: [String]) throws(GridError) {
        // Devices and pipes may be written to as often as anybody likes.
        let places = paths.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }.filter { !$0.hasPrefix("/dev/") }
        for (index, place) in places.enumerated() where places[..<index].contains(place) {
            throw GridError(.usage, "\(place) is named twice: expected another file for each output than for the input")
        }
    }

    /// Asked before a long computation, so that it is not lost for a misspelt folder.
    static func expectWritable(_ path: String) throws(GridError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard access(folder, W_OK | X_OK) == 0 else {
            throw GridError(errno == ENOENT ? .notFound : .failed, "cannot write \(path): \(systemMessage(errno))")
        }
    }

    private func render(_ report: CorrelationReport, terminal: Terminal, _ sink: CorrelationReport.Sink) throws {
        switch try chosenFormat() {
        case .table: try report.writeTable(terminal: terminal, sink)
        case .csv: try report.writeCSV(sink)
        case .json: try report.writeJSON(sink)
        }
    }
}

extension CorrelationReport {
    init(_ result: EmbeddedResult, _ parameters: CorrelationParameters) {
        self.init(
            rows: result.rows, parameters: parameters, dayCount: result.dayCount, windowStart: result.windowStart,
            windowEnd: result.windowEnd, profile: "\(result.profile)", panelHash: result.panelHash, digest: result.digest,
            warnings: result.warnings,
            seconds: [("read", result.readSeconds), ("compute", result.computeSeconds)],
            neighbours: result.neighbours, edges: result.edges)
    }
}
