import ArgumentParser
import ClusterModel
import Foundation

/// `alphagrid-synthetic`: the labelled, made-up data of the demo, the benches and the tests.
@main struct SyntheticTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alphagrid-synthetic",
        abstract: "Writes made-up cumulative PnL as CSV; the same options always give the same file.")

    @Option(help: "Region, which also decides the calendar and the factors.") var region = "USA"
    @Option(help: "Number of alphas.") var alphas = 600
    @Option(help: "Number of trading days.") var days = 1_250
    @Option(help: "Seed of everything made up.") var seed: UInt64 = 1
    @Option(help: "Share of alphas that start late.") var late = 0.3
    @Option(help: "Share of alphas with missing days.") var gaps = 0.2
    @Option(help: "Share of alphas that nearly repeat an earlier one.") var duplicates = 0.02
    @Option(help: "wide or long.") var layout = Layout.wide
    @Option(help: "File to write.") var out: String

    func validate() throws {
        guard alphas >= 1, days >= 1, alphas <= Limits.alphasMax, days <= Limits.daysMax, alphas * days <= 200_000_000 else {
            throw ValidationError("--alphas \(alphas) x --days \(days): expected at least 1 each and at most 200,000,000 values")
        }
        for (name, share) in [("late", late), ("gaps", gaps), ("duplicates", duplicates)] where !(0...1).contains(share) {
            throw ValidationError("--\(name) \(share): expected a share from 0 to 1")
        }
        do { _ = try Region(region) } catch { throw ValidationError(error.message) }
    }

    func run() throws {
        let recipe = SyntheticRecipe(
            region: region, alphas: alphas, days: days, seed: seed, late: late, gaps: gaps, duplicates: duplicates)
        var output = try CSVOutput(path: out)
        try output.write(SyntheticRegion(recipe), layout: layout)
        let line = "synthetic data: \(alphas) alphas x \(days) days of \(region), seed \(seed), \(layout.rawValue): \(out)\n"
        FileHandle.standardError.write(Data(line.utf8))
    }
}
