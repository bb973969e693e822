import ArgumentParser
import ClusterModel
import Expressions
import Foundation
import Panel
import Store

struct ExpressionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expressions",
        abstract: "Check formulas, and show what those of a region use, leave unused and say twice.",
        discussion: """
            Formulas are those of the column 'code', which 'alphagrid db import-alphas' fills. They are read from the \
            database; no coordinator is needed.

            Examples:
              alphagrid expressions check 'rank(ts_delta(close, 5))'
              alphagrid expressions check --region USA
              alphagrid expressions usage --region USA --format csv
              alphagrid expressions expansion --region USA --fields fields.json
              alphagrid expressions duplicates --region USA
            """,
        subcommands: [Check.self, Usage.self, Expansion.self, Duplicates.self])

    /// Many formulas begin with a minus, and the parser would take `-rank(x)` for options and `-high` for a cry for help:
    /// they go behind `--`.
    static func shieldingFormulas(_ arguments: [String]) -> [String] {
        guard arguments.starts(with: [_commandName, Check._commandName]), !arguments.contains("--") else { return arguments }
        func isFormula(_ text: String) -> Bool {
            text.count > 1 && text.hasPrefix("-") && !text.hasPrefix("--") && !["-h", "-help"].contains(text)
        }
        guard arguments.contains(where: isFormula) else { return arguments }
        return arguments.filter { !isFormula($0) } + ["--"] + arguments.filter(isFormula)
    }
}

/// The operators that there are.
struct OperatorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "JSON list of the operators that there are (default: the built-in list).",
            discussion: "{\"operators\": [...], \"count\": n}, the bare array, or names.", valueName: "file"))
    var operators: String?

    func catalogue() throws(GridError) -> OperatorCatalogue {
        guard let operators else { return .standard }
        return try ExpressionFile.list(operators) { json throws(GridError) in try OperatorCatalogue(json: json) }
    }
}

/// The data fields that there are.
struct FieldOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "JSON list of the data fields that there are.",
            discussion: "{\"fields\": [...]} or {\"results\": [...]}, the bare array, or names.", valueName: "file"))
    var fields: String?

    /// nil when none is given, so that any name may be one.
    func list() throws(GridError) -> FieldList? {
        guard let fields else { return nil }
        return try ExpressionFile.list(fields) { json throws(GridError) in try FieldList(json: json) }
    }
}

enum ExpressionFile {
    /// The text of a file; `-` is standard input.
    static func text(_ path: String) throws(GridError) -> String {
        let content = try FileSystem.contents(of: path == "-" ? "/dev/stdin" : path)
        guard let text = content.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw GridError(.usage, "\(FileSystem.name(path)) is not UTF-8 text")
        }
        return text
    }

    /// Reads a list, and puts the file's name before what is wrong with it.
    static func list<List>(_ path: String, _ read: (String) throws(GridError) -> List) throws(GridError) -> List {
        let text = try text(path)
        do throws(GridError) { return try read(text) } catch {
            throw GridError(error.kind, "\(FileSystem.name(path)): \(error.message)")
        }
    }
}

/// The alphas whose formulas are meant, and where they are.
struct ExpressionPool: ParsableArguments {
    @Option(help: "Region, such as USA.", completion: .regions)
    var region: String

    @Option(help: "Pool of the region.", completion: .pools)
    var pool = PoolName.submitted

    @OptionGroup var database: DatabaseOptions

    /// - Returns: what was there to read; `take` has seen every formula that parses.
    func read(
        _ take: (_ alphaID: String, Program) -> Void
    ) throws -> (store: Store, region: Region, counts: FormulaCounts) {
        let region = try Region(region)
        let store = try Store(url: try database.resolved())
        var counts = FormulaCounts()
        try counts.read(store, region, pool) { id, result in
            if case .success(let program) = result { take(id, program) }
        }
        if counts.notParsed > 0 {
            let pool = pool == PoolName.submitted ? "" : " --pool \(pool)"
            StandardError.writeLine(
                "warning: \(Quantity.counted(counts.notParsed, "formula")) left out, because unreadable: "
                    + "'alphagrid expressions check --region \(region)\(pool)' says why")
        }
        return (store, region, counts)
    }
}

/// What became of the alphas of a pool whose formulas were wanted.
struct FormulaCounts: Encodable, Equatable {
    var total = 0
    var parsed = 0
    var notParsed = 0
    var withoutCode = 0
    /// SUPER alphas, which need no formula.
    var superWithoutCode = 0

    /// Parses every formula of a pool, in bytewise order of the alphas' ids.
    mutating func read(
        _ store: Store, _ region: Region, _ pool: String,
        _ take: (_ alphaID: String, Result<Program, ExpressionError>) -> Void
    ) throws(GridError) {
        var counts = self
        try store.visitCodes(region, pool: pool) { counts.add($0, take) }
        self = counts
    }

    mutating func add(_ alpha: AlphaCode, _ take: (_ alphaID: String, Result<Program, ExpressionError>) -> Void) {
        total += 1
        guard let code = alpha.code else {
            if alpha.isSuper { superWithoutCode += 1 } else { withoutCode += 1 }
            return
        }
        do throws(ExpressionError) {
            let program = try Program.parse(code)
            parsed += 1
            take(alpha.alphaID, .success(program))
        } catch {
            notParsed += 1
            take(alpha.alphaID, .failure(error))
        }
    }

    /// `120 alphas: 100 formulas read, 3 that cannot be read, 7 without a formula, 10 SUPER alphas without one`.
    var sentence: String {
        var parts = ["\(Quantity.counted(parsed, "formula")) read"]
        if notParsed > 0 { parts.append("\(notParsed) that cannot be read") }
        if withoutCode > 0 { parts.append("\(withoutCode) without a formula") }
        if superWithoutCode > 0 { parts.append("\(Quantity.counted(superWithoutCode, "SUPER alpha")) without one") }
        return "\(Quantity.counted(total, "alpha")): \(parts.joined(separator: ", "))"
    }
}
