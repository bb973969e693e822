import ArgumentParser
import ClusterModel
import Foundation
import Store

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Prepare and fill the database.",
        discussion: """
            Examples:
              alphagrid db init --database postgresql://quant@db/alphagrid
              alphagrid db import pnl.csv.gz --region USA
              alphagrid db import-alphas alphas.json --region USA
              alphagrid db status
            """,
        subcommands: [
            DatabaseInitCommand.self, DatabaseImportCommand.self, DatabaseImportAlphasCommand.self,
            DatabasePromoteCommand.self, DatabaseRemoveCommand.self, DatabasePoolsCommand.self,
            DatabaseConfigureCommand.self, DatabaseStatusCommand.self,
        ])
}

struct DatabaseInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make AlphaGrid's tables, or bring them up to this version.",
        discussion: """
            Running it again does no harm.

            Examples:
              alphagrid db init --database postgresql://quant@db/alphagrid
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    private struct Report: Codable {
        var applied: [String]
    }

    func run() throws {
        let applied = try Store(url: try database.resolved()).migrate()
        if output.isJSON { return try StandardOutput.writeJSON(Report(applied: applied)) }
        StandardOutput.write(applied.isEmpty ? "the tables are up to date\n" : "applied: \(applied.joined(separator: ", "))\n")
    }
}

struct DatabaseStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what the database holds, region by region.",
        discussion: """
            Examples:
              alphagrid db status
              alphagrid db status --json
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let status = try Store(url: try database.resolved()).status()
        if output.isJSON { return try StandardOutput.writeJSON(status) }
        StandardOutput.write(Self.header(status).joined(separator: "\n") + "\n")
        guard !status.regions.isEmpty else {
            return StandardError.writeLine("no regions yet: import PnL with 'alphagrid db import'")
        }
        StandardOutput.write("\n")
        StandardOutput.writeTable(Self.table(status.regions))
    }

    static func header(_ status: DatabaseStatus) -> [String] {
        var schema = "version \(status.schemaVersion)"
        if status.schemaVersion != status.schemaVersionKnown {
            schema += " (this program needs \(status.schemaVersionKnown): run 'alphagrid db init')"
        }
        let holder = status.epochHolder.isEmpty ? nil : "epoch \(status.epoch), \(status.epochHolder)"
        return TextTable.page([
            ("database", status.place), ("postgresql", status.serverVersion), ("schema", schema), ("coordinator", holder),
            ("jobs", "\(status.jobs)"),
        ])
    }

    static func table(_ regions: [RegionStatus]) -> TextTable {
        TextTable(
            [
                .init("REGION"), .init("ALPHAS", .right), .init("UNSUBMITTED", .right), .init("PNL ROWS", .right),
                .init("FROM"), .init("TO"), .init("RESULTS", .right), .init("PUBLISHED"), .init("CONVENTION"),
                .init("WINDOW"), .init("MIN OVERLAP", .right),
            ],
            rows: regions.map { region in
                [
                    region.region + (region.isEmpty ? " (empty)" : ""), "\(region.alphas)", "\(region.alphasUnsubmitted)",
                    (region.pnlRowsEstimated ? "~" : "") + "\(region.pnlRows)", region.firstDate ?? "",
                    region.lastDate ?? "", "\(region.correlationRows)", region.correlationUpdatedAt ?? "",
                    region.convention, region.window, "\(region.minOverlap)",
                ]
            })
    }
}

struct DatabaseConfigureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure",
        abstract: "Set what a region's own correlation job computes; only that one publishes to correlation_<region>.",
        discussion: """
            What is not given stays as it is. Published rows stay until the next job.

            Examples:
              alphagrid db configure --region USA --convention ffill-diff --window all
            """)

    @Option(help: "Region, such as USA.", completion: .regions)
    var region: String

    @Option(help: "ffill-shift, ffill-diff, common-dates, alphadatabank or daily-pnl.", completion: .conventions)
    var convention: String?

    @Option(help: "all, years such as 4y, or days such as 400d.")
    var window: String?

    @Option(help: "Fewest common returns of a pair, at least 2.")
    var minOverlap: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Make the region if there is none of this name.")
    var create = false

    private struct Report: Codable {
        var region: String
        var convention: String
        var window: String
        var minOverlap: Int
    }

    func run() throws {
        let region = try Region(region)
        let convention = try convention.map { text throws(GridError) in try Convention(parsing: text) }
        let window = try window.map { text throws(GridError) in try Window(parsing: text) }
        let store = try Store(url: try database.resolved())
        var settings = try store.regionSettings(region) ?? RegionSettings()
        if let convention { settings.convention = convention }
        if let window { settings.window = window }
        if let minOverlap { settings.minOverlap = minOverlap }
        try store.setRegionSettings(region, settings, creating: create)
        let report = Report(
            region: region.name, convention: settings.convention.rawValue, window: settings.window.description,
            minOverlap: settings.minOverlap)
        if output.isJSON { return try StandardOutput.writeJSON(report) }
        StandardOutput.write(
            "\(report.region): \(report.convention), window \(report.window), min-overlap \(report.minOverlap)\n")
    }
}
