import ClusterModel

/// Cuts a text into tokens, one after the other. Blanks and comments (`/* */`, `// `, `#`) separate and mean nothing.
struct Lexer {
    let source: SourceText
    private var offset = 0

    init(_ source: SourceText) { self.source = source }

    mutating func next() throws(ExpressionError) -> Token {
        try skipBlanks()
        let start = offset
        guard let byte = byte(at: start) else { return Token(kind: .end, range: start..<start) }
        if Self.isDigit(byte) || (byte == UInt8(ascii: ".") && Self.isDigit(self.byte(at: start + 1))) { return try number() }
        if Self.isWord(byte) {
            while Self.isWord(self.byte(at: offset)) { offset += 1 }
            return Token(kind: .name, range: start..<offset)
        }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return try text(quote: byte) }
        return try symbol()
    }

    private func byte(at index: Int) -> UInt8? { index < source.bytes.count ? source.bytes[index] : nil }

    private func error(_ message: String, _ range: Range<Int>) -> ExpressionError {
        ExpressionError(message, at: source.position(of: range))
    }

    private static func isDigit(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    /// Letters of ASCII, digits and `_`: what names are made of.
    private static func isWord(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        let letter = byte | 0x20
        return (letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")) || isDigit(byte) || byte == UInt8(ascii: "_")
    }

    // MARK: Blanks and comments

    private mutating func skipBlanks() throws(ExpressionError) {
        while let byte = byte(at: offset) {
            switch byte {
            case 9, 10, 11, 12, 13, 32: offset += 1
            case UInt8(ascii: "#"): skipLine()
            case UInt8(ascii: "/") where self.byte(at: offset + 1) == UInt8(ascii: "/"): skipLine()
            case UInt8(ascii: "/") where self.byte(at: offset + 1) == UInt8(ascii: "*"): try skipComment()
            // A mark of the encoding that editors put before the text.
            case 0xEF where offset == 0 && source.bytes.starts(with: [0xEF, 0xBB, 0xBF]): offset += 3
            default: return
            }
        }
    }

    private mutating func skipLine() {
        while let byte = byte(at: offset), byte != 10, byte != 13 { offset += 1 }
    }

    private mutating func skipComment() throws(ExpressionError) {
        let start = offset
        offset += 2
        while let byte = byte(at: offset) {
            if byte == UInt8(ascii: "*"), self.byte(at: offset + 1) == UInt8(ascii: "/") {
                offset += 2
                return
            }
            offset += 1
        }
        throw error("the comment that begins here with '/*' is never ended with '*/'", start..<(start + 2))
    }

    // MARK: Numbers and strings

    /// `12`, `2.`, `.001`, `1e-3`: digits with at most one point and a power of ten.
    private mutating func number() throws(ExpressionError) -> Token {
        let start = offset
        skipDigits()
        if byte(at: offset) == UInt8(ascii: ".") {
            offset += 1
            skipDigits()
        }
        if let exponent = byte(at: offset), exponent | 0x20 == UInt8(ascii: "e") {
            let sign = byte(at: offset + 1)
            let signed = sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
            let digits = offset + (signed ? 2 : 1)
            if Self.isDigit(byte(at: digits)) {
                offset = digits
                skipDigits()
            } else if signed || !Self.isWord(sign) {
                throw error("the number '\(source.string(start..<digits))' has no digits behind its 'e'", start..<digits)
            }
        }
        let plainEnd = offset
        while Self.isWord(byte(at: offset)) || byte(at: offset) == UInt8(ascii: ".") { offset += 1 }
        let run = source.string(start..<offset)
        if offset > plainEnd {
            let points = source.bytes[start..<offset].count { $0 == UInt8(ascii: ".") }
            throw error(
                points > 1 ? "the number '\(run)' has \(points) decimal points" : "'\(run)' is neither a number nor a name",
                start..<offset)
        }
        guard let value = Double(run.hasPrefix(".") ? "0" + run : run.hasSuffix(".") ? run + "0" : readable(run)), value.isFinite
        else { throw error("the number '\(run)' is larger than a number can be", start..<offset) }
        return Token(kind: .number(value), range: start..<offset)
    }

    /// `2.e5` as `2.0e5`.
    private func readable(_ run: String) -> String {
        run.replacing(".e", with: ".0e").replacing(".E", with: ".0E")
    }

    private mutating func skipDigits() {
        while Self.isDigit(byte(at: offset)) { offset += 1 }
    }

    /// From quote to the same quote on the same line; there are no escapes.
    private mutating func text(quote: UInt8) throws(ExpressionError) -> Token {
        let start = offset
        offset += 1
        while let byte = byte(at: offset), byte != 10, byte != 13 {
            offset += 1
            if byte == quote {
                return Token(kind: .text(source.string((start + 1)..<(offset - 1))), range: start..<offset)
            }
        }
        let sign = quote == UInt8(ascii: "'") ? "'" : "\""
        throw error("the string that begins here is not ended with \(sign) on its line", start..<offset)
    }

    // MARK: Operators

    /// Writings of other languages, with what to say about them. Longer ones first.
    private static let mistaken: [(writing: String, advice: String)] = [
        ("===", "'===' is no operator; equality is written '=='"), ("!==", "'!==' is no operator; inequality is written '!='"),
        ("**", "'**' is no operator; a power is written '^'"), ("++", "'++' is no operator"),
        ("=>", "'=>' is no operator; at least is written '>='"), ("=<", "'=<' is no operator; at most is written '<='"),
        ("<>", "'<>' is no operator; inequality is written '!='"), ("+=", "'+=' is no operator"),
        ("-=", "'-=' is no operator"), ("*=", "'*=' is no operator"), ("/=", "'/=' is no operator"),
    ]

    private mutating func symbol() throws(ExpressionError) -> Token {
        let start = offset
        let rest = source.bytes[start...].prefix(3)
        for (writing, advice) in Self.mistaken where rest.starts(with: writing.utf8) {
            throw error(advice, start..<(start + writing.utf8.count))
        }
        for length in [2, 1] where rest.count >= length {
            if let symbol = Token.Symbol(rawValue: String(decoding: rest.prefix(length), as: UTF8.self)) {
                offset += length
                return Token(kind: .symbol(symbol), range: start..<offset)
            }
        }
        throw unknownCharacter(at: start)
    }

    private func unknownCharacter(at start: Int) -> ExpressionError {
        switch source.bytes[start] {
        case UInt8(ascii: "&"): return error("'&' is no operator; 'and' is written '&&'", start..<(start + 1))
        case UInt8(ascii: "|"): return error("'|' is no operator; 'or' is written '||'", start..<(start + 1))
        default: break
        }
        var end = start + 1
        while let byte = byte(at: end), byte & 0xC0 == 0x80 { end += 1 }
        let scalar = source.string(start..<end).unicodeScalars.first ?? " "
        let code = String(scalar.value, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
        let shown = scalar.properties.isWhitespace || scalar.value < 32 ? "" : "'\(scalar)' "
        return error("the character \(shown)(U+\(padded)) is not part of the language", start..<end)
    }
}
