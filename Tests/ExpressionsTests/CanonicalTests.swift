import ClusterModel
import Expressions
import Testing

@Suite struct CanonicalTests {
    @Test(
        "Programs that differ in spelling alone have one form",
        arguments: [
            [
                "rank(close)", " RANK( (close) ) ; // best", "x = close; rank(x)", "x = rank(close); y = open; x;",
                "r = rank(close)",
            ],
            ["-rank(close)", "-1 * rank(close)", "rank(close)*-1.0", "reverse(rank(close))", "(-1 * 1) * rank(close)"],
            ["a + b + c", "c + (b + a)", "x = b + c; a + x", "add(add(c, a), b)", "add(a, b, filter=false) + c", "a - -b + c"],
            ["a - b + c", "c - (b) + a", "c + a + -1 * b", "subtract(a, b) + c"],
            ["a * b / c", "b * a / c", "divide(multiply(b, a), c)", "-(-a * b) / c"],
            ["a > b && c", "c and b < a", "and(b < a, c)"], ["a && true", "and(TRUE, a)"],
            ["a >= b || c != d", "d != c or b <= a"],
            ["a ? b : -2", "if_else(a, b, -2.0)", "IF_ELSE(a, b, reverse(2))"], ["a ^ 2.5", "power(a, 2.50)", "a ^ 25e-1"],
            ["max(a, b, 1)", "Max(1., b, a)"], ["ts_corr(a, b, 10)", "ts_corr(b, a, 1e1)"],
            ["f(x, a = 1, b = 2)", "f(x, b = 2, a = 1)", "n = 2; F(x, b = n, a = 1)"],
            ["bucket(x, range = \"0, 1, 0.1\")", "bucket(x, range = '0,1.0,.1')"],
            ["group_rank(x, IndClass.sector)", "group_rank(x, sector)", "s = indclass.Sector; group_rank(x, s)"],
            ["quantile(x, driver = gaussian)", "quantile(x, driver = \"Gaussian\")"],
            ["x = 1; x = x + a; x * x", "y = a + 1; y * (1 + a)"], ["inverse(a)", "1 / a", "-1 / -a"], ["!a", "not a", "not(a)"],
            ["s = f(a); s.b + 1", "1 + f(a).b"], ["multiply(a, b, c, filter = true)", "multiply(c, b, a, filter = TRUE)"],
        ])
    func same(texts: [String]) throws {
        let forms = try texts.map { try Program.parse($0).canonicalForm }
        for form in forms { #expect(form == forms[0]) }
        #expect(try Set(texts.map { try Program.parse($0).canonicalHash }).count == 1)
    }

    @Test(
        "Programs that mean different things have different forms",
        arguments: [
            ["a", "b", "-a", "a.b", "A", "f(a)", "\"a\"", "nan", "true", "1", "!a", "a()", "a + a", "a * a", "a ^ a"],
            ["a - b", "b - a", "a + b", "-a - b", "a / b", "b / a", "a ^ b", "b ^ a", "a * b", "a - b * 2"],
            ["a < b", "a <= b", "b < a", "b <= a", "a == b", "a != b", "!(a < b)", "!(a == b)"],
            ["a && b", "a || b", "(a && b) || c", "a && (b || c)"], ["a - b - c", "a - (b - c)", "a - (b + c) + a"],
            ["a / b / c", "a / (b / c)", "a / b * c"], ["a ^ b ^ c", "(a ^ b) ^ c"], ["a ? b : c", "a ? c : b", "b ? a : c"],
            ["f(a, b)", "f(b, a)", "f(a, b = b)", "f(a, a)", "f(a)", "g(a, b)", "f(a + b)"],
            ["f(x, a = 1)", "f(x, b = 1)", "f(x, a = 2)", "f(x, 1)"],
            ["x = a; x = x + b; x", "x = a + b; y = x + x; y", "x = a; x"],
            ["ts_corr(a, b, 10)", "ts_corr(a, b, 11)", "ts_corr(a, 10, b)"], ["0.1", "0.10000000000000002", "-0.1", "1e-1 + 0"],
            ["\"0,1\"", "\"0,1,\"", "\"01\"", "\"a, b\"", "\"a,b\""],
            ["add(a, b, filter = true)", "a + b", "multiply(a, b, filter = true)"],
            ["sector", "IndClass.industry", "x.sector"], ["t1 + t2", "t2 + t3"],
            ["rank(x, 2)", "rank(x, 3)", "rank(x, rate = 2)"],
            ["-(a + b)", "a + b"], ["a * -b", "a * b"], ["0 - a", "-a"], ["f(\"ab\")", "f(\"a\")", "f('b')"],
        ])
    func different(texts: [String]) throws {
        let forms = try texts.map { try Program.parse($0).canonicalForm }
        #expect(Set(forms).count == texts.count, "\(forms)")
    }

    @Test("The form is a program of a fixed writing, and the hash is its SHA-256")
    func writing() throws {
        let program = try Program.parse("y = -1*open; Rank(close > 3.0 ? y : x)/ts_sum(open+close-2, d = 5) // twice")
        #expect(program.canonicalForm == "rank(if_else(3 < close, -open, x)) / ts_sum(close + open - 2, d = 5)")
        // printf 'rank(close)' | sha256sum
        #expect(
            try Program.parse("Rank( close )").canonicalHash
                == "843b1f97b9e6376b2671c02929d9c6a903b000ecb0da48d5428352a1bb07baad")
    }

