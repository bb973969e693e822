import ClusterModel
import Expressions
import Testing

@Suite struct ErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let message: String
        let line: Int
        let start: Int
        let end: Int

        init(_ text: String, _ message: String, _ start: Int, _ end: Int, line: Int = 1) {
            self.text = text
            self.message = message
            self.line = line
            self.start = start
            self.end = end
        }

        var testDescription: String { text.debugDescription }
    }

    static let words = [
        Case("3.14.15", "the number '3.14.15' has 2 decimal points", 1, 8),
        Case("a + 1..2", "the number '1..2' has 2 decimal points", 5, 9),
        Case("a + 5x", "'5x' is neither a number nor a name", 5, 7),
        Case("1e", "the number '1e' has no digits behind its 'e'", 1, 3),
        Case("1e+ 2", "the number '1e+' has no digits behind its 'e'", 1, 4),
        Case("1e999", "the number '1e999' is larger than a number can be", 1, 6),
        Case("a ** 2", "'**' is no operator; a power is written '^'", 3, 5), Case("a++", "'++' is no operator", 2, 4),
        Case("a === b", "'===' is no operator; equality is written '=='", 3, 6),
        Case("a <> b", "'<>' is no operator; inequality is written '!='", 3, 5),
        Case("a => b", "'=>' is no operator; at least is written '>='", 3, 5),
        Case("a += b", "'+=' is no operator", 3, 5), Case("a & b", "'&' is no operator; 'and' is written '&&'", 3, 4),
        Case("a | b", "'|' is no operator; 'or' is written '||'", 3, 4),
        Case("a % b", "the character '%' (U+0025) is not part of the language", 3, 4),
        Case("a[1]", "the character '[' (U+005B) is not part of the language", 2, 3),
        Case("é", "the character 'é' (U+00E9) is not part of the language", 1, 2),
        Case("'ü' + “a”", "the character '“' (U+201C) is not part of the language", 7, 8),
        Case("a\u{A0}+ b", "the character (U+00A0) is not part of the language", 2, 3),
        Case("a +\n/* b", "the comment that begins here with '/*' is never ended with '*/'", 1, 3, line: 2),
        Case("f('a)\n + b", "the string that begins here is not ended with ' on its line", 3, 6),
        Case("\"", "the string that begins here is not ended with \" on its line", 1, 2),
    ]

    static let statements = [
        Case("", "the expression is empty", 1, 1), Case(" /* only */ # this\n", "the expression is empty", 1, 1, line: 2),
        Case(";", "an empty statement at the beginning", 1, 2), Case(";a", "an empty statement at the beginning", 1, 2),
        Case("a;;b", "an empty statement between two ';'", 3, 4), Case("a; ;", "an empty statement between two ';'", 4, 5),
        Case("a b", "an operator or ';' is missing before 'b'", 3, 4),
        Case("a = 1\nb = 2", "an operator or ';' is missing before 'b'", 1, 2, line: 2),
        Case("a \"b\"", "an operator or ';' is missing before '\"b\"'", 3, 6),
        Case("3 = a", "only a name can be assigned to", 1, 2),
        Case("a.b = 3", "only a name can be assigned to", 1, 4), Case("(a) = 3", "only a name can be assigned to", 2, 3),
        Case("nan = 3", "only a name can be assigned to", 1, 4), Case("a + b = 3", "only a name can be assigned to", 1, 6),
        Case("a = b = 3", "a statement assigns once; equality is written '=='", 7, 8),
        Case("a =", "a value is missing at the end", 4, 4), Case("a = ;", "a value is missing before ';'", 5, 6),
        Case("a, b", "',' separates arguments, but stands outside of a call", 2, 3),
        Case("a : b", "':' has no '?' before it", 3, 4),
        Case("a ? b", "'?' has no ':'", 3, 4), Case("f(a ? b)", "'?' has no ':'", 5, 6),
        Case("a ? : b", "a value is missing before ':'", 5, 6),
    ]

    static let values = [
        Case("(a + b", "this '(' is never closed", 1, 2), Case("f(a, (b)", "this '(' is never closed", 2, 3),
        Case("f(a;\nb)", "this '(' is never closed", 2, 3), Case("f(", "this '(' is never closed", 2, 3),
        Case("(", "this '(' is never closed", 1, 2), Case("a)", "this ')' closes nothing", 2, 3),
        Case("f(a))", "this ')' closes nothing", 5, 6), Case("a + ()", "nothing stands between '(' and ')'", 5, 7),
        Case("(a, b)", "',' separates arguments, but this '(' belongs to no call", 1, 2),
        Case("(a = b)", "'=' assigns at the beginning of a statement only; equality is written '=='", 4, 5),
        Case("a +", "a value is missing at the end", 4, 4), Case("a +\n", "a value is missing at the end", 4, 4),
        Case("* a", "a value is missing before '*'", 1, 2), Case("a + + b", "a value is missing before '+'", 5, 6),
        Case("f(a +)", "a value is missing before ')'", 6, 7), Case("and b", "a value is missing before 'and'", 1, 4),
        Case("a && || b", "a value is missing before '||'", 6, 8), Case("f(,a)", "an argument is missing before ','", 3, 4),
        Case("f(a,,b)", "an argument is missing between two ','", 5, 6), Case("f(a,)", "an argument is missing behind ','", 4, 5),
        Case("f(a b)", "an operator or ';' is missing before 'b'", 5, 6),
        Case("f(a = 1, b)", "an argument without a name comes after the named argument 'a'", 10, 11),
        Case("f(a = 1, a = 2)", "the argument 'a' is given twice", 10, 11),
        Case("f(1 = a)", "'=' names an argument, and only a name can stand before it; equality is written '=='", 5, 6),
        Case("f(a = b = c)", "an argument has one '='; equality is written '=='", 9, 10),
        Case("f(a = )", "a value is missing before ')'", 7, 8),
        Case("true(a)", "'true' is not an operator that can be called", 1, 5),
        Case("a.b(c)", "a member cannot be called: 'b'", 1, 4), Case("a.", "the name of a member is missing behind '.'", 2, 3),
        Case("a.1", "an operator or ';' is missing before '.1'", 2, 4), Case("3 .b", "only a name or a call has members", 3, 4),
        Case("f(a)(b)", "an operator is missing before '('", 5, 6), Case("(a)(b)", "an operator is missing before '('", 4, 5),
    ]

    @Test("What is wrong is said in a sentence with its place", arguments: words + statements + values)
    func errors(_ c: Case) throws {
        let error = try #require(throws: ExpressionError.self) { try Program.parse(c.text) }
        #expect(error.message == c.message)
        #expect(error.position == SourcePosition(line: c.line, start: c.start, end: c.end))
    }

    @Test("An error reads as a sentence about its alpha")
    func sentence() throws {
        let error = try #require(throws: ExpressionError.self) { try Program.parse("a +\n  b ** c") }
        #expect(error.description == "line 2, columns 5-6: '**' is no operator; a power is written '^'")
        #expect(
            error.error(in: "alpha A1").message
                == "alpha A1: line 2, columns 5-6: '**' is no operator; a power is written '^'")
        #expect(error.line == 2 && error.start == 5 && error.end == 7)
    }
}
