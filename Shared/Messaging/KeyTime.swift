/// Times as lists of keys have them: ISO 8601, UTC, to the millisecond, or to the second as earlier releases wrote them.
package enum KeyTime {
    private static let form = Array("0000-00-00T00:00:00.000Z".utf8)
    private static let daysOfMonths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    /// The time to the millisecond, in the form whose texts sort as the times do; nil for what is no time.
    package static func sortable(_ text: String) -> String? {
        var bytes = Array(text.utf8)
        let secondsEnd = form.count - 5
        if bytes.count == secondsEnd + 1 { bytes.insert(contentsOf: form[secondsEnd..<form.count - 1], at: secondsEnd) }
        let hasForm =
            bytes.count == form.count
            && zip(bytes, form).allSatisfy { $1 == UInt8(ascii: "0") ? (0x30...0x39).contains($0) : $0 == $1 }
        guard hasForm else { return nil }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { 10 * $0 + Int($1) - 0x30 } }
        let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
        guard year > 0, (1...12).contains(month), number(11..<13) < 24, number(14..<16) < 60, number(17..<19) < 60 else {
            return nil
        }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = month == 2 && isLeap ? 29 : daysOfMonths[month - 1]
        return (1...days).contains(day) ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