    @Test("A form means what its program means and is its own form", arguments: 0..<8)
    func meaningIsKept(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<60 {
            let program = try Program.parse(Tree.random(&dice, depth: 5).bracketed)
            let form = try Program.parse(program.canonicalForm)
            for seed: UInt64 in 1...2 {
                let meaning = Meaning(seed: seed)
                #expect(meaning.value(of: form) == meaning.value(of: program), "\(program) became \(form)")
            }
            #expect(form.canonicalForm == program.canonicalForm)
        }
    }

    @Test("A member of IndClass that is a keyword where it stands alone stays a member", arguments: ["or", "NOT", "true", "nan"])
    func keywordGroup(word: String) throws {
        let form = try Program.parse("group_rank(x, IndClass.\(word))").canonicalForm
        #expect(form == "group_rank(x, IndClass.\(word))")
        #expect(try Program.parse(form).canonicalForm == form)
    }

    @Test("A tree written in other words has the same form", arguments: 0..<8)
    func otherWords(seed: UInt64) throws {
        var dice = Dice(seed: 100 + seed)
        for _ in 0..<40 {
            let tree = Tree.random(&dice, depth: 4)
            let program = try Program.parse(tree.bracketed)
            for _ in 0..<3 {
                let text = Respelling.write(tree, seed: dice.next())
                #expect(try Program.parse(text).canonicalForm == program.canonicalForm, "\(tree.bracketed) written as \(text)")
            }
        }
    }

    @Test("The formulas and examples keep their form through their form and their print")
    func formulas() throws {
        var forms: Set<String> = []
        for text in FormulaicAlphas.all + Examples.all {
            let program = try Program.parse(text)
            let form = program.canonicalForm
            #expect(try Program.parse(form).canonicalForm == form)
            #expect(try Program.parse(program.description).canonicalForm == form)
            forms.insert(form)
        }
        #expect(forms.count == FormulaicAlphas.all.count + Examples.all.count)
    }

