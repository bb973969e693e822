import ClusterModel

/// The words of a formula and what each of them is, for those who show it in colours.
package struct MarkedCode: Sendable {
    /// By their place; at most `Limits.codeMarksMax`.
    package private(set) var marks: [CodeMark] = []
    /// Why the text is no formula; then operators are known by the catalogue alone, and other names are not marked.
    package private(set) var error: ExpressionError?

    package init(_ text: String, catalogue: OperatorCatalogue = .standard) {
        var names: [Int: CodeMark.Kind] = [:]
        do throws(ExpressionError) {
            names = Self.names(of: try Program.parse(text), catalogue)
        } catch {
            self.error = error
        }
        var lexer = Lexer(SourceText(text))
        var offsets = UTF16Offsets(Array(text.utf8))
        while marks.count < Limits.codeMarksMax, let token = try? lexer.next(), token.kind != .end {
            let kind: CodeMark.Kind? =
                switch token.kind {
                case .number: .number
                case .text: .string
                case .symbol(let symbol): symbol.isOperator ? .operator : nil
                case .name: names[token.range.lowerBound] ?? kind(ofWord: lexer.source.string(token.range), catalogue)
                case .end: nil
                }
            guard let kind else { continue }
            marks.append(
                CodeMark(
                    start: offsets.offset(of: token.range.lowerBound), end: offsets.offset(of: token.range.upperBound),
                    kind: kind))
        }
    }

    /// Of a word that the program does not tell about.
    private func kind(ofWord word: String, _ catalogue: OperatorCatalogue) -> CodeMark.Kind? {
        switch Keyword(word) {
        case .and, .or, .not: .operator
        case .true, .false, .nan: .number
        case nil: error != nil && catalogue.find(word) != nil ? .operator : nil
        }
    }

    /// By the offset of the name's first byte.
    private static func names(of program: Program, _ catalogue: OperatorCatalogue) -> [Int: CodeMark.Kind] {
        var names: [Int: CodeMark.Kind] = [:]
        let roles = NameRoles(program, catalogue).roles
        for (node, content) in program.nodes.enumerated() {
            let range = program.ranges[node]
            switch (content, roles[node]) {
            case (.call, _): names[range.lowerBound] = .operator
            case (.member(_, let member), .group): names[range.upperBound - member.utf8.count] = .group
            case (.name, .field): names[range.lowerBound] = .field
            case (.name, .variable), (.name, .symbol): names[range.lowerBound] = .variable
            case (.name, .group), (.name, .groupFamily): names[range.lowerBound] = .group
            case (.name, .word): names[range.lowerBound] = .string
            default: break
            }
        }
        for statement in program.statements where statement.target != nil {
            names[statement.targetRange.lowerBound] = .variable
        }
        return names
    }
}

extension Token.Symbol {
    fileprivate var isOperator: Bool {
        switch self {
        case .open, .close, .comma, .semicolon, .assign, .dot: false
        default: true
        }
    }
}

/// Counts UTF-16 units over bytes of UTF-8, for places that are asked for in ascending order.
private struct UTF16Offsets {
    private let bytes: [UInt8]
    private var at = 0
    private var units = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func offset(of byte: Int) -> Int {
        while at < byte {
            // Scalars of four bytes are two units, all others one; bytes that continue a scalar are none.
            if bytes[at] & 0xC0 != 0x80 { units += bytes[at] >= 0xF0 ? 2 : 1 }
            at += 1
        }
        return units
    }
}
