import ClusterModel
import Testing

@testable import Expressions

@Suite struct MarkedCodeTests {
    /// The marked pieces, each with its kind, cut out of the text by UTF-16 offsets as a browser would.
    private func pieces(_ text: String) -> [String] {
        let units = Array(text.utf16)
        return MarkedCode(text).marks.map { "\($0.kind.rawValue) \(String(decoding: units[$0.start..<$0.end], as: UTF16.self))" }
    }

    @Test("Operators, fields, numbers, strings, variables and groups are told apart")
    func kinds() {
        #expect(
            pieces("x = ts_rank(close, 5); group_rank(x - 1.5 * volume, sector) && !is_nan(x) # x") == [
                "variable x", "operator ts_rank", "field close", "number 5", "operator group_rank", "variable x", "operator -",
                "number 1.5", "operator *", "field volume", "group sector", "operator &&", "operator !", "operator is_nan",
                "variable x",
            ])
        #expect(
            pieces("bucket(rank(cap), range=\"0, 1\") + IndClass.sector") == [
                "operator bucket", "operator rank", "field cap", "string \"0, 1\"", "operator +", "group IndClass",
                "group sector",
            ])
    }

    @Test("Offsets count UTF-16 units, whatever stands in a comment before")
    func offsets() {
        #expect(pieces("/* \u{1F468}\u{200D}\u{1F469} é */ rank(close)") == ["operator rank", "field close"])
    }

    @Test("What is no formula is marked as far as its words can be told, and says why it is none")
    func broken() {
        let marked = MarkedCode("rank(close, 5")
        #expect(marked.error != nil && marked.marks.map(\.kind) == [.operator, .number])
        #expect(MarkedCode("rank(close) $ 5").marks.map(\.kind) == [.operator])
        #expect(MarkedCode("").marks.isEmpty && MarkedCode("").error != nil)
    }

    @Test("A formula of a million words has as many marks as it may")
    func bounded() {
        let marked = MarkedCode(Array(repeating: "a", count: Limits.codeMarksMax + 5).joined(separator: ";"))
        #expect(marked.marks.count == Limits.codeMarksMax)
    }
}
