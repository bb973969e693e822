import ArgumentParser
import ClusterModel
import Panel
import Store

struct DatabaseImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import cumulative PnL from a file.",
        discussion: """
            FILE is a CSV file, wide (first column 'date', one column per alpha) or long (alpha_id,date,pnl), plain or \
            .gz. A value that differs from the stored one replaces it; importing a file again changes nothing. A file \
            with a mistake in it is refused as a whole, line by line.

            Examples:
              alphagrid db import pnl.csv.gz --region USA
              alphagrid db import candidates.csv --region USA --unsubmitted
              zcat pnl.csv.gz | alphagrid db import - --region USA
            """)

    @Argument(help: "File with the PnL; - is standard input.", completion: .file())
    var file: String

    @Option(help: "Region, such as USA.", completion: .regions)
    var region: String

    @Flag(help: "The alphas are candidates, not submitted ones.")
    var unsubmitted = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let region = try Region(region)
        let store = try Store(url: try database.resolved())
        let line = ProgressLine(enabled: true)
        defer { line.clear() }
        let report = try whole {
            try store.importPnL(path: file, region: region, unsubmitted: unsubmitted) { step in
                line.show(Self.text(step, file: file), last: step.isLong)
            }
        }
        line.clear()
        try output.print(report, rows: "values")
    }

    static func text(_ step: ImportStep, file: String) -> String {
        switch step {
        case .reading: "reading \(FileSystem.name(file))"
        case .copying(let done, let total):
            "copying \(ProgressBar.bar(done: done, total: total)) \(done)/\(Quantity.counted(total, "alpha"))"
        case .writing(let values): "writing what differs of \(Quantity.counted(values, "value"))"
        }
    }
}

struct DatabaseImportAlphasCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-alphas",
        abstract: "Import what is known about alphas: sharpe, turnover, universe, code, ...",
        discussion: """
            FILE is .csv or .json with 'alpha_id' and any columns of the table alphas. What it says replaces what is \
            stored; what it leaves out stays.

            Examples:
              alphagrid db import-alphas alphas.csv --region USA
              alphagrid db import-alphas candidates.json --region USA --unsubmitted
            """)

    @Argument(help: "File with the alphas; - is standard input.", completion: .file())
    var file: String

    @Option(help: "Region of alphas whose row names none.", completion: .regions)
    var region: String?

    @Flag(help: "The alphas are candidates, not submitted ones.")
    var unsubmitted = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let region = try region.map { text throws(GridError) in try Region(text) }
        let store = try Store(url: try database.resolved())
        let report = try whole { try store.importAlphas(path: file, region: region, unsubmitted: unsubmitted) }
        try output.print(report, rows: "alphas")
    }
}

/// An import that loses the database has stored nothing or everything; doing it again is right in both cases.
private func whole(_ body: () throws -> ImportReport) throws -> ImportReport {
    do {
        return try body()
    } catch let error as GridError where error.kind == .unreachable {
        throw GridError(.unreachable, "\(error.message); import it again when it is back: no part of a file is stored by itself")
    }
}

extension OutputOptions {
    func print(_ report: ImportReport, rows: String) throws {
        if isJSON { return try StandardOutput.writeJSON(report) }
        let place = [report.region, report.unsubmitted ? "unsubmitted" : nil].compactMap(\.self).joined(separator: " ")
        let alphas = Quantity.counted(report.alphas, "alpha") + (place.isEmpty ? "" : " of \(place)")
        StandardOutput.write(
            "\(report.file): \(alphas), \(report.alphasInserted) new; "
                + "\(rows): \(report.rowsInserted) inserted, \(report.rowsUpdated) updated, \(report.rowsUnchanged) unchanged\n")
    }
}
