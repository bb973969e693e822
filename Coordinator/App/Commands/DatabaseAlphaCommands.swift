import ArgumentParser
import ClusterModel
import Foundation
import Panel
import Store

/// Alphas by their ids, on the command line or in a file.
struct AlphaSelection: ParsableArguments {
    @Argument(help: ArgumentHelp("Ids of alphas.", valueName: "alpha-id"))
    var ids: [String] = []

    @Option(help: ArgumentHelp("File with one id per line; - is standard input.", valueName: "file"))
    var idsFrom: String?

    /// In the order given; empty when none was.
    func resolved() throws(GridError) -> [String] {
        guard let idsFrom else { return ids }
        let content = try FileSystem.contents(of: idsFrom == "-" ? "/dev/stdin" : idsFrom)
        guard let text = content.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw GridError(.usage, "\(idsFrom.printable) is not UTF-8 text: expected one alpha id per line")
        }
        return ids + Self.lines(text)
    }

    /// Lines without the blanks around them; empty ones do not count.
    static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    func required() throws(GridError) -> [String] {
        let ids = try resolved()
        guard !ids.isEmpty else { throw GridError(.usage, "no alphas are named: expected ids, or --ids-from FILE") }
        return ids
    }
}

struct DatabasePromoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Make unsubmitted alphas submitted ones, with their PnL and metadata.",
        discussion: """
            Examples:
              alphagrid db promote A1B2C3 D4E5F6
              alphagrid db promote --ids-from accepted.txt
              alphagrid db promote --region USA            (all of the region)
            """)

    @OptionGroup var selection: AlphaSelection

    @Option(help: "Promote every unsubmitted alpha of this region.", completion: .regions)
    var region: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let region = try region.map { text throws(GridError) in try Region(text) }
        let ids = try region == nil ? selection.required() : selection.resolved()
        guard region == nil || ids.isEmpty else {
            throw GridError(.usage, "ids and --region do not go together: --region promotes every unsubmitted alpha of it")
        }
        let store = try Store(url: try database.resolved())
        let report = if let region { try store.promote(region: region) } else { try store.promote(alphaIDs: ids) }
        try output.print(report, verb: "promoted")
    }
}

struct DatabaseRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Delete alphas with their PnL and results, or a whole region.",
        discussion: """
            A region that holds alphas goes only with --force.

            Examples:
              alphagrid db remove A1B2C3
              alphagrid db remove --unsubmitted --ids-from rejected.txt
              alphagrid db remove --region USB
            """)

    @OptionGroup var selection: AlphaSelection

    @Flag(help: "The alphas are candidates, not submitted ones.")
    var unsubmitted = false

    @Option(help: "Delete this region with its tables, pools and settings.", completion: .regions)
    var region: String?

    @Flag(help: "Delete the region's alphas and their PnL too.")
    var force = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        guard let region else {
            guard !force else { throw GridError(.usage, "--force is for regions: expected --region with it") }
            let ids = try selection.required()
            let store = try Store(url: try database.resolved())
            return try output.print(try store.remove(alphaIDs: ids, unsubmitted: unsubmitted), verb: "removed")
        }
        let name = try Region(region)
        guard try selection.resolved().isEmpty, !unsubmitted else {
            throw GridError(.usage, "--region removes the whole region: expected no ids and no --unsubmitted with it")
        }
        let report = try Store(url: try database.resolved()).removeRegion(name, force: force)
        try output.print(report, verb: "removed region \(name):")
    }
}

extension OutputOptions {
    func print(_ report: AlphaChangeReport, verb: String) throws {
        if isJSON { return try StandardOutput.writeJSON(report) }
        let alphas = Quantity.counted(report.alphas, "alpha")
        StandardOutput.write("\(verb) \(alphas) with \(Quantity.counted(report.pnlRows, "PnL row"))\n")
    }
}
