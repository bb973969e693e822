import ClusterModel
import Expressions
import Testing

@Suite struct ParserTests {
    @Test(
        "Numbers are read in every writing",
        arguments: [
            (".001", 0.001), ("2.", 2), ("8.93345", 8.93345), ("1e-3", 0.001), ("1E+3", 1000), ("2.e2", 200), (".5e1", 5),
            ("0", 0), ("007", 7), ("1e-999", 0), ("123456789012345678901234567890", 123456789012345677877719597056),
        ])
    func numbers(text: String, value: Double) throws {
        #expect(try Program.parse(text).nodes == [.number(value)])
        try expectRoundTrip(text)
    }

    @Test("Words of the language are read in any case, and look-alikes are names")
    func words() throws {
        #expect(try Program.parse("True").nodes == [.boolean(true)])
        #expect(try Program.parse("FALSE").nodes == [.boolean(false)])
        #expect(try Program.parse("NaN").nodes == [.nan])
        #expect(try Program.parse("a AND b Or c") == Program.parse("a && b || c"))
        #expect(try Program.parse("nano").nodes == [.name("nano")])
        #expect(try Program.parse("android").nodes == [.name("android")])
        #expect(try Program.parse("_x1").nodes == [.name("_x1")])
    }

    @Test("Strings stand in either quote and may hold the other, comment signs and any letters")
    func strings() throws {
        #expect(try Program.parse("\"0, 1, 0.1\"").nodes == [.text("0, 1, 0.1")])
        #expect(try Program.parse("'it \"is\"'").nodes == [.text("it \"is\"")])
        #expect(try Program.parse("\"/* # // ü\"").nodes == [.text("/* # // ü")])
        #expect(try Program.parse("''").nodes == [.text("")])
    }

    @Test(
        "Comments and line breaks of every kind separate words and mean nothing",
        arguments: [
            "/* one */a/**/+/* two\n lines; */b", "a // first\n + b", "a # first\r\n + b # last", "\u{FEFF}a\t+\r\nb;",
            "a +\u{0B}\u{0C}b",
            "a /* / * */ + b // ; c", "a\r+\rb",
        ])
    func comments(text: String) throws {
        #expect(try Program.parse(text) == Program.parse("a+b"))
    }

    @Test("Statements assign names, the last one is the alpha, and its semicolon may be left out")
    func statements() throws {
        let program = try Program.parse("x = close; y = x + 1;\n-y;")
        #expect(program.statements.map(\.target) == ["x", "y", nil])
        #expect(program.nodes[program.alpha] == .unary(.negate, 5 - 1))
        #expect(try Program.parse("x = close; y = x + 1;\n-y") == program)
        #expect(try Program.parse("a = b").statements.map(\.target) == ["a"])
    }

    @Test("Calls take arguments without names and then some with; the words and/or can be called")
    func calls() throws {
        let program = try Program.parse("f(a, 2, g = 'x', h = b)")
        guard case .call(let call) = program.nodes[program.alpha] else {
            Issue.record("no call")
            return
        }
        #expect(call.name == "f")
        #expect(call.positional.map { program.nodes[$0] } == [.name("a"), .number(2)])
        #expect(call.named.map(\.name) == ["g", "h"])
        #expect(call.named.map { program.nodes[$0.value] } == [.text("x"), .name("b")])
        try expectRoundTrip("and(a, b) && or(c, d) && not(e)")
    }

    @Test("Nodes come after what they are made of, and know where they stand")
    func places() throws {
        let program = try Program.parse("a +\n  rank(bc) * 2")
        for (node, content) in program.nodes.enumerated() { #expect(content.children.allSatisfy { $0 < node }) }
        #expect(program.position(of: 0) == SourcePosition(line: 1, start: 1, end: 2))
        #expect(program.position(of: 1) == SourcePosition(line: 2, start: 8, end: 10))
        #expect(program.position(of: 2) == SourcePosition(line: 2, start: 3, end: 11))
        #expect(program.nodes[2].children == [1])
    }

    @Test("Every one of the 101 formulas parses, prints and reads back as the same tree")
    func formulaicAlphas() throws {
        #expect(FormulaicAlphas.all.count == 101)
        for formula in FormulaicAlphas.all { try expectRoundTrip(formula) }
        #expect(
            try Program.parse(FormulaicAlphas.all[100]).description == "(close - open) / (high - low + 0.001)")
    }

    @Test("Formulas as they are written today read back from their print", arguments: Examples.all)
    func examples(text: String) throws { try expectRoundTrip(text) }

    @Test("What is enclosed may be nested as deep as the limit says, and no deeper")
    func nesting() throws {
        let most = Limits.expressionNestingMax
        func nested(_ depth: Int) -> [String] {
            [
                String(repeating: "(", count: depth - 1) + "a" + String(repeating: ")", count: depth - 1),
                String(repeating: "f(", count: depth - 1) + "a" + String(repeating: ")", count: depth - 1),
                String(repeating: "-", count: depth - 1) + "a", String(repeating: "!", count: depth - 1) + "a",
                String(repeating: "a ^ ", count: depth - 1) + "a", String(repeating: "a ? b : ", count: depth - 1) + "a",
            ]
        }
        for text in nested(most) { try expectRoundTrip(text) }
        for text in nested(most + 1) + nested(100_000) {
            let error = try #require(throws: ExpressionError.self) { try Program.parse(text) }
            #expect(error.message == "the expression is nested more than \(most) deep")
        }
    }

    @Test("What would be nested deeper when it is printed, with brackets that the text does without, is refused")
    func nestingOfPrint() throws {
        // Each -(!a) takes three levels for two signs.
        let most = (Limits.expressionNestingMax - 1) / 3
        try expectRoundTrip(String(repeating: "-!", count: most) + "a")
        let error = try #require(throws: ExpressionError.self) {
            try Program.parse(String(repeating: "-!", count: most + 1) + "a")
        }
        #expect(error.message.contains("nested more than"))
    }

    @Test("A sum of 20,000 terms is no deeper than one of two")
    func longSum() throws {
        let text = Array(repeating: "a * b", count: 20_000).joined(separator: " - ")
        try expectRoundTrip(text)
        #expect(try Program.parse(text).canonicalForm.utf8.count > 20_000)
    }

    @Test("A text beyond the limit is refused by its size")
    func size() throws {
        let error = try #require(throws: ExpressionError.self) {
            try Program.parse(String(repeating: " ", count: Limits.expressionBytesMax) + "a")
        }
        #expect(error.message == "the expression has 1048577 bytes; at most 1048576 are read")
    }
}
