import ArgumentParser
import ClusterModel
import Expressions
import Store

extension ExpressionsCommand {
    struct Usage: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "usage",
            abstract: "Count the operators and data fields that a region's formulas use.",
            discussion: """
                ALPHAS are those that use a word, COUNT says how often they all write it. Signs count as the operators \
                they stand for: + as add, ?: as if_else. Categories come from the lists.

                Examples:
                  alphagrid expressions usage --region USA
                  alphagrid expressions usage --region USA --pool unsubmitted --fields fields.json --json
                """)

        enum Format: String, CaseIterable, ExpressibleByArgument { case table, csv, json }

        @OptionGroup var alphas: ExpressionPool
        @OptionGroup var operators: OperatorOptions
        @OptionGroup var fields: FieldOptions

        @Option(help: "table, csv or json (default: table).")
        var format: Format?

        @Flag(help: "The same as --format json.")
        var json = false

        func validate() throws {
            if json, let format, format != .json { throw ValidationError(OutputOptions.contradiction(format.rawValue)) }
        }

        func run() throws {
            let (catalogue, fields) = (try operators.catalogue(), try fields.list())
            var usage = CombinedUsage()
            let (_, region, counts) = try alphas.read { _, program in
                usage.add(ExpressionUsage(program, catalogue: catalogue, fields: fields))
            }
            let view = UsageView(region: region.name, pool: alphas.pool, alphas: counts, usage)
            switch json ? .json : format ?? .table {
            case .json: try StandardOutput.writeJSON(view)
            case .csv: StandardOutput.write(view.csv)
            case .table: StandardOutput.write(view.lines(terminal: .of(1)).joined(separator: "\n") + "\n")
            }
        }
    }

    struct Expansion: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "expansion",
            abstract: "List the operators, and with --fields the data fields, that no formula of a region uses yet.",
            discussion: """
                Examples:
                  alphagrid expressions expansion --region USA
                  alphagrid expressions expansion --region USA --operators operators.json --fields fields.json --json
                """)

        @OptionGroup var alphas: ExpressionPool
        @OptionGroup var operators: OperatorOptions
        @OptionGroup var fields: FieldOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (catalogue, fields) = (try operators.catalogue(), try fields.list())
            var usage = CombinedUsage()
            let (_, region, counts) = try alphas.read { _, program in
                usage.add(ExpressionUsage(program, catalogue: catalogue, fields: fields))
            }
            let view = ExpansionView(region: region.name, pool: alphas.pool, alphas: counts, usage, catalogue, fields)
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            StandardOutput.write(view.lines.joined(separator: "\n") + "\n")
        }
    }

    struct Duplicates: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "duplicates",
            abstract: "Group the alphas of a region that say the same, and those that earn the same.",
            discussion: """
                Formulas say the same when their canonical forms are equal. Alphas earn the same when |r| is above the \
                threshold, directly or through others; that is known from the nearest neighbours that the region's \
                last 'alphagrid run correlation' has published.

                Examples:
                  alphagrid expressions duplicates --region USA
                  alphagrid expressions duplicates --region USA --threshold 0.95 --json
                """)

        @OptionGroup var alphas: ExpressionPool

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("|r| above which alphas earn the same, from 0 to less than 1.", valueName: "r"))
        var threshold = 0.99

        @OptionGroup var operators: OperatorOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard threshold >= 0, threshold < 1 else {
                throw ValidationError("--threshold \(threshold) is not valid: expected a number from 0 to less than 1")
            }
        }

        func run() throws {
            let catalogue = try operators.catalogue()
            var duplicates = ExpressionDuplicates()
            let (store, region, counts) = try alphas.read { id, program in
                duplicates.add(alphaID: id, hash: CanonicalForm(program, catalogue: catalogue).hash)
            }
            let pnl = try samePnL(store, region)
            let view = DuplicatesView(
                region: region.name, pool: alphas.pool, threshold: threshold, alphas: counts, sameForm: duplicates.groups,
                samePnL: pnl)
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            StandardOutput.write(view.lines.joined(separator: "\n") + "\n")
        }

        private func samePnL(_ store: Store, _ region: Region) throws(GridError) -> SamePnLView {
            guard alphas.pool != PoolName.unsubmitted else {
                return SamePnLView(note: "neighbours are published of submitted alphas only")
            }
            guard let close = try store.closePairs(region, above: threshold) else {
                return SamePnLView(
                    note: "no neighbours of region \(region) are published: run 'alphagrid run correlation --region \(region) "
                        + "--wait' with the region's own settings first")
            }
            guard alphas.pool != PoolName.submitted else { return SamePnLView(close) }
            return SamePnLView(close, among: Set(try store.poolMembers(region, pool: alphas.pool)))
        }
    }
}
