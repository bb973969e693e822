import CLibpq

/// Rows of a finished statement, in text form. Owned by the thread that ran it.
final class QueryResult {
    private let handle: OpaquePointer

    /// Takes over the result and clears it at the end.
    init(adopting handle: OpaquePointer) { self.handle = handle }
    deinit { PQclear(handle) }

    var rowCount: Int { Int(PQntuples(handle)) }

    var columnCount: Int { Int(PQnfields(handle)) }

    /// Rows the statement inserted, updated or deleted.
    var affectedRows: Int { PQcmdTuples(handle).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// The value, or nil for NULL.
    func text(_ row: Int, _ column: Int) -> String? {
        guard PQgetisnull(handle, Int32(row), Int32(column)) == 0 else { return nil }
        return PQgetvalue(handle, Int32(row), Int32(column)).map { String(cString: $0) }
    }

    func integer(_ row: Int, _ column: Int) -> Int? { text(row, column).flatMap { Int($0) } }
    func real(_ row: Int, _ column: Int) -> Double? { text(row, column).flatMap { Double($0) } }
    func boolean(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

    /// A column of the first row, or nil when there is none.
    func text(ifAnyRow column: Int) -> String? { rowCount > 0 ? text(0, column) : nil }

    /// One column of every row, NULLs left out.
    func texts(column: Int = 0) -> [String] { (0..<rowCount).compactMap { text($0, column) } }
}
