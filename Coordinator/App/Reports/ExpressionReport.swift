import ClusterModel
import Expressions

/// One thing that is wrong with a formula.
struct ExpressionProblem: Encodable, Equatable {
    /// `syntax`, or one of the kinds of diagnostics in snake_case.
    var kind: String
    var message: String
    /// As in `SourcePosition`: from 1, `end` behind the last character.
    var line: Int
    var start: Int
    var end: Int

    init(_ error: ExpressionError) {
        self.init(kind: "syntax", message: error.message, at: error.position)
    }

    init(_ diagnostic: ExpressionDiagnostic) {
        let words = diagnostic.kind.rawValue.map { $0.isUppercase ? "_\($0.lowercased())" : String($0) }
        self.init(kind: words.joined(), message: diagnostic.message, at: diagnostic.position)
    }

    private init(kind: String, message: String, at position: SourcePosition) {
        self.kind = kind
        self.message = message
        line = position.line
        start = position.start
        end = position.end
    }

    var position: SourcePosition { SourcePosition(line: line, start: start, end: end) }
}

/// What `check` says of one formula. Keys are always there; what is not known of a text that is no formula is null.
struct ExpressionView: Encodable {
    struct Word: Encodable, Equatable {
        var name: String
        var category: String
        var known: Bool
        var count: Int

        init(_ usage: WordUsage) {
            (name, category, known, count) = (usage.name, usage.category, usage.isKnown, usage.count)
        }
    }

    var valid: Bool
    var canonical = JSONValue.null
    var hash = JSONValue.null
    var operators: [Word] = []
    var operatorCount = 0
    var fields: [Word] = []
    var fieldCount = 0
    var variables: [String] = []
    var groups: [String] = []
    var problems: [ExpressionProblem] = []
}

/// A formula, what it means and uses, and each problem with its line and a mark below the place.
struct ExpressionReport {
    let view: ExpressionView
    private let source: String

    init(_ source: String, catalogue: OperatorCatalogue, fields: FieldList?) {
        self.source = source
        do throws(ExpressionError) {
            let program = try Program.parse(source)
            let usage = ExpressionUsage(program, catalogue: catalogue, fields: fields)
            let form = CanonicalForm(program, catalogue: catalogue)
            let problems = catalogue.validate(program, fields: fields).map(ExpressionProblem.init)
            view = ExpressionView(
                valid: problems.isEmpty, canonical: .text(form.text), hash: .text(form.hash),
                operators: usage.operators.map(ExpressionView.Word.init), operatorCount: usage.operatorCount,
                fields: usage.fields.map(ExpressionView.Word.init), fieldCount: usage.fieldCount, variables: usage.variables,
                groups: usage.groups, problems: problems)
        } catch {
            view = ExpressionView(valid: false, problems: [ExpressionProblem(error)])
        }
    }

    var lines: [String] {
        var lines: [String] = []
        if case .text(let form) = view.canonical, case .text(let hash) = view.hash {
            func list(_ names: [String]) -> String? { names.isEmpty ? nil : names.joined(separator: ", ") }
            lines = TextTable.page([
                ("form", form), ("hash", hash), ("operators", Self.list(view.operators, view.operatorCount)),
                ("fields", Self.list(view.fields, view.fieldCount)), ("variables", list(view.variables)),
                ("groups", list(view.groups)),
            ])
        }
        for problem in view.problems.prefix(Limits.errorsReportedMax) {
            lines.append("\(problem.position): \(problem.message)".singleLine)
            lines += SourceMark.lines(source, problem.position).map { "    " + $0 }
        }
        let left = view.problems.count - Limits.errorsReportedMax
        if left > 0 { lines.append("... \(Quantity.counted(left, "more problem"))") }
        return lines
    }

    /// `2 distinct, 3 in all: rank 2, ts_mean`.
    private static func list(_ words: [ExpressionView.Word], _ count: Int) -> String {
        guard !words.isEmpty else { return "none" }
        let names = words.map { $0.count > 1 ? "\($0.name) \($0.count)" : $0.name }
        return "\(words.count) distinct, \(count) in all: \(names.joined(separator: ", "))"
    }
}

/// A line of a formula with a mark below a place in it.
enum SourceMark {
    /// Columns that are shown of a longer line.
    private static let columnsMax = 100
    /// Of those, columns before the place.
    private static let columnsBefore = 40

    /// Two lines: the text, each scalar one column, and `^` below the place.
    static func lines(_ source: String, _ position: SourcePosition) -> [String] {
        let line = scalars(of: source, line: position.line)
        let first = line.count <= columnsMax ? 0 : max(0, min(position.start - 1 - columnsBefore, line.count - columnsMax))
        let last = min(line.count, first + columnsMax)
        var shown = String.UnicodeScalarView()
        for scalar in line[first..<last] {
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            shown.append(isControl ? (scalar == "\t" ? " " : "?") : scalar)
        }
        let (before, after) = (first > 0 ? "..." : "", last < line.count ? "..." : "")
        let blanks = before.count + max(0, position.start - 1 - first)
        let width = max(1, min(position.end, last + 1) - position.start)
        return [before + String(shown) + after, String(repeating: " ", count: blanks) + String(repeating: "^", count: width)]
    }

    /// A line, counted from 1, as `SourcePosition` counts: it ends with `\n`, `\r\n` or a lone `\r`.
    private static func scalars(of source: String, line: Int) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var number = 1
        var afterReturn = false
        for scalar in source.unicodeScalars {
            if afterReturn && scalar == "\n" {
                afterReturn = false
                continue
            }
            afterReturn = scalar == "\r"
            if scalar == "\n" || scalar == "\r" {
                number += 1
                if number > line { break }
            } else if number == line {
                result.append(scalar)
            }
        }
        return result
    }
}

/// What `check` says of a region's formulas: one line for each alpha with a problem.
struct RegionExpressionsView: Encodable {
    struct Row: Encodable {
        var alphaID: String
        /// The first problem of the alpha.
        var problem: ExpressionProblem
        /// All its problems.
        var problemCount: Int

        enum CodingKeys: String, CodingKey {
            case alphaID = "alpha_id"
            case problem, problemCount
        }
    }

    var region: String
    var pool: String
    var alphas = FormulaCounts()
    var alphasWrong = 0
    /// At most `Limits.errorsReportedMax`, the first in bytewise order of their ids.
    var problems: [Row] = []

    init(region: String, pool: String) {
        self.region = region
        self.pool = pool
    }

    mutating func add(_ found: [ExpressionProblem], of alphaID: String) {
        guard let first = found.first else { return }
        alphasWrong += 1
        guard problems.count < Limits.errorsReportedMax else { return }
        problems.append(Row(alphaID: alphaID, problem: first, problemCount: found.count))
    }

    var lines: [String] {
        var lines: [String] = []
        if !problems.isEmpty {
            lines = TextTable(
                [.init("ALPHA"), .init("PROBLEM")],
                rows: problems.map { row in
                    let more = row.problemCount > 1 ? " (and \(row.problemCount - 1) more)" : ""
                    return [row.alphaID, "\(row.problem.position): \(row.problem.message)\(more)"]
                }
            ).lines()
        }
        let left = alphasWrong - problems.count
        if left > 0 { lines.append("... \(Quantity.counted(left, "more alpha")) with problems") }
        lines.append("\(alphas.sentence); \(alphasWrong == 0 ? "nothing" : Quantity.counted(alphasWrong, "alpha")) wrong")
        return lines
    }
}
