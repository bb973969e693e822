import ClusterModel

/// Numbers, strings, names, calls and what stands in brackets.
extension Parser {
    mutating func primary() throws(ExpressionError) -> Int {
        let first = token
        switch first.kind {
        case .number(let value):
            try advance()
            return add(.number(value), first.range)
        case .text(let value):
            try advance()
            return add(.text(value), first.range)
        case .name: return try nameOrCall()
        case .symbol(.open): return try bracket()
        case .symbol, .end: throw missingValue()
        }
    }

    private mutating func bracket() throws(ExpressionError) -> Int {
        let open = token.range
        try advance()
        if isSymbol(.semicolon) || token.kind == .end { throw unclosed(open) }
        if isSymbol(.close) { throw error("nothing stands between '(' and ')'", open.lowerBound..<token.range.upperBound) }
        let value = try expression(.conditional)
        guard isSymbol(.close) else {
            if isSymbol(.comma) { throw error("',' separates arguments, but this '(' belongs to no call", open) }
            throw unclosed(open)
        }
        try advance()
        return value
    }

    private mutating func nameOrCall() throws(ExpressionError) -> Int {
        let first = token
        let word = text(first)
        let keyword = Keyword(word)
        try advance()
        if isSymbol(.open) {
            switch keyword {
            case nil, .and, .or: return try call(word, first)
            case .not, .true, .false, .nan: throw error("'\(word)' is not an operator that can be called", first.range)
            }
        }
        switch keyword {
        case nil: return add(.name(word), first.range)
        case .true: return add(.boolean(true), first.range)
        case .false: return add(.boolean(false), first.range)
        case .nan: return add(.nan, first.range)
        case .and, .or, .not: throw error("a value is missing before '\(word)'", first.range)
        }
    }

    private mutating func call(_ name: String, _ first: Token) throws(ExpressionError) -> Int {
        let open = token.range
        try advance()
        var call = Program.Call(name: name, positional: [], named: [])
        while !isSymbol(.close) {
            if isSymbol(.semicolon) || token.kind == .end { throw unclosed(open) }
            try argument(of: &call)
            if isSymbol(.close) { break }
            guard isSymbol(.comma) else { throw unclosed(open) }
            let comma = token.range
            try advance()
            if isSymbol(.close) { throw error("an argument is missing behind ','", comma) }
        }
        let range = first.range.lowerBound..<token.range.upperBound
        try advance()
        return add(.call(call), range)
    }

    private mutating func argument(of call: inout Program.Call) throws(ExpressionError) {
        if isSymbol(.comma) {
            let none = call.positional.isEmpty && call.named.isEmpty
            throw error("an argument is missing \(none ? "before ','" : "between two ','")", token.range)
        }
        let first = token
        let value = try expression(.conditional)
        guard isSymbol(.assign) else {
            if let last = call.named.last {
                throw error("an argument without a name comes after the named argument '\(last.name)'", first.range)
            }
            call.positional.append(value)
            return
        }
        guard let name = takeName(value, first) else {
            throw error("'=' names an argument, and only a name can stand before it; equality is written '=='", token.range)
        }
        if call.named.contains(where: { $0.name == name }) {
            throw error("the argument '\(name)' is given twice", first.range)
        }
        try advance()
        let assigned = try expression(.conditional)
        if isSymbol(.assign) { throw error("an argument has one '='; equality is written '=='", token.range) }
        call.named.append(Program.NamedArgument(name: name, value: assigned, range: first.range))
    }

    // MARK: What is wrong

    /// The present token stands where a value should.
    private func missingValue() -> ExpressionError {
        switch token.kind {
        case .end: error("a value is missing at the end", previousEnd..<previousEnd)
        case .symbol(.close): error("a value is missing before ')'", token.range)
        case .symbol(.semicolon): error("a value is missing before ';'", token.range)
        default: error("a value is missing before '\(text(token))'", token.range)
        }
    }

    private func unclosed(_ open: Range<Int>) -> ExpressionError {
        switch token.kind {
        case .end, .symbol(.semicolon): error("this '(' is never closed", open)
        default: unexpectedAfterValue()
        }
    }

    /// The present token cannot follow a value.
    func unexpectedAfterValue() -> ExpressionError {
        switch token.kind {
        case .symbol(.close): return error("this ')' closes nothing", token.range)
        case .symbol(.colon): return error("':' has no '?' before it", token.range)
        case .symbol(.comma): return error("',' separates arguments, but stands outside of a call", token.range)
        case .symbol(.assign):
            return error("'=' assigns at the beginning of a statement only; equality is written '=='", token.range)
        case .symbol(.open): return error("an operator is missing before '('", token.range)
        case .end: return error("the expression ends too early", previousEnd..<previousEnd)
        default: return error("an operator or ';' is missing before '\(text(token))'", token.range)
        }
    }
}
