import ClusterModel

/// What a value field of a CSV file may say.
package enum PnLText {
    /// Texts that mean "missing", besides the empty one: those that pandas reads as missing by default.
    package static let missingTexts = [
        "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
        "NULL", "NaN", "None", "n/a", "nan", "null",
    ]

    /// The number in a field; NaN for a missing one, infinity for what says so or is too large for a Double, nil for
    /// anything else. Blanks around the text do not count.
    package static func value(of field: UnsafeBufferPointer<UInt8>) -> Double? {
        if field.isEmpty { return .nan }
        if let value = DecimalText.parse(field) { return value }
        let trimmed = trimming(field)
        if trimmed.isEmpty { return .nan }
        if trimmed.count < field.count, let value = DecimalText.parse(trimmed) { return value }
        let text = String(decoding: trimmed.prefix(16), as: UTF8.self)
        if missingTexts.contains(text) { return .nan }
        let unsigned = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.dropFirst()) : text
        return ["inf", "infinity"].contains(unsigned.lowercased()) ? .infinity : nil
    }

    /// What is wrong with a field that `value(of:)` read as `value`; nil when nothing is.
    package static func problem(_ value: Double?, field: UnsafeBufferPointer<UInt8>) -> String? {
        guard let value else { return "'\(show(field))' is not a number: expected one such as -12.5, or nothing" }
        return problem(value, text: show(field))
    }

    package static func problem(_ value: Double, text: String) -> String? {
        if value.isInfinite { return "'\(text)' is infinite: expected a finite number" }
        if value.magnitude > Limits.valueMagnitudeMax {
            return "'\(text)' is too large: expected at most \(Limits.valueMagnitudeMax) in magnitude"
        }
        return nil
    }

    /// Bytes of a field as they can be repeated in a message.
    package static func show(_ field: UnsafeBufferPointer<UInt8>) -> String {
        String(decoding: field.prefix(400), as: UTF8.self).printable
    }

    private static func trimming(_ field: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var start = 0
        var end = field.count
        while start < end && isBlank(field[start]) { start += 1 }
        while end > start && isBlank(field[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: field[start..<end])
    }
}
