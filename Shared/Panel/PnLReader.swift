import ClusterModel

/// Reads PnL files: `.csv` and `.csv.gz`, wide or long as their header says, and `.npy`.
///
/// Wide: first column `date`, one column per alpha. Long: the columns `alpha_id,date,pnl`. Rows come in any order; dates
/// are `YYYY-MM-DD`; missing values are empty or what pandas reads as missing (`PnLText.missingTexts`). NPY: two
/// dimensions, rows are dates without names, columns are alphas A000001, A000002, ... Standard input (`-`) is
/// CSV, plain or gzipped.
package enum PnLReader {
    /// - Throws: `GridError(.usage)` naming file, line and column of what is wrong, several of them where rows are bad;
    ///   `.notFound` when there is no such file.
    package static func read(path: String) throws(GridError) -> PnLTable {
        let name = FileSystem.name(path)
        let suffix = [".csv", ".csv.gz", ".npy"].first(where: { name.lowercased().hasSuffix($0) })
        guard suffix != nil || path == FileSystem.standardInput else {
            throw GridError(.usage, "\(path.isEmpty ? "''" : path): expected a file that ends in .csv, .csv.gz or .npy")
        }
        let file = try FileSystem.contents(of: path)
        // Payloads give their memory back when they are no longer used, which must not be before the parsing ends.
        defer { withExtendedLifetime(file) {} }
        if suffix == ".npy" { return try readNPY(file.bytes, name: name) }
        guard suffix == ".csv.gz" || Gzip.isGzip(file.bytes) else { return try readCSV(file.bytes, name: name) }
        let text = try Gzip.inflate(file.bytes, name: name)
        defer { withExtendedLifetime(text) {} }
        return try readCSV(text.bytes, name: name)
    }

    /// - Parameter name: names the text in errors.
    package static func readCSV(_ text: UnsafeRawBufferPointer, name: String) throws(GridError) -> PnLTable {
        var cursor = CSVCursor(text, name: name)
        guard try cursor.nextRow() else {
            throw GridError(.usage, "\(name) is empty: expected a header, \(expectedHeader)")
        }
        let headerLine = cursor.line
        var header: [[UInt8]] = []
        while !cursor.endOfRow {
            header.append(Array(try cursor.nextField()))
            guard header.count <= Limits.alphasMax + 1 else {
                throw GridError(.usage, "\(name): line \(headerLine) has more than \(Limits.alphasMax) alphas")
            }
        }
        let wanted = ["alpha_id", "date", "pnl"].map { Array($0.utf8) }
        let positions = wanted.map { header.firstIndex(of: $0) }
        if header.count == 3, let alpha = positions[0], let date = positions[1], let pnl = positions[2] {
            return try readLong(&cursor, columns: LongColumns(alpha: alpha, date: date, pnl: pnl))
        }
        guard header[0] == wanted[1] else {
            let first = header[0].withUnsafeBufferPointer { PnLText.show($0) }
            throw GridError(.usage, "\(name): line \(headerLine): the header begins with '\(first)': expected \(expectedHeader)")
        }
        let ids = try alphaIDs(header.dropFirst(), line: headerLine, name: name)
        return try readWide(&cursor, alphaIDs: ids)
    }

    private static let expectedHeader = "date and one column per alpha, or the three columns alpha_id,date,pnl"

    /// Checks the ids of a wide header.
    private static func alphaIDs(_ columns: ArraySlice<[UInt8]>, line: Int, name: String) throws(GridError) -> [String] {
        guard !columns.isEmpty else {
            throw GridError(.usage, "\(name): line \(line): the header has only the column date: expected \(expectedHeader)")
        }
        var table = AlphaIDTable()
        for (index, column) in columns.enumerated() {
            let problem: String? = column.withUnsafeBufferPointer { id in
                if let problem = AlphaIDRule.problem(id) { return problem }
                let (position, isNew) = table.insert(id)
                return isNew ? nil : "alpha id '\(PnLText.show(id))' is already that of column \(position + 2)"
            }
            if let problem { throw GridError(.usage, "\(name): line \(line), column \(index + 2): \(problem)") }
        }
        return table.ids
    }

    static func tooManyDates(_ name: String) -> GridError {
        GridError(.usage, "\(name) has more than \(Limits.daysMax) dates, the most that is read")
    }
    static func noRows(_ name: String) -> GridError {
        GridError(.usage, "\(name) has a header but no rows: expected at least one date")
    }
    static func badDate(_ field: UnsafeBufferPointer<UInt8>, line: Int) -> String {
        "line \(line), column date: '\(PnLText.show(field))' is not a date: expected YYYY-MM-DD"
    }
}
