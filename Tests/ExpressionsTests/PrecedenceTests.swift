import Expressions
import Testing

@Suite struct PrecedenceTests {
    @Test(
        "Operators bind in their order and group to their side",
        arguments: [
            ("a ? b : c ? d : e", "a ? b : (c ? d : e)"), ("a ? b ? c : d : e", "a ? (b ? c : d) : e"),
            ("a || b ? c : d", "(a || b) ? c : d"), ("a ? b : c || d", "a ? b : (c || d)"),
            ("a || b && c", "a || (b && c)"), ("a && b || c", "(a && b) || c"), ("a || b || c", "(a || b) || c"),
            ("a && b && c", "(a && b) && c"), ("a and b or c", "(a && b) || c"), ("a or b and not c", "a || (b && (!c))"),
            ("!a && b", "(!a) && b"), ("!a || b", "(!a) || b"), ("!a == b", "!(a == b)"), ("not a < b", "!(a < b)"),
            ("!!a", "!(!a)"), ("!a + b", "!(a + b)"), ("a == b < c", "(a == b) < c"), ("a < b == c", "(a < b) == c"),
            ("a < b + c", "a < (b + c)"), ("a + b >= c", "(a + b) >= c"), ("a != b - c", "a != (b - c)"),
            ("a > b <= c", "(a > b) <= c"), ("a - b - c", "(a - b) - c"), ("a - b + c", "(a - b) + c"),
            ("a + b * c", "a + (b * c)"), ("a / b - c", "(a / b) - c"), ("a / b / c", "(a / b) / c"),
            ("a / b * c", "(a / b) * c"), ("a * b / c", "(a * b) / c"), ("-a * b", "(-a) * b"), ("-a / b", "(-a) / b"),
            ("a * -b", "a * (-b)"), ("a--b", "a - (-b)"), ("-a - b", "(-a) - b"), ("--a", "-(-a)"), ("-a ^ b", "-(a ^ b)"),
            ("a ^ b ^ c", "a ^ (b ^ c)"), ("a ^ -b ^ c", "a ^ (-(b ^ c))"), ("a * b ^ c", "a * (b ^ c)"),
            ("a ^ b * c", "(a ^ b) * c"), ("a ^ -b * c", "(a ^ (-b)) * c"), ("-2 ^ a", "-(2 ^ a)"),
            ("a + !b == c", "a + (!(b == c))"), ("a == !b && c", "(a == (!b)) && c"), ("-f(a) ^ b.c", "-((f(a)) ^ (b.c))"),
            ("f(a ? b : c, d = e || g)", "f((a ? b : c), d = (e || g))"), ("x = a || b; x", "x = (a || b); x"),
        ])
    func grouping(text: String, bracketed: String) throws {
        #expect(try Program.parse(text) == Program.parse(bracketed))
        try expectRoundTrip(text)
    }

    @Test(
        "Brackets against the order make another tree",
        arguments: [
            ("a ? b : c ? d : e", "(a ? b : c) ? d : e"), ("a || b && c", "(a || b) && c"), ("!a == b", "(!a) == b"),
            ("!a && b", "!(a && b)"), ("a < b + c", "(a < b) + c"), ("a - b - c", "a - (b - c)"), ("a + b * c", "(a + b) * c"),
            ("a / b / c", "a / (b / c)"), ("-a * b", "-(a * b)"), ("-a ^ b", "(-a) ^ b"), ("a ^ b ^ c", "(a ^ b) ^ c"),
            ("a < b == c", "a < (b == c)"),
        ])
    func brackets(text: String, other: String) throws {
        #expect(try Program.parse(text) != Program.parse(other))
        try expectRoundTrip(other)
    }

    @Test(
        "A program is printed on one line with the fewest brackets and every word in one spelling",
        arguments: [
            ("((a+b))*(c)", "(a + b) * c"), ("a-(b-c)", "a - (b - c)"), ("(a-b)-c", "a - b - c"),
            ("(a^b)^c", "(a ^ b) ^ c"), ("a^(b^c)", "a ^ b ^ c"), ("NOT(a)and TRUE", "!a && true"), ("-(a+b)", "-(a + b)"),
            ("-(a*b)", "-(a * b)"), ("a-(-b)", "a - -b"), ("(a?b:c)?d:(e)", "(a ? b : c) ? d : e"),
            ("f( a ,b , c=( 1+2 ) )", "f(a, b, c = 1 + 2)"), ("x=1.50;\n\n x+.5 ;", "x = 1.5; x + 0.5"), ("F()", "F()"),
            ("'a'", "\"a\""), ("'say \"a\"'", "'say \"a\"'"), ("NaN", "nan"), ("1e3", "1000"), ("1e-7", "1e-07"),
            ("f(a) . b . c", "f(a).b.c"), ("(a == b) == (c == d)", "a == b == (c == d)"), ("(!a) == b", "(!a) == b"),
        ])
    func printing(text: String, printed: String) throws {
        #expect(try Program.parse(text).description == printed)
        try expectRoundTrip(text)
    }

    @Test("Any tree written with all brackets comes back from its print, and no bracket of the print can be left out")
    func randomTrees() throws {
        var dice = Dice(seed: 4)
        for _ in 0..<200 {
            let text = Tree.random(&dice, depth: 5).bracketed
            try expectRoundTrip(text)
            let program = try Program.parse(text)
            for shorter in withoutOneBracket(program.description) {
                #expect((try? Program.parse(shorter)) != program, "\(program) can be \(shorter)")
            }
        }
    }

    /// The text without one pair of brackets, for each pair. Those of calls stay, and those around a sign, which are
    /// printed for the reader wherever what stands before binds more tightly.
    private func withoutOneBracket(_ text: String) -> [String] {
        let characters = Array(text)
        var open: [Int] = []
        var results: [String] = []
        for (index, character) in characters.enumerated() {
            if character == "(" { open.append(index) }
            guard character == ")", let start = open.popLast() else { continue }
            let isCall = start > 0 && characters[start - 1].isLetter
            guard !isCall, !["-", "!"].contains(characters[start + 1]) else { continue }
            let rest = characters.indices.filter { $0 != start && $0 != index }
            results.append(String(rest.map { characters[$0] }))
        }
        return results
    }
}
