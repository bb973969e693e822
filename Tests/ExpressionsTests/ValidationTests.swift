import Expressions
import Testing

@Suite struct ValidationTests {
    static let fields = FieldList(
        ["open", "close", "high", "low", "volume", "vwap", "returns", "cap", "adv20"].map { DataField(name: $0, category: "pv") })

    private func findings(_ text: String) throws -> [String] {
        OperatorCatalogue.standard.validate(try Program.parse(text), fields: Self.fields).map {
            "\($0.position.start) \($0.kind.rawValue): \($0.message)"
        }
    }

    @Test("All 101 formulas call known operators rightly and use known fields")
    func formulas() throws {
        for (index, formula) in FormulaicAlphas.all.enumerated() {
            let found = OperatorCatalogue.standard.validate(try Program.parse(formula), fields: Self.fields)
            #expect(found.isEmpty, "formula \(index + 1): \(found)")
        }
    }

    @Test("The examples of today call known operators rightly", arguments: Examples.all)
    func examples(text: String) throws {
        #expect(OperatorCatalogue.standard.validate(try Program.parse(text)).isEmpty)
    }

    @Test(
        "What does not fit is said where it is",
        arguments: [
            ("rnk(close)", ["1 unknownOperator: 'rnk' is no known operator"]),
            ("rank(clse)", ["6 unknownField: 'clse' is neither a data field nor a variable"]),
            ("rank + 1", ["1 unknownField: 'rank' is an operator and stands here without its arguments"]),
            ("ts_mean(close)", ["1 argumentCount: 'ts_mean' lacks its argument d"]),
            ("trade_when(y = close)", ["1 argumentCount: 'trade_when' lacks its arguments x, z"]),
            ("zscore(close, 3)", ["15 argumentCount: 'zscore' takes at most 1: x; 2 are given"]),
            ("ts_mean(close, d = 5)", []), ("ts_mean(d = 5, x = close)", []), ("winsorize(close, 3)", []),
            ("max(close, open, low, high)", []), ("max(close)", ["1 argumentCount: 'max' lacks its argument y"]),
            ("winsorize(close, sd = 3)", ["18 unknownArgument: 'winsorize' has no argument 'sd'; it has x, std"]),
            ("winsorize(close, 3, std = 3)", ["21 argumentCount: the argument 'std' of 'winsorize' is given twice"]),
            ("rank(\"close\")", ["6 argumentType: the argument 'x' of 'rank' takes a value, not a string"]),
            ("max(close, open, 'low')", ["18 argumentType: 'max' takes a value, not a string"]),
            ("winsorize(close, std = true)", ["24 argumentType: the argument 'std' of 'winsorize' takes a number"]),
            ("winsorize(close, std = '4')", ["24 argumentType: the argument 'std' of 'winsorize' takes a number"]),
            ("winsorize(close, std = -4)", []), ("s = 4; winsorize(close, std = 2 * s)", []),
            ("add(close, open, filter = 1)", ["27 argumentType: the argument 'filter' of 'add' takes true or false"]),
            ("quantile(close, driver = 2)", ["26 argumentType: the argument 'driver' of 'quantile' takes a string"]),
            ("quantile(close, driver = gaussian)", []), ("quantile(close, cauchy)", []),
            ("quantile(close, driver = 'uniform')", []),
            ("close = open; close", ["1 assignment: 'close' is a data field and cannot be assigned to"]),
            ("sector = 1; 2", ["1 assignment: 'sector' is a group and cannot be assigned to"]),
            ("alpha = 1; 2", ["1 assignment: 'alpha' is a word of the language and cannot be assigned to"]),
            ("y = x + 1; x = 2; x + y", ["5 unknownField: 'x' is used before it is assigned"]),
            ("group_rank(close, IndClass.sectors)", ["19 unknownField: 'sectors' is no known group"]),
            ("group_rank(close, IndClass.sector) + adv63", []),
            ("Close", ["1 unknownField: 'Close' is neither a data field nor a variable"]),
        ])
    func single(text: String, expected: [String]) throws {
        #expect(try findings(text) == expected)
    }

    @Test("One unknown word hides nothing else, and findings come in the order of the text")
    func several() throws {
        #expect(
            try findings("low = foo(bar, ts_mean(close, 1, 2)); baz(qux, k = rank(one, rat = 2)) + two") == [
                "1 assignment: 'low' is a data field and cannot be assigned to",
                "7 unknownOperator: 'foo' is no known operator",
                "11 unknownField: 'bar' is neither a data field nor a variable",
                "34 argumentCount: 'ts_mean' takes at most 2: x, d; 3 are given",
                "39 unknownOperator: 'baz' is no known operator",
                "43 unknownField: 'qux' is neither a data field nor a variable",
                "57 unknownField: 'one' is neither a data field nor a variable",
                "62 unknownArgument: 'rank' has no argument 'rat'; it has x, rate",
                "74 unknownField: 'two' is neither a data field nor a variable",
            ])
    }

    @Test("Places far along a long line are right, whatever the letters before them")
    func longLine() throws {
        let text = "/* " + String(repeating: "é", count: 200) + " */ " + String(repeating: "foo + ", count: 1_000) + "\nfoo"
        let positions = OperatorCatalogue.standard.validate(try Program.parse(text), fields: Self.fields).map(\.position)
        let expected = (0..<1_000).map { SourcePosition(line: 1, start: 208 + 6 * $0, end: 211 + 6 * $0) }
        #expect(positions == expected + [SourcePosition(line: 2, start: 1, end: 4)])
    }

    @Test("Without a list of fields any name is one, but groups still cannot be assigned")
    func withoutFields() throws {
        let program = try Program.parse("close = foo; market = 1; close")
        #expect(OperatorCatalogue.standard.validate(program).map(\.name) == ["market"])
        #expect(OperatorCatalogue.standard.validate(program).map(\.position) == [SourcePosition(line: 1, start: 14, end: 20)])
    }
}
