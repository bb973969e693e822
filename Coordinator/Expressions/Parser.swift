import ClusterModel

extension Program {
    /// Reads a program. Linear in the length of the text; any text either parses or throws.
    ///
    /// Precedence from loose to tight: `?:` (to the right), `||` or, `&&` and, `!` not, comparisons, `+ -`, `* /`, unary `-`,
    /// `^` (to the right), calls and members. A prefix operator may stand wherever a value may.
    /// - Throws: the first error of the text, with its place.
    package static func parse(_ text: String) throws(ExpressionError) -> Program {
        guard text.utf8.count <= Limits.expressionBytesMax else {
            throw ExpressionError(
                "the expression has \(text.utf8.count) bytes; at most \(Limits.expressionBytesMax) are read",
                at: SourcePosition(line: 1, start: 1, end: 1))
        }
        var parser = try Parser(SourceText(text))
        return try parser.program()
    }
}

/// Recursive descent for what is enclosed, precedence climbing for operators.
struct Parser {
    private var lexer: Lexer
    var token: Token
    /// Of the token before, where something that is missing is shown.
    var previousEnd = 0
    private var nesting = 0
    private var nodes: [Program.Node] = []
    private var ranges: [Range<Int>] = []
    /// How many levels below its own the form of each node takes when it is printed, which may need brackets (`-(!a)`) where the
    /// text has none: what is read is also read when it was printed.
    private var levels: [Int] = []

    init(_ source: SourceText) throws(ExpressionError) {
        lexer = Lexer(source)
        token = try lexer.next()
    }

    // MARK: Statements

    mutating func program() throws(ExpressionError) -> Program {
        if token.kind == .end { throw error("the expression is empty", token.range) }
        var statements: [Program.Statement] = []
        repeat {
            if isSymbol(.semicolon) {
                let place = statements.isEmpty ? "at the beginning" : "between two ';'"
                throw error("an empty statement \(place)", token.range)
            }
            statements.append(try statement())
            guard isSymbol(.semicolon) else {
                if token.kind == .end { break }
                throw unexpectedAfterValue()
            }
            try advance()
        } while token.kind != .end
        return Program(statements: statements, nodes: nodes, ranges: ranges, source: lexer.source)
    }

    private mutating func statement() throws(ExpressionError) -> Program.Statement {
        let first = token
        let value = try expression(.conditional)
        guard isSymbol(.assign) else {
            try expectPrintable(value)
            return Program.Statement(target: nil, value: value, targetRange: first.range)
        }
        guard let target = takeName(value, first) else { throw error("only a name can be assigned to", ranges[value]) }
        try advance()
        let assigned = try expression(.conditional)
        try expectPrintable(assigned)
        if isSymbol(.assign) { throw error("a statement assigns once; equality is written '=='", token.range) }
        return Program.Statement(target: target, value: assigned, targetRange: first.range)
    }

    // MARK: Operators

    /// A value whose operators all bind at least as tightly as asked.
    mutating func expression(_ loosest: Precedence) throws(ExpressionError) -> Int {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Limits.expressionNestingMax else {
            throw nestedTooDeep(token.range)
        }
        var left = try operand()
        while let infix = infixOperator(), infix.precedence >= loosest {
            try advance()
            let right = try expression(infix.groupsToTheRight ? infix.precedence : infix.precedence.tighter)
            left = add(.binary(infix, left, right), ranges[left].lowerBound..<ranges[right].upperBound)
        }
        guard isSymbol(.question), loosest == .conditional else { return left }
        let question = token.range
        try advance()
        let yes = try expression(.conditional)
        guard isSymbol(.colon) else {
            if atEndOfPart { throw error("'?' has no ':'", question) }
            throw unexpectedAfterValue()
        }
        try advance()
        let no = try expression(.conditional)
        return add(.conditional(left, yes, no), ranges[left].lowerBound..<ranges[no].upperBound)
    }

    private func infixOperator() -> BinaryOperator? {
        switch token.kind {
        case .symbol(let symbol): BinaryOperator(rawValue: symbol.rawValue)
        case .name:
            switch Keyword(text(token)) {
            case .and: .and
            case .or: .or
            default: nil
            }
        default: nil
        }
    }

    private mutating func operand() throws(ExpressionError) -> Int {
        let sign = token
        if isSymbol(.minus) {
            try advance()
            return try prefix(.negate, sign, .power)
        }
        if isSymbol(.not) || (sign.kind == .name && Keyword(text(sign)) == .not) {
            try advance()
            return try prefix(.not, sign, .comparison)
        }
        return try members(of: primary())
    }

    private mutating func prefix(
        _ prefix: UnaryOperator, _ sign: Token, _ loosest: Precedence
    ) throws(ExpressionError) -> Int {
        let value = try expression(loosest)
        return add(.unary(prefix, value), sign.range.lowerBound..<ranges[value].upperBound)
    }

    private mutating func members(of first: Int) throws(ExpressionError) -> Int {
        var base = first
        while isSymbol(.dot) {
            let dot = token.range
            switch nodes[base] {
            case .name, .member, .call: break
            default: throw error("only a name or a call has members", dot)
            }
            try advance()
            guard token.kind == .name else { throw error("the name of a member is missing behind '.'", dot) }
            base = add(.member(base, text(token)), ranges[base].lowerBound..<token.range.upperBound)
            try advance()
        }
        if isSymbol(.open), case .member(_, let name) = nodes[base] {
            throw error("a member cannot be called: '\(name)'", ranges[base])
        }
        return base
    }

    // MARK: Tokens and nodes

    mutating func advance() throws(ExpressionError) {
        previousEnd = token.range.upperBound
        token = try lexer.next()
    }

    mutating func add(_ node: Program.Node, _ range: Range<Int>) -> Int {
        nodes.append(node)
        ranges.append(range)
        let below = Printer.parts(of: node).enumerated().map { place, part in
            guard case .node(let child, let loosest) = part else { return 0 }
            // What comes first is read at the level of the whole.
            return levels[child] + (place > 0 ? 1 : 0) + (nodes[child].precedence < loosest ? 1 : 0)
        }
        levels.append(below.max() ?? 0)
        return nodes.count - 1
    }

    /// The name that a value turned out to be the target of an assignment by; nil when it is more than a bare name.
    mutating func takeName(_ value: Int, _ first: Token) -> String? {
        guard case .name(let name) = nodes[value], ranges[value] == first.range, value == nodes.count - 1 else { return nil }
        nodes.removeLast()
        ranges.removeLast()
        levels.removeLast()
        return name
    }

    private func expectPrintable(_ value: Int) throws(ExpressionError) {
        guard levels[value] < Limits.expressionNestingMax else { throw nestedTooDeep(ranges[value]) }
    }

    private func nestedTooDeep(_ range: Range<Int>) -> ExpressionError {
        error("the expression is nested more than \(Limits.expressionNestingMax) deep", range)
    }

    func isSymbol(_ symbol: Token.Symbol) -> Bool { token.kind == .symbol(symbol) }

    func text(_ token: Token) -> String { lexer.source.string(token.range) }

    func error(_ message: String, _ range: Range<Int>) -> ExpressionError {
        ExpressionError(message, at: lexer.source.position(of: range))
    }

    /// The next token cannot go on with a value, but ends what the value is part of.
    var atEndOfPart: Bool {
        isSymbol(.close) || isSymbol(.comma) || isSymbol(.semicolon) || token.kind == .end
    }
}
