import ClusterModel

/// Reads CSV as RFC 4180 writes it, record by record: a quoted field may hold commas, doubled quotes and line ends, as
/// the code of an alpha does.
struct CSVRecords {
    struct Record: Equatable {
        /// Line the record begins in, counted from 1.
        var line: Int
        var fields: [String]
    }

    private let bytes: UnsafeRawBufferPointer
    private let name: String
    private var position = 0
    private var line = 1

    /// - Parameters:
    ///   - bytes: valid as long as the reader is used.
    ///   - name: names the file in errors.
    init(_ bytes: UnsafeRawBufferPointer, name: String) {
        self.bytes = bytes
        self.name = name
        // Spreadsheets put a byte order mark in front.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next record that is not blank; nil at the end.
    mutating func next() throws(GridError) -> Record? {
        while position < bytes.count, isLineEnd(bytes[position]) { skipLineEnd() }
        guard position < bytes.count else { return nil }
        var record = Record(line: line, fields: [])
        while true {
            record.fields.append(try field(record.fields.count + 1))
            guard record.fields.count <= Limits.metadataColumnsMax else {
                throw error(
                    "column \(record.fields.count): expected \(Limits.metadataColumnsMax) columns at most, such as alpha_id, "
                        + "region and alpha_type; PnL is what 'alphagrid db import' reads")
            }
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
            position += 1
        }
        if position < bytes.count { skipLineEnd() }
        return record
    }

    /// Reads up to the comma, line end or end of file behind the field.
    private mutating func field(_ column: Int) throws(GridError) -> String {
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") { return try quotedField(column) }
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), !isLineEnd(bytes[position]) { position += 1 }
        return try text(bytes[start..<position], column)
    }

    private mutating func quotedField(_ column: Int) throws(GridError) -> String {
        let firstLine = line
        var content: [UInt8] = []
        position += 1
        while true {
            guard position < bytes.count else {
                throw GridError(.usage, "\(name): line \(firstLine), column \(column): the quote is never closed")
            }
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                guard position < bytes.count, bytes[position] == byte else { break }
                position += 1
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            content.append(byte)
            guard content.count <= Limits.metadataTextBytesMax else {
                throw GridError(
                    .usage,
                    "\(name): line \(firstLine), column \(column): more than \(Limits.metadataTextBytesMax) bytes of text: "
                        + "is a quote missing?"
                )
            }
        }
        guard position == bytes.count || bytes[position] == UInt8(ascii: ",") || isLineEnd(bytes[position]) else {
            throw error("column \(column): expected a comma or the end of the line after the closing quote")
        }
        return try text(content, column)
    }

    private func text(_ field: some Collection<UInt8>, _ column: Int) throws(GridError) -> String {
        guard let text = String(validating: field, as: UTF8.self) else { throw error("column \(column): the text is not UTF-8") }
        guard !field.contains(0) else { throw error("column \(column): the text contains a zero byte") }
        return text
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

    private mutating func skipLineEnd() {
        if bytes[position] == UInt8(ascii: "\r"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\n") {
            position += 1
        }
        position += 1
        line += 1
    }

    private func error(_ detail: String) -> GridError { GridError(.usage, "\(name): line \(line), \(detail)") }
}
