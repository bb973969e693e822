import ArgumentParser
import ClusterModel
import Expressions
import Store

extension ExpressionsCommand {
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Read formulas and say what is wrong with them.",
            discussion: """
                Of one formula it shows the canonical form, which formulas that say the same have in common, and what \
                it uses. Of a region it shows the first problem of each alpha that has any. Unknown data fields are \
                problems only where --fields says which there are. The exit code is 1 when anything is wrong.

                Examples:
                  alphagrid expressions check 'group_rank(ts_rank(est_eps / close, 60), industry)'
                  alphagrid expressions check '-ts_corr(close, volume, 5)'
                  alphagrid expressions check --file alpha.txt --fields fields.json --json
                  alphagrid expressions check --region USA --operators operators.json
                """)

        @Argument(help: ArgumentHelp("A formula.", valueName: "text"))
        var text: String?

        @Option(help: "File with one formula; - is standard input.")
        var file: String?

        @Option(help: "Check the alphas of this region.", completion: .regions)
        var region: String?

        @Option(help: "Pool of the region (default: submitted).", completion: .pools)
        var pool: String?

        @OptionGroup var operators: OperatorOptions
        @OptionGroup var fields: FieldOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard [text, file, region].count(where: { $0 != nil }) == 1 else {
                throw ValidationError("expected either a formula, --file or --region")
            }
            if pool != nil, region == nil { throw ValidationError("--pool goes with --region") }
        }

        func run() throws {
            let (catalogue, fields) = (try operators.catalogue(), try fields.list())
            let isRight: Bool
            if let region {
                isRight = try check(try Region(region), catalogue, fields)
            } else {
                let source = try text ?? ExpressionFile.text(file ?? "-")
                let report = ExpressionReport(source, catalogue: catalogue, fields: fields)
                if output.isJSON {
                    try StandardOutput.writeJSON(report.view)
                } else {
                    StandardOutput.write(report.lines.joined(separator: "\n") + "\n")
                }
                isRight = report.view.valid
            }
            if !isRight { throw ExitCode(1) }
        }

        private func check(_ region: Region, _ catalogue: OperatorCatalogue, _ fields: FieldList?) throws -> Bool {
            let pool = pool ?? PoolName.submitted
            var view = RegionExpressionsView(region: region.name, pool: pool)
            var counts = FormulaCounts()
            try counts.read(try Store(url: try database.resolved()), region, pool) { id, result in
                switch result {
                case .success(let program):
                    view.add(catalogue.validate(program, fields: fields).map(ExpressionProblem.init), of: id)
                case .failure(let error): view.add([ExpressionProblem(error)], of: id)
                }
            }
            view.alphas = counts
            if output.isJSON {
                try StandardOutput.writeJSON(view)
            } else {
                StandardOutput.write(view.lines.joined(separator: "\n") + "\n")
            }
            return view.alphasWrong == 0
        }
    }
}
