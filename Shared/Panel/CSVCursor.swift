import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Walks over the fields of CSV text as RFC 4180 has it: quotes, doubled quotes, line ends LF or CRLF, the last one optional.
///
/// A field is valid until the next one is asked for. Bytes are not checked to be UTF-8: whoever makes text of them does.
struct CSVCursor: ~Copyable {
    let name: String
    private let base: UnsafePointer<UInt8>
    private let end: Int
    private var position = 0
    /// Line of the next byte, from 1.
    private(set) var line = 1
    /// Whether the field returned last was the last one of its row.
    private(set) var endOfRow = true
    private var rowStart = 0
    /// Unescaped text of a quoted field that has doubled quotes.
    private var scratch = GrowingBuffer()

    /// - Parameter text: must outlive the cursor.
    init(_ text: UnsafeRawBufferPointer, name: String) {
        self.name = name
        // An empty buffer has no base address, and nothing is ever read from it.
        base = (text.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!).assumingMemoryBound(to: UInt8.self)
        end = text.count
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if text.starts(with: mark) { position = mark.count }
    }

    /// Bytes that have not been read yet.
    var remaining: Int { end - position }

    /// Line feeds among them, which bound the number of rows.
    var remainingLines: Int {
        var lines = 0
        var i = position
        while i < end, let found = memchr(base + i, 0x0A, end - i) {
            lines += 1
            i = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base + 1
        }
        return lines
    }

    /// Goes to the next row that is not blank; false when there is none.
    mutating func nextRow() throws(GridError) -> Bool {
        while position < end {
            if base[position] == UInt8(ascii: "\n") {
                position += 1
            } else if base[position] == UInt8(ascii: "\r") && position + 1 < end && base[position + 1] == UInt8(ascii: "\n") {
                position += 2
            } else {
                rowStart = position
                endOfRow = false
                return true
            }
            line += 1
        }
        return false
    }

    /// The row's next field. Asked only while `endOfRow` is false.
    mutating func nextField() throws(GridError) -> UnsafeBufferPointer<UInt8> {
        let start = position
        if start < end && base[start] == UInt8(ascii: "\"") { return try quotedField() }
        var i = start
        while i < end {
            let byte = base[i]
            if byte == UInt8(ascii: ",") {
                position = i + 1
                return UnsafeBufferPointer(start: base + start, count: i - start)
            }
            if byte == UInt8(ascii: "\n") { break }
            i += 1
        }
        return UnsafeBufferPointer(start: base + start, count: try finishRow(at: i, after: start) - start)
    }

    /// Skips what is left of the row.
    /// - Returns: the number of fields skipped.
    mutating func skipRow() throws(GridError) -> Int {
        var count = 0
        while !endOfRow {
            _ = try nextField()
            count += 1
        }
        return count
    }

    /// Ends the row at its line feed or at the end of the text.
    /// - Returns: where the field that began at `start` ends, which is before a carriage return.
    private mutating func finishRow(at i: Int, after start: Int) throws(GridError) -> Int {
        guard i - rowStart <= Limits.csvLineBytesMax else {
            throw GridError(.usage, "\(name): line \(line) has more than \(Limits.csvLineBytesMax >> 20) MiB")
        }
        endOfRow = true
        position = min(i + 1, end)
        line += 1
        return i > start && base[i - 1] == UInt8(ascii: "\r") ? i - 1 : i
    }

    private mutating func quotedField() throws(GridError) -> UnsafeBufferPointer<UInt8> {
        let firstLine = line
        let start = position + 1
        var i = start
        var partStart = start
        scratch.removeAll()
        while true {
            guard i < end else {
                throw GridError(.usage, "\(name): line \(firstLine): a quoted field that begins here has no closing quote")
            }
            if base[i] == UInt8(ascii: "\"") {
                guard i + 1 < end, base[i + 1] == UInt8(ascii: "\"") else { break }
                try append(partStart..<(i + 1))
                partStart = i + 2
                i += 2
                continue
            }
            if base[i] == UInt8(ascii: "\n") { line += 1 }
            i += 1
        }
        var field = UnsafeBufferPointer(start: base + start, count: i - start)
        if scratch.count > 0 {
            try append(partStart..<i)
            field = scratch.bytes.assumingMemoryBound(to: UInt8.self)
        }
        let after = i + 1
        if after < end && base[after] == UInt8(ascii: ",") {
            position = after + 1
            return field
        }
        let lineEnd = after < end && base[after] == UInt8(ascii: "\r") ? after + 1 : after
        guard lineEnd >= end || base[lineEnd] == UInt8(ascii: "\n") else {
            throw GridError(.usage, "\(name): line \(line): expected a comma or the end of the line behind a closing quote")
        }
        _ = try finishRow(at: lineEnd, after: after)
        return field
    }

    private mutating func append(_ range: Range<Int>) throws(GridError) {
        try scratch.reserve(max(1, range.count), for: "reading \(name)")
        scratch.room.copyMemory(from: UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
        scratch.commit(range.count)
    }
}
