/// What many alphas use, and what they leave unused.
package struct CombinedUsage: Sendable {
    package struct Entry: Equatable, Sendable {
        package let name: String
        /// Empty when not known.
        package let category: String
        package let isKnown: Bool
        /// Alphas that use it.
        package fileprivate(set) var alphaCount: Int
        /// Times it is written in all of them.
        package fileprivate(set) var count: Int
    }

    /// How much one category is used.
    package struct Category: Equatable, Sendable {
        package let name: String
        /// Different words of the category.
        package let wordCount: Int
        package let count: Int
    }

    package private(set) var alphaCount = 0
    private var operatorEntries: [String: Entry] = [:]
    private var fieldEntries: [String: Entry] = [:]

    package init() {}

    package mutating func add(_ usage: ExpressionUsage) {
        alphaCount += 1
        for word in usage.operators { Self.add(word, to: &operatorEntries) }
        for word in usage.fields { Self.add(word, to: &fieldEntries) }
    }

    private static func add(_ word: WordUsage, to entries: inout [String: Entry]) {
        var entry =
            entries[word.name]
            ?? Entry(name: word.name, category: word.category, isKnown: word.isKnown, alphaCount: 0, count: 0)
        entry.alphaCount += 1
        entry.count += word.count
        entries[word.name] = entry
    }

    /// Those that most alphas use come first, then those written most often, then bytewise by name.
    package var operators: [Entry] { Self.sorted(operatorEntries) }
    package var fields: [Entry] { Self.sorted(fieldEntries) }

    private static func sorted(_ entries: [String: Entry]) -> [Entry] {
        entries.values.sorted {
            ($0.alphaCount, $0.count) == ($1.alphaCount, $1.count)
                ? bytewise($0.name, $1.name) : ($0.alphaCount, $0.count) > ($1.alphaCount, $1.count)
        }
    }

    /// Bytewise by name; the unknown category is the empty name.
    package var operatorCategories: [Category] { Self.categories(operatorEntries) }
    package var fieldCategories: [Category] { Self.categories(fieldEntries) }

    private static func categories(_ entries: [String: Entry]) -> [Category] {
        let grouped = Dictionary(grouping: entries.values, by: \.category)
        return grouped.keys.sorted(by: bytewise).map { name in
            let members = grouped[name, default: []]
            return Category(name: name, wordCount: members.count, count: members.reduce(0) { $0 + $1.count })
        }
    }

    // MARK: Expansion

    /// Operators of the catalogue that none of the alphas uses, by name.
    package func unusedOperators(of catalogue: OperatorCatalogue) -> [Operator] {
        catalogue.operators.filter { operatorEntries[$0.name] == nil }
    }

    /// Fields of the list that none of the alphas uses, by name.
    package func unusedFields(of list: FieldList) -> [DataField] {
        list.fields.filter { fieldEntries[$0.name] == nil }
    }
}
