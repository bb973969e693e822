import Expressions
import Testing

@Suite struct UsageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let operators: [String: Int]
        let fields: [String: Int]
        var variables: [String] = []
        var groups: [String] = []
        var testDescription: String { text }
    }

    static let cases = [
        Case(
            text: Examples.all[0], operators: ["group_rank": 1, "ts_rank": 1, "divide": 1], fields: ["est_eps": 1, "close": 1],
            groups: ["industry"]),
        Case(text: Examples.all[1], operators: ["reverse": 1, "ts_corr": 1], fields: ["est_ptp": 1, "est_fcf": 1]),
        Case(
            text: Examples.all[2],
            operators: [
                "ts_regression": 1, "ts_backfill": 2, "ts_step": 1, "winsorize": 1, "reverse": 1, "multiply": 1, "abs": 1,
            ],
            fields: ["news_pct_1min": 1, "news_max_up_ret": 1], variables: ["slope"]),
        Case(
            text: Examples.all[3],
            operators: ["generate_stats": 1, "self_corr": 1, "subtract": 1, "reduce_max": 1, "if_else": 1, "equal": 1],
            fields: [:], variables: ["stats", "ic"]),
        Case(
            text: Examples.all[4],
            operators: [
                "trade_when": 1, "ts_arg_max": 1, "less": 1, "and": 1, "not": 1, "is_nan": 1, "reverse": 1, "rank": 1,
                "ts_delta": 1, "greater": 1, "abs": 1,
            ],
            fields: ["volume": 1, "close": 2, "returns": 1]),
        Case(text: Examples.all[5], operators: ["bucket": 1, "rank": 1], fields: ["cap": 1]),
        Case(
            text: Examples.all[6], operators: ["bucket": 1, "rank": 1, "group_neutralize": 1, "quantile": 1],
            fields: ["cap": 1, "x": 1], variables: ["g"]),
        // a <= b is one less_equal and no less; signs of numbers are no operators.
        Case(
            text: "a <= -1 ? b >= 2 : -(1) ^ c // d < e",
            operators: ["less_equal": 1, "if_else": 1, "greater_equal": 1, "reverse": 1, "power": 1],
            fields: ["a": 1, "b": 1, "c": 1]),
        Case(
            text: "x = close; x = x + x; x * adv20 + adv5 - close.y; z",
            operators: ["add": 2, "multiply": 1, "subtract": 1], fields: ["close": 2, "adv20": 1, "adv5": 1, "z": 1],
            variables: ["x"]),
        Case(
            text: "Ts_ArgMax(IndNeutralize(close, IndClass.Sector), 2) != MyOwn(sector) || !stddev(close, 5)",
            operators: ["ts_arg_max": 1, "group_neutralize": 1, "not_equal": 1, "myown": 1, "or": 1, "not": 1, "ts_std_dev": 1],
            fields: ["close": 2], groups: ["sector"]),
        Case(
            text: "driver = 1; ts_quantile(a, 2, driver = driver) + quantile(b, driver = uniform)",
            operators: ["add": 1, "quantile": 1, "ts_quantile": 1], fields: ["a": 1, "b": 1], variables: ["driver"]),
    ]

    @Test("Operators and fields of a program are counted as they are written", arguments: cases)
    func counts(_ c: Case) throws {
        let usage = ExpressionUsage(try Program.parse(c.text))
        #expect(Dictionary(uniqueKeysWithValues: usage.operators.map { ($0.name, $0.count) }) == c.operators)
        #expect(Dictionary(uniqueKeysWithValues: usage.fields.map { ($0.name, $0.count) }) == c.fields)
        #expect(usage.variables == c.variables)
        #expect(usage.groups == c.groups)
        #expect(usage.operatorCount == c.operators.values.reduce(0, +))
        #expect(usage.fieldCount == c.fields.values.reduce(0, +))
        #expect(usage.operators.map(\.name) == c.operators.keys.sorted())
        #expect(usage.fields.map(\.name) == c.fields.keys.sorted())
    }

    @Test("Each word knows its category, and whether the lists have it")
    func categories() throws {
        let fields = FieldList([DataField(name: "close", category: "pv"), DataField(name: "adv20", category: "volume")])
        let catalogue = OperatorCatalogue([Operator(name: "rank", category: "Cross Sectional")])
        let usage = ExpressionUsage(try Program.parse("rank(close < adv60) + foo(eps)"), catalogue: catalogue, fields: fields)
        #expect(
            usage.operators == [
                WordUsage(name: "add", category: "Arithmetic", isKnown: true, count: 1),
                WordUsage(name: "foo", category: "", isKnown: false, count: 1),
                WordUsage(name: "less", category: "Logical", isKnown: true, count: 1),
                WordUsage(name: "rank", category: "Cross Sectional", isKnown: true, count: 1),
            ])
        #expect(
            usage.fields == [
                WordUsage(name: "adv60", category: "volume", isKnown: true, count: 1),
                WordUsage(name: "close", category: "pv", isKnown: true, count: 1),
                WordUsage(name: "eps", category: "", isKnown: false, count: 1),
            ])
    }

    @Test("Many alphas together: what most use first, categories, and what none uses")
    func combined() throws {
        let catalogue = OperatorCatalogue([
            Operator(name: "rank", category: "C"), Operator(name: "ts_mean", category: "T"), Operator(name: "zscore"),
            Operator(name: "ts_std_dev", category: "T", aliases: ["stddev"]), Operator(name: "add"),
        ])
        let fields = FieldList(["open", "close", "volume"].map { DataField(name: $0, category: "pv") })
        var combined = CombinedUsage()
        for text in ["rank(close) + rank(open)", "rank(close)", "stddev(close, 5) + close", "foo(eps)"] {
            combined.add(ExpressionUsage(try Program.parse(text), catalogue: catalogue, fields: fields))
        }
        #expect(combined.alphaCount == 4)
        #expect(combined.operators.map(\.name) == ["rank", "add", "foo", "ts_std_dev"])
        #expect(combined.operators.map(\.alphaCount) == [2, 2, 1, 1])
        #expect(combined.operators.map(\.count) == [3, 2, 1, 1])
        #expect(combined.fields.map(\.name) == ["close", "eps", "open"])
        #expect(combined.fields.map(\.alphaCount) == [3, 1, 1])
        #expect(combined.fields.map(\.isKnown) == [true, false, true])
        #expect(combined.operatorCategories.map(\.name) == ["", "C", "T"])
        #expect(combined.operatorCategories.map(\.count) == [3, 3, 1])
        #expect(combined.fieldCategories.map(\.wordCount) == [1, 2])
        #expect(combined.unusedOperators(of: catalogue).map(\.name) == ["ts_mean", "zscore"])
        #expect(combined.unusedFields(of: fields).map(\.name) == ["volume"])
    }

    @Test("The 101 formulas use known operators alone, and the fields the paper names")
    func formulas() throws {
        var combined = CombinedUsage()
        for formula in FormulaicAlphas.all { combined.add(ExpressionUsage(try Program.parse(formula))) }
        let plain = combined.fields.map(\.name).filter { !$0.hasPrefix("adv") }
        #expect(Set(plain) == ["open", "close", "high", "low", "volume", "vwap", "returns", "cap"])
        #expect(combined.operators.allSatisfy { $0.isKnown })
        // Formulas with the word, counted with grep on the paper's text.
        let uses = Dictionary(uniqueKeysWithValues: combined.operators.map { ($0.name, $0.alphaCount) })
        #expect(uses["ts_corr"] == 58 && uses["group_neutralize"] == 18 && uses["power"] == 15)
    }
}
