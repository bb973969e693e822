import Expressions
import Testing

@Suite struct FuzzTests {
    /// What every text has to do: parse to something that prints, validates and counts, or name a place in it.
    private func check(_ text: String, _ accepted: inout Int) {
        do {
            let program = try Program.parse(text)
            accepted += 1
            let again = try Program.parse(program.description)
            #expect(again == program, "\(text.debugDescription)")
            let form = program.canonicalForm
            let formAgain = try Program.parse(form).canonicalForm
            #expect(formAgain == form, "\(text.debugDescription)")
            let usage = ExpressionUsage(program)
            #expect(usage.operators.map(\.name) == ExpressionUsage(again).operators.map(\.name))
            _ = OperatorCatalogue.standard.validate(program, fields: FieldList([]))
        } catch {
            let lines = text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }
            #expect(error.line >= 1 && error.line <= lines.count, "\(text.debugDescription): \(error)")
            let longest = lines.map(\.count).max() ?? 0
            #expect(
                error.start >= 1 && error.start <= error.end && error.end <= longest + 1, "\(text.debugDescription): \(error)")
            #expect(!error.message.isEmpty)
        }
    }

    private static let words =
        [
            "a", "close", "rank", "f", "(", ")", "(", ")", ",", ";", "=", "==", "+", "-", "*", "/", "^", "<", ">=", "?", ":", "!",
            "&&",
        ]
        + [
            "or", "not", ".", "1", ".5", "2.", "1e-3", "\"s\"", "'", "/*", "*/", "//", "#", "\n", " ", "é", "true", "nan",
            "sector",
        ]

    @Test("Any mixture of words parses or is refused with a place", arguments: 0..<4)
    func mixtures(seed: UInt64) {
        var dice = Dice(seed: 1_000 + seed)
        var accepted = 0
        for _ in 0..<700 {
            check(
                (0..<(1 + dice.roll(14))).map { _ in dice.pick(Self.words) }.joined(separator: dice.pick(["", " "])), &accepted)
        }
        #expect(accepted > 10)
    }

    @Test("Any bytes parse or are refused with a place")
    func bytes() {
        var dice = Dice(seed: 2_000)
        var accepted = 0
        for _ in 0..<1_000 {
            let bytes = (0..<dice.roll(20)).map { _ in UInt8(dice.roll(4) == 0 ? dice.roll(256) : 32 + dice.roll(95)) }
            check(String(decoding: bytes, as: UTF8.self), &accepted)
        }
        #expect(accepted < 1_000)
    }

    @Test("Formulas with letters changed, cut out, doubled and swapped parse or are refused with a place", arguments: 0..<4)
    func mutations(seed: UInt64) {
        var dice = Dice(seed: 3_000 + seed)
        let texts = (FormulaicAlphas.all + Examples.all).map { Array($0.unicodeScalars) }.filter { $0.count < 200 }
        let letters = Array(" ()+-*/^<>=!&|?:;,.\"'#0159aexA_\n".unicodeScalars)
        var accepted = 0
        for _ in 0..<500 {
            var text = dice.pick(texts)
            for _ in 0...dice.roll(3) where !text.isEmpty {
                let place = dice.roll(text.count)
                switch dice.roll(4) {
                case 0: text[place] = dice.pick(letters)
                case 1: text.remove(at: place)
                case 2: text.insert(dice.pick(letters), at: place)
                default: text.swapAt(place, dice.roll(text.count))
                }
            }
            var scalars = String.UnicodeScalarView()
            scalars.append(contentsOf: text)
            check(String(scalars), &accepted)
        }
        #expect(accepted > 20)
    }
}
