import ClusterModel
import Foundation
import Panel

/// A column of a table as the database has it: what may be asked of it, and how its values are read.
struct TableColumn: Sendable {
    enum Kind: Sendable {
        case number, text, bool
        /// A date or a time.
        case time
        /// A list or an object, which cannot be compared.
        case composite
    }

    let name: String
    let kind: Kind
    /// Whether the database's own order of its texts is that of their bytes.
    let isBytewise: Bool

    /// In the table's order; empty when there is no such table.
    static func all(of table: String, _ connection: Connection) throws(DatabaseError) -> [TableColumn] {
        let found = try connection.execute(
            prepared: """
                SELECT a.attname, t.typcategory, CASE c.collname
                    WHEN 'default' THEN (
                        SELECT d.datcollate IN ('C', 'POSIX') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c'
                        FROM pg_database d WHERE d.datname = current_database())
                    ELSE c.collname IN ('C', 'POSIX') END
                FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation c ON c.oid = a.attcollation
                WHERE a.attrelid = to_regclass(quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
                """, [.text(table)])
        return (0..<found.rowCount).map { row in
            let kind: Kind =
                switch found.text(row, 1) ?? "" {
                case "N": .number
                case "S": .text
                case "B": .bool
                case "D": .time
                default: .composite
                }
            return TableColumn(name: found.text(row, 0) ?? "", kind: kind, isBytewise: found.boolean(row, 2))
        }
    }

    /// In a statement whose table is `t`.
    var reference: String { "t.\(quoted(identifier: name))" }

    /// Texts in the order of their bytes, whatever the database's collation. Where that is its own order nothing is said of
    /// it: an index has the column's collation, and is used for no other, not even for one that sorts alike.
    var ordered: String { kind == .text && !isBytewise ? "\(reference) COLLATE \"C\"" : reference }

    /// What `value` takes: times as JSON has them, lists and objects as JSON.
    var selection: String {
        switch kind {
        case .number, .text, .bool: reference
        case .time: "to_json(\(reference)) #>> '{}'"
        case .composite: "to_json(\(reference))::text"
        }
    }

    func value(_ text: String?) throws -> JSONValue {
        guard let text else { return .null }
        switch kind {
        case .number:
            if let whole = Int64(text) { return .whole(whole) }
            // JSON has no word for what is no number.
            return Double(text).flatMap { $0.isFinite ? .number($0) : nil } ?? .text(text)
        case .text: return .text(text)
        case .time: return .text(Self.withZone(text))
        case .bool: return .bool(text == "t")
        case .composite: return try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        }
    }

    /// Times without a zone are UTC, as is the connection's: the `Z` says it. Dates and `infinity` stay as they are.
    private static func withZone(_ text: String) -> String {
        guard text.contains("T"), text.last?.isNumber == true else { return text }
        return (text.hasSuffix("+00:00") ? String(text.dropLast(6)) : text) + "Z"
    }

    /// What a filter compares with, and the type it has in the statement.
    ///
    /// - Throws: `GridError(.usage)` when the text is none of the column's type.
    func operand(_ text: String) throws(GridError) -> (value: SQLValue, cast: String) {
        switch kind {
        case .text: return (.text(text), "text")
        case .number:
            guard let number = Double(text), number.isFinite else { throw invalid(text, "a number") }
            return (.real(number), "double precision")
        case .bool:
            guard let truth = Bool(text) else { throw invalid(text, "true or false") }
            return (.boolean(truth), "boolean")
        case .time:
            guard Self.isTime(text) else { throw invalid(text, "a date such as 2024-02-29, or 2024-02-29T16:30:00") }
            return (.text(text), "timestamp")
        case .composite:
            throw GridError(.usage, "column '\(name)' is a list or an object: a filter can only ask for null or notnull")
        }
    }

    private func invalid(_ text: String, _ expected: String) -> GridError {
        GridError(.usage, "the filter of '\(name)' compares with '\(text.printable)': expected \(expected)")
    }

    private static func isTime(_ text: String) -> Bool {
        let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        guard (try? Day(parsing: String(parts[0]))) != nil else { return false }
        return parts.count == 1 || parts[1].wholeMatch(of: /([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?Z?/) != nil
    }
}
