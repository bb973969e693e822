/// A word of the expression language.
struct Token: Sendable {
    enum Kind: Equatable, Sendable {
        case number(Double)
        case text(String)
        case name
        /// Operators and punctuation, by how they are written.
        case symbol(Symbol)
        case end
    }

    enum Symbol: String, Sendable {
        case plus = "+"
        case minus = "-"
        case times = "*"
        case divide = "/"
        case power = "^"
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessEqual = "<="
        case greater = ">"
        case greaterEqual = ">="
        case and = "&&"
        case or = "||"
        case not = "!"
        case question = "?"
        case colon = ":"
        case open = "("
        case close = ")"
        case comma = ","
        case semicolon = ";"
        case assign = "="
        case dot = "."
    }

    let kind: Kind
    /// Offsets of its bytes in the source.
    let range: Range<Int>
}

/// Words that are no names, in any case of letters.
enum Keyword: String {
    case and, or, not, `true`, `false`, nan

    init?(_ word: String) { self.init(rawValue: word.lowercased()) }
}
