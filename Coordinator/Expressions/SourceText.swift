/// Where something stands in the text of an expression.
package struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    /// From 1. Lines end with `\n`, `\r\n` or a lone `\r`.
    package let line: Int
    /// Column of the first character, from 1, counted in Unicode scalars of the line; a tab is one.
    package let start: Int
    /// Column behind the last character; equal to `start` where something is missing. What goes on over the end of
    /// its first line ends there.
    package let end: Int

    package init(line: Int, start: Int, end: Int) {
        self.line = line
        self.start = start
        self.end = end
    }

    package var description: String {
        end > start + 1 ? "line \(line), columns \(start)-\(end - 1)" : "line \(line), column \(start)"
    }
}

/// The bytes of an expression, which knows their lines.
struct SourceText: Sendable {
    let bytes: [UInt8]
    /// Offset of the first byte of every line.
    private let lineStarts: [Int]
    /// Unicode scalars that begin before every 64th byte, so that a place far along a line is found quickly.
    private let scalarsBefore: [Int]
    private static let stride = 64

    init(_ text: String) {
        let bytes = Array(text.utf8)
        var starts = [0]
        var scalars = 0
        var scalarsBefore: [Int] = []
        for (index, byte) in bytes.enumerated() {
            if index % Self.stride == 0 { scalarsBefore.append(scalars) }
            if Self.beginsScalar(byte) { scalars += 1 }
            let next = index + 1
            if byte == UInt8(ascii: "\n") || (byte == UInt8(ascii: "\r") && (next == bytes.count || bytes[next] != 10)) {
                starts.append(next)
            }
        }
        self.bytes = bytes
        self.scalarsBefore = scalarsBefore
        lineStarts = starts
    }

    /// - Parameter range: offsets of bytes, within the text.
    func position(of range: Range<Int>) -> SourcePosition {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= range.lowerBound { low = middle } else { high = middle }
        }
        var lineEnd = low + 1 < lineStarts.count ? lineStarts[low + 1] : bytes.count
        while lineEnd > range.lowerBound, bytes[lineEnd - 1] == 10 || bytes[lineEnd - 1] == 13 { lineEnd -= 1 }
        let first = scalars(before: range.lowerBound)
        let start = 1 + first - scalars(before: lineStarts[low])
        let end = start + scalars(before: max(range.lowerBound, min(range.upperBound, lineEnd))) - first
        return SourcePosition(line: low + 1, start: start, end: end)
    }

    func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Unicode scalars that begin before an offset.
    private func scalars(before offset: Int) -> Int {
        let mark = min(offset / Self.stride, scalarsBefore.count - 1)
        guard mark >= 0 else { return 0 }
        return bytes[(mark * Self.stride)..<offset].reduce(scalarsBefore[mark]) { $0 + (Self.beginsScalar($1) ? 1 : 0) }
    }

    /// Every byte of UTF-8 but those that continue a scalar.
    private static func beginsScalar(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }
}