    @Test(
        "With a catalogue, old names, names of arguments and defaults are spelling too",
        arguments: [
            ["ts_rank(x, 5)", "ts_rank(x, 5, 0)", "ts_rank(d = 5, x = x)", "Ts_Rank(x, 5, constant = 0.0)"],
            ["winsorize(x, std = 3)", "winsorize(x, 3)", "n = 3; winsorize(std = n, x = x)"],
            ["ts_std_dev(x, 20)", "stddev(x, 20)", "STDDEV(x, d = 20)"], ["ts_corr(a, b, 9)", "correlation(b, a, 9)"],
            ["quantile(x)", "quantile(x, driver = gaussian)", "quantile(x, \"gaussian\", sigma = 1)", "quantile(x, gaussian)"],
            ["bucket(a, range = \"0,1,.1\")", "bucket(a)"],
            ["a + b", "add(x = a, y = b)", "add(a, y = b, filter = false)", "add(b, a, false)"],
            ["max(a, b, c)", "max(c, b, a)"], ["max(a, b)", "max(b, y = a)"],
        ])
    func catalogue(texts: [String]) throws {
        let forms = try texts.map { CanonicalForm(try Program.parse($0), catalogue: .standard) }
        for form in forms { #expect(form == forms[0]) }
        for form in forms { #expect(CanonicalForm(try Program.parse(form.text), catalogue: .standard) == form) }
    }

    @Test("With a catalogue, what is given or does not fit still counts")
    func catalogueDifferences() throws {
        let texts = [
            "ts_rank(x, 5)", "ts_rank(x, 5, 1)", "ts_rank(x, 6)", "ts_rank(x)", "ts_rank(x, 5, 0, 0)",
            "ts_rank(x, 5, constant = c)",
            "ts_rank(x, 5, konstant = 0)", "ts_rank(x, 5, x = 5)", "rank(x)", "rank(x, 3)",
            "constant = 0 - 0; ts_rank(x, 5, constant)",
            "quantile(x, cauchy)", "gaussian = x; quantile(x, gaussian)", "own(x, 5)", "own(x, d = 5)",
        ]
        let forms = try texts.map { CanonicalForm(try Program.parse($0), catalogue: .standard).text }
        #expect(Set(forms).count == texts.count, "\(forms)")
        for text in FormulaicAlphas.all + Examples.all {
            let form = CanonicalForm(try Program.parse(text), catalogue: .standard)
            #expect(CanonicalForm(try Program.parse(form.text), catalogue: .standard) == form)
        }
    }

    @Test(
        "Variables that double their size again and again keep forms short",
        arguments: [
            "f(x, x)", "x + x", "x * x + x", "x / x", "-x - x", "x && x", "(-x) ^ (-x)", "x ? x : x",
        ])
    func doubling(step: String) throws {
        let text = "x = a + b; " + String(repeating: "x = \(step); ", count: 300) + "x"
        let form = try Program.parse(text).canonicalForm
        #expect(form.utf8.count < 100_000)
        let again = try Program.parse(form)
        #expect(again.canonicalForm == form)
        let meaning = Meaning(seed: 3)
        #expect(meaning.value(of: again) == meaning.value(of: try Program.parse(text)))
    }

    @Test("A form that repeats parts names them, and never like a field")
    func names() throws {
        let step = "x = f(x, x); "
        let short = try Program.parse("x = t1; \(step)\(step)x").canonicalForm
        #expect(short == "f(f(t1, t1), f(t1, t1))")
        let long = try Program.parse("x = t1; " + String(repeating: step, count: 10) + "x").canonicalForm
        #expect(long.hasPrefix("t_1 = f(t1, t1); t_2 = f(t_1, t_1); "))
        #expect(long.hasSuffix("; f(t_9, t_9)"))
    }

    @Test("Variables nested far beyond the parser's depth still have a form that parses")
    func depth() throws {
        for step in ["f(x)", "-x * b", "x / 2", "2 ^ x", "!x", "x ? 1 : 2"] {
            let text = "x = a; " + String(repeating: "x = \(step); ", count: 1_000) + "x"
            let form = try Program.parse(text).canonicalForm
            #expect(try Program.parse(form).canonicalForm == form)
        }
    }

    @Test("Alphas of one form are one group, in the order of their ids")
    func duplicates() throws {
        var duplicates = ExpressionDuplicates()
        for (id, text) in [
            ("d", "rank(a)"), ("c", "a - b"), ("b", "x = A(1); RANK(a);"), ("e", "-b + a"), ("a", "b - a"), ("f", "rank(a)"),
        ] {
            duplicates.add(alphaID: id, program: try Program.parse(text))
        }
        #expect(duplicates.groups.map(\.alphaIDs) == [["b", "d", "f"], ["c", "e"]])
        #expect(duplicates.groups[0].hash == (try Program.parse("rank(a)").canonicalHash))
    }
}
