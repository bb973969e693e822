import ClusterModel
import Expressions
import Panel

/// What `usage` says of a region's formulas.
struct UsageView: Encodable {
    struct Word: Encodable, Equatable {
        var name: String
        var category: String
        var known: Bool
        /// Alphas that use it.
        var alphas: Int
        /// Times it is written in all of them.
        var count: Int
    }

    struct Category: Encodable, Equatable {
        var name: String
        var distinct: Int
        var total: Int
    }

    /// All operators, or all fields.
    struct Words: Encodable, Equatable {
        var distinct: Int
        var total: Int
        var words: [Word]
        var categories: [Category]

        init(_ entries: [CombinedUsage.Entry], _ categories: [CombinedUsage.Category]) {
            distinct = entries.count
            total = entries.reduce(0) { $0 + $1.count }
            words = entries.map {
                Word(name: $0.name, category: $0.category, known: $0.isKnown, alphas: $0.alphaCount, count: $0.count)
            }
            self.categories = categories.map { Category(name: $0.name, distinct: $0.wordCount, total: $0.count) }
        }
    }

    var region: String
    var pool: String
    var alphas: FormulaCounts
    var operators: Words
    var fields: Words

    init(region: String, pool: String, alphas: FormulaCounts, _ usage: CombinedUsage) {
        self.region = region
        self.pool = pool
        self.alphas = alphas
        operators = Words(usage.operators, usage.operatorCategories)
        fields = Words(usage.fields, usage.fieldCategories)
    }

    /// One line for each operator, then one for each field.
    var csv: String {
        var writer = CSVWriter()
        for column in ["kind", "name", "category", "known", "alphas", "count"] { writer.field(column) }
        writer.endRow()
        for (kind, words) in [("operator", operators.words), ("field", fields.words)] {
            for word in words {
                for text in [kind, word.name, word.category, "\(word.known)"] { writer.field(text) }
                writer.field(word.alphas)
                writer.field(word.count)
                writer.endRow()
            }
        }
        return String(decoding: writer.takeBytes(), as: UTF8.self)
    }

    /// On a terminal only the first words.
    func lines(terminal: Terminal) -> [String] {
        [alphas.sentence, ""] + lines("OPERATOR", operators, terminal) + [""] + lines("FIELD", fields, terminal)
    }

    private func lines(_ kind: String, _ words: Words, _ terminal: Terminal) -> [String] {
        let plural = kind.lowercased() + "s"
        guard !words.words.isEmpty else { return ["no \(plural)"] }
        let shown = terminal.isTerminal ? words.words.prefix(CorrelationReport.tableRowsOnTerminal) : words.words[...]
        var lines = TextTable(
            [.init(kind), .init("CATEGORY"), .init("ALPHAS", .right), .init("COUNT", .right)],
            rows: shown.map { word in
                [word.name + (word.known ? "" : " (unknown)"), word.category, "\(word.alphas)", "\(word.count)"]
            }
        ).lines()
        lines[0] = terminal.bold(lines[0])
        if shown.count < words.words.count {
            lines.append("... \(words.words.count - shown.count) more \(plural) (--format csv for all)")
        }
        let distinct = Quantity.counted(words.distinct, kind.lowercased())
        lines.append("\(distinct), written \(Quantity.counted(words.total, "time"))")
        let categories = words.categories.map { category in
            "\(category.name.isEmpty ? "without category" : category.name) \(category.distinct) (\(category.total))"
        }
        if words.categories.map(\.name) != [""] { lines.append("by category: \(categories.joined(separator: ", "))".singleLine) }
        return lines
    }
}

/// What `expansion` says: what no formula of a region uses.
struct ExpansionView: Encodable {
    struct Word: Encodable, Equatable {
        var name: String
        var category: String
    }

    struct Unused: Encodable {
        /// How many there are in the list.
        var listed: Int
        /// Those of the list that are not used, by name.
        var unused: [Word]
    }

    var region: String
    var pool: String
    var alphas: FormulaCounts
    var operators: Unused
    /// Empty without a list of fields.
    var fields: Unused

    init(
        region: String, pool: String, alphas: FormulaCounts, _ usage: CombinedUsage, _ catalogue: OperatorCatalogue,
        _ list: FieldList?
    ) {
        self.region = region
        self.pool = pool
        self.alphas = alphas
        operators = Unused(
            listed: catalogue.operators.count,
            unused: usage.unusedOperators(of: catalogue).map { Word(name: $0.name, category: $0.category) })
        fields = Unused(
            listed: list?.fields.count ?? 0,
            unused: list.map { usage.unusedFields(of: $0).map { Word(name: $0.name, category: $0.category) } } ?? [])
    }

    var lines: [String] {
        [alphas.sentence] + lines("OPERATOR", operators) + (fields.listed > 0 ? lines("FIELD", fields) : [])
    }

    private func lines(_ kind: String, _ words: Unused) -> [String] {
        let plural = kind.lowercased() + "s"
        let summary = "\(words.unused.count) of \(words.listed) \(plural) are not used"
        guard !words.unused.isEmpty else { return ["", summary] }
        let table = TextTable([.init(kind), .init("CATEGORY")], rows: words.unused.map { [$0.name, $0.category] })
        return [""] + table.lines() + [summary]
    }
}
