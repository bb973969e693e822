/// Builds CSV text as RFC 4180 has it, with line feeds; the caller takes the bytes when it likes.
package struct CSVWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var isRowStart = true
    /// Whether nothing of the row has been written yet, not even a comma.
    private var isRowBlank = true

    package init() {}

    /// Text, quoted where it has to be.
    package mutating func field(_ text: String) {
        separate()
        if !text.isEmpty { isRowBlank = false }
        let special: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D]
        guard text.utf8.contains(where: { special.contains($0) }) else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func field(_ number: Int) {
        separate()
        isRowBlank = false
        bytes.append(contentsOf: String(number).utf8)
    }

    /// The shortest text that reads back as the same double; empty for NaN and nil.
    package mutating func field(_ number: Double?) {
        separate()
        guard let number, !number.isNaN else { return }
        isRowBlank = false
        bytes.append(contentsOf: number.description.utf8)
    }

    package mutating func endRow() {
        // Readers pass over a blank line, and with it the row whose only field is missing.
        if isRowBlank, !isRowStart { bytes.append(contentsOf: "\"\"".utf8) }
        bytes.append(0x0A)
        isRowStart = true
        isRowBlank = true
    }

    /// Hands over what was written so far.
    package mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    private mutating func separate() {
        if !isRowStart {
            bytes.append(UInt8(ascii: ","))
            isRowBlank = false
        }
        isRowStart = false
    }
}
