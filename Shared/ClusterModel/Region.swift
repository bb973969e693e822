/// Name of a market, `^[A-Z][A-Z0-9]{1,9}$`: the only text that ever becomes part of a table name.
package struct Region: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String

    /// - Throws: `GridError(.usage)` naming the pattern when `name` does not match it.
    package init(_ name: String) throws(GridError) {
        let bytes = Array(name.utf8)
        let upper = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let valid =
            (2...10).contains(bytes.count) && upper.contains(bytes[0])
            && bytes.dropFirst().allSatisfy { upper.contains($0) || digits.contains($0) }
        guard valid else {
            throw GridError(
                .usage,
                "region '\(name.printable)' is not valid: expected 2 to 10 capital letters or digits beginning with a letter, "
                    + "such as USA")
        }
        self.name = name
    }

    /// The suffix of this region's tables, such as `usa` in `pnl_usa`.
    package var tableSuffix: String { name.lowercased() }
    package static func < (a: Region, b: Region) -> Bool { a.name < b.name }
    package var description: String { name }
}

extension StringProtocol {
    /// The text with control characters replaced and cut to 80 characters, safe to repeat in a message.
    package var printable: String {
        var out = ""
        for (count, scalar) in unicodeScalars.enumerated() {
            if count == 80 { return out + "..." }
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            out.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return out
    }
}
