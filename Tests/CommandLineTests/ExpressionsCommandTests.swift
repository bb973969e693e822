import API
import ArgumentParser
import ClusterModel
import Expressions
import Foundation
import Testing

@testable import alphagrid

@Suite struct ExpressionsCommandTests {
    private func parse<Command>(_ arguments: [String], as type: Command.Type) throws -> Command {
        try #require(try AlphaGridCommand.parseAsRoot(["expressions"] + arguments) as? Command)
    }

    private func report(_ text: String, fields: FieldList? = nil) -> ExpressionReport {
        ExpressionReport(text, catalogue: .standard, fields: fields)
    }

    private func json(_ value: some Encodable) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: GridJSON.encodeForReading(value)) as? [String: Any])
    }

    // MARK: The command line

    @Test(
        "A formula may begin with a minus, wherever it stands; options, help and other commands stay as they are",
        arguments: [
            ("expressions check -rank(x) --json", "expressions check --json -- -rank(x)"),
            ("expressions check --fields f -high", "expressions check --fields f -- -high"),
            ("expressions check -1*x", "expressions check -- -1*x"),
            ("expressions check -h", "expressions check -h"), ("expressions check --file -", "expressions check --file -"),
            ("expressions check --json -- -x", "expressions check --json -- -x"),
            ("expressions usage -x", "expressions usage -x"), ("jobs -x", "jobs -x"),
        ])
    func minus(line: String, expected: String) {
        func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(ExpressionsCommand.shieldingFormulas(words(line)) == words(expected))
    }

    @Test("Formulas come as they are, and pools are the submitted alphas unless told")
    func defaults() throws {
        typealias Check = ExpressionsCommand.Check
        #expect(try parse(["check", "rank(close)"], as: Check.self).text == "rank(close)")
        #expect(try parse(["check", "--json", "--", "-rank(high)"], as: Check.self).text == "-rank(high)")
        let usage = try parse(["usage", "--region", "USA", "--format", "csv"], as: ExpressionsCommand.Usage.self)
        #expect(usage.alphas.pool == "submitted" && usage.format == .csv)
        #expect(try parse(["duplicates", "--region", "USA"], as: ExpressionsCommand.Duplicates.self).threshold == 0.99)
    }

    @Test(
        "What does not go together, or makes no sense, is refused",
        arguments: [
            ["check"], ["check", "a", "b"], ["check", "a", "--region", "USA"], ["check", "--file", "x", "--region", "USA"],
            ["check", "a", "--pool", "core"], ["usage"], ["usage", "--region", "USA", "--json", "--format", "csv"],
            ["expansion"], ["duplicates", "--region", "USA", "--threshold", "1"],
            ["duplicates", "--region", "USA", "--threshold=-1"], ["duplicates", "--region", "USA", "--threshold", "nan"],
            ["bogus"],
        ])
    func refused(arguments: [String]) throws {
        let error = #expect(throws: (any Error).self) { _ = try AlphaGridCommand.parseAsRoot(["expressions"] + arguments) }
        #expect(Outcome(of: try #require(error)).exitCode == 2)
    }

    @Test("Lists are read from files, and a mistake in one names the file")
    func lists() throws {
        let scratch = try Scratch()
        let operators = try scratch.write(#"{"operators": ["rank", "foo"], "count": 2}"#, to: "operators.json")
        let fields = try scratch.write(#"[{"id": "close", "category": "pv"}]"#, to: "fields.json")
        let broken = try scratch.write(#"{"fields": [1]}"#, to: "broken.json")
        #expect(try OperatorOptions.parse(["--operators", operators]).catalogue().operators.map(\.name) == ["foo", "rank"])
        #expect(try OperatorOptions.parse([]).catalogue().operators.count == OperatorCatalogue.standard.operators.count)
        #expect(try FieldOptions.parse(["--fields", fields]).list()?.fields.map(\.name) == ["close"])
        #expect(try FieldOptions.parse([]).list() == nil)
        let error = #expect(throws: GridError.self) { _ = try FieldOptions.parse(["--fields", broken]).list() }
        #expect(error?.kind == .usage && error?.message.hasPrefix("\(broken): element 1 ") == true, "\(error?.message ?? "")")
        let absent = #expect(throws: GridError.self) { _ = try OperatorOptions.parse(["--operators", "/none"]).catalogue() }
        #expect(absent?.kind == .notFound)
    }

    // MARK: One formula

    @Test("A right formula shows its form, hash and what it uses")
    func right() throws {
        let report = report("x = close; /* twice */ group_rank(x + rank(close), sector)")
        let form = try CanonicalForm(Program.parse("group_rank(rank(close) + close, sector)"), catalogue: .standard)
        #expect(
            report.lines == [
                "form       \(form.text)", "hash       \(form.hash)",
                "operators  3 distinct, 3 in all: add, group_rank, rank", "fields     1 distinct, 2 in all: close 2",
                "variables  x", "groups     sector",
            ])
        let view = try json(report.view)
        #expect(
            Set(view.keys) == [
                "valid", "canonical", "hash", "operators", "operator_count", "fields", "field_count", "variables", "groups",
                "problems",
            ])
        #expect(view["valid"] as? Bool == true && view["hash"] as? String == form.hash && view["operator_count"] as? Int == 3)
        #expect((view["problems"] as? [Any])?.isEmpty == true)
        #expect((view["fields"] as? [[String: Any]])?.first?["count"] as? Int == 2)
    }

    @Test("A text that is no formula shows the place, and has the same keys with null")
    func syntax() throws {
        let report = report("x = close;\nts_mean(close,, 5)")
        #expect(report.lines.count == 3 && report.lines[0].hasPrefix("line 2, column 15: "))
        #expect(report.lines[1...] == ["    ts_mean(close,, 5)", "                  ^"])
        let view = try json(report.view)
        #expect(view.count == 10 && view["valid"] as? Bool == false)
        #expect(view["canonical"] is NSNull && view["hash"] is NSNull)
        let problem = try #require((view["problems"] as? [[String: Any]])?.first)
        #expect(problem["kind"] as? String == "syntax" && problem["line"] as? Int == 2)
        #expect(problem["start"] as? Int == 15 && problem["end"] as? Int == 16)
    }

    @Test("Every problem has its line and a mark, and of very many the first are shown")
    func problems() throws {
        let fields = FieldList([DataField(name: "close")])
        let report = report("rank(clse) + ts_mean(close)", fields: fields)
        #expect(
            report.lines.suffix(6) == [
                "line 1, columns 6-9: 'clse' is neither a data field nor a variable", "    rank(clse) + ts_mean(close)",
                "         ^^^^", "line 1, columns 14-20: 'ts_mean' lacks its argument d", "    rank(clse) + ts_mean(close)",
                "                 ^^^^^^^",
            ])
        #expect(report.view.problems.map(\.kind) == ["unknown_field", "argument_count"] && !report.view.valid)
        let many = self.report((0..<25).map { "f\($0)(close)" }.joined(separator: " + "))
        #expect(many.view.problems.count == 25)
        #expect(many.lines.count(where: { $0.hasPrefix("line 1") }) == 20 && many.lines.last == "... 5 more problems")
    }

    struct Mark: Sendable {
        let source: String
        let line: Int
        let start: Int
        let end: Int
        let expected: [String]

        init(_ source: String, _ line: Int, _ columns: Range<Int>, _ expected: [String]) {
            self.source = source
            self.line = line
            (start, end) = (columns.lowerBound, columns.upperBound)
            self.expected = expected
        }
    }

    private static func many(_ letter: String, _ count: Int) -> String { String(repeating: letter, count: count) }

    static let marks = [
        Mark("\tab", 1, 2..<4, [" ab", " ^^"]),
        Mark("é\r\nxé\u{7}y", 2, 4..<5, ["xé?y", "   ^"]),
        Mark("a\rb\n\nc", 4, 1..<2, ["c", "^"]),
        Mark("ab", 1, 3..<3, ["ab", "  ^"]),
        Mark("", 1, 1..<1, ["", "^"]),
        // Of long lines 100 columns, 40 of them before the place.
        Mark(
            "\(many("a", 300))b\(many("c", 300))", 1, 301..<302,
            ["...\(many("a", 40))b\(many("c", 59))...", "\(many(" ", 43))^"]),
        Mark(
            "\(many("a", 90))\(many("b", 300))", 1, 91..<391,
            ["...\(many("a", 40))\(many("b", 60))...", "\(many(" ", 43))\(many("^", 60))"]),
        Mark(many("a", 200), 1, 201..<201, ["...\(many("a", 100))", "\(many(" ", 103))^"]),
    ]

    @Test("The mark is below the place, whatever stands before it and however long the line is", arguments: marks)
    func mark(_ mark: Mark) {
        let position = SourcePosition(line: mark.line, start: mark.start, end: mark.end)
        #expect(SourceMark.lines(mark.source, position) == mark.expected)
    }
}
