import ClusterModel
import Foundation
import Panel
import Testing

@Suite struct DecimalTextTests {
    private func parse(_ text: String) -> Double? {
        var text = text
        return text.withUTF8 { DecimalText.parse($0) }
    }

    /// Texts that are read as another double than strtod reads.
    private func differences(_ texts: [String]) -> [String] {
        texts.filter { parse($0)?.bitPattern != strtod($0, nil).bitPattern }
    }

    private func digits(_ count: Int, _ generator: inout SeededGenerator) -> String {
        String((0..<count).map { _ in Character(UnicodeScalar(UInt8.random(in: 48...57, using: &generator))) })
    }

    @Test("Shortest texts of random doubles read back as the same bits")
    func shortest() {
        var generator = SeededGenerator(1)
        var failures: [String] = []
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            if parse("\(value)") != value { failures.append("\(value)") }
            let amount = Double.random(in: -1e8...1e8, using: &generator)
            if parse("\(amount)") != amount { failures.append("\(amount)") }
        }
        #expect(failures.isEmpty)
    }

    @Test("Random digits with points and exponents are rounded as strtod rounds them", arguments: 1...4)
    func random(seed: UInt64) {
        var generator = SeededGenerator(seed)
        var texts: [String] = []
        for _ in 0..<6_000 {
            var text = ["", "-", "+"].randomElement(using: &generator)!
            text += digits(Int.random(in: 1...21, using: &generator), &generator)
            if Bool.random(using: &generator) { text += "." + digits(Int.random(in: 0...21, using: &generator), &generator) }
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: text += "e\(Int.random(in: -30...30, using: &generator))"
            case 1: text += "E+\(Int.random(in: 0...340, using: &generator))"
            case 2: text += "e-0\(Int.random(in: 0...340, using: &generator))"
            default: break
            }
            texts.append(text)
        }
        #expect(differences(texts).isEmpty)
    }

    @Test("Numbers exactly between two doubles, and one digit beside, are rounded as strtod rounds them")
    func halfway() {
        var generator = SeededGenerator(7)
        var texts: [String] = []
        for _ in 0..<5_000 {
            // 2^53 ... 2^63: an odd multiple of half the spacing is a tie, and still has at most 19 digits.
            let power = UInt64.random(in: 1...10, using: &generator)
            let significand = UInt64.random(in: (1 << 52)..<(1 << 53), using: &generator)
            let tie = significand << power | 1 << (power - 1)
            for number in [tie - 1, tie, tie + 1] {
                texts.append("\(number)")
                texts.append("\(number).0")
                texts.append("\(number)e0")
            }
            // k / 2^j has j decimals: ties with a fraction, 16 to 19 digits in all.
            let fraction = Int.random(in: 1...3, using: &generator)
            let scaled = UInt64.random(in: (1 << 53)..<(1 << 54), using: &generator) | 1
            let five = [1, 5, 25, 125][fraction]
            let (whole, part) = (scaled >> UInt64(fraction), Int(scaled & (1 << UInt64(fraction) - 1)))
            let decimals = String(part * five)
            texts.append("\(whole)." + String(repeating: "0", count: fraction - decimals.count) + decimals)
        }
        #expect(differences(texts).isEmpty)
    }

    @Test(
        "Notorious texts are rounded as strtod rounds them",
        arguments: [
            "0", "-0", "0.0e999", "1", "00012.50", ".5", "5.", "1e23", "8.5e22", "9007199254740993", "9007199254740992.5",
            "9007199254740993.00000000000000000000000000001", "1.7976931348623157e308", "1.7976931348623158e308",
            "1.7976931348623159e308", "2.2250738585072011e-308", "2.2250738585072014e-308", "4.9e-324", "2.4703282292062327e-324",
            "2.4703282292062328e-324", "1e-400", "1e400", "-1e400", "0.1", "0.3", "123456789012345678901234567890",
            "9999999999999999999", "9999999999999999999e-19", "10000000000000000000e-19", "18446744073709551615",
            "18446744073709551616", "1e999999999999999999999", "1e-999999999999999999999", "6.631236846766476e-316",
            "3.518437208883201171875e13", "0.000000000000000000000000000000000000000000000000000000000000000001",
            "179769313486231580793728971405301e276", "100000000000000016777215", "100000000000000016777216",
            "5e-20", "-106477.37000000001",
        ])
    func notorious(text: String) {
        #expect(parse(text)?.bitPattern == strtod(text, nil).bitPattern)
    }

    @Test(
        "What is no plain decimal number is refused, also what strtod would take",
        arguments: [
            "", "-", "+", ".", "-.", "e5", ".e5", "1e", "1e+", "1e-", "1e1.5", "0x10", "1_000", "1,5", "+-1", "--1", "1 ", " 1",
            "nan", "inf", "infinity", "1d5", "1.2.3", "1f", "\u{0661}", "1\0", "1e5x",
        ])
    func refused(text: String) {
        #expect(parse(text) == nil)
    }
}

@Suite struct PnLTextTests {
    private func value(_ text: String) -> Double? {
        var text = text
        return text.withUTF8 { PnLText.value(of: $0) }
    }

    @Test("Empty and blank fields and the texts that pandas reads as missing are missing")
    func missing() {
        for text in ["", " ", "\t", " NaN "] + PnLText.missingTexts { #expect(value(text)?.isNaN == true, "'\(text)'") }
        // The list of pandas 2: pandas._libs.parsers.STR_NA_VALUES without the empty text.
        let pandas = [
            "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
            "NULL", "NaN", "None", "n/a", "nan", "null",
        ]
        #expect(PnLText.missingTexts == pandas)
    }

    @Test("Blanks around a number do not count, blanks inside do")
    func blanks() {
        #expect(value(" 1.5\t") == 1.5)
        #expect(value("1 5") == nil)
    }

    @Test(
        "Infinities are known in any spelling so that they can be refused as such",
        arguments: ["inf", "-Inf", "+INFINITY", "1e999"])
    func infinite(text: String) {
        #expect(value(text)?.isInfinite == true)
    }

    @Test("Other words are not numbers", arguments: ["abc", "NAN1", "missing", "-", "na", "in", "--inf", "0x1p3", "1.0.0"])
    func words(text: String) {
        #expect(value(text) == nil)
    }
}
