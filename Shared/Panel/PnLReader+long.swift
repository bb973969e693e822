import ClusterModel

/// Which column of a long file is which.
struct LongColumns {
    var alpha: Int
    var date: Int
    var pnl: Int
}

extension PnLReader {
    /// One row of a long file, 24 bytes: they are all kept until it is known which alphas and dates there are.
    private struct Record {
        var value: Double
        var line: Int
        var alpha: UInt32
        var day: Day
    }

    /// The alphas and dates seen so far.
    private struct Axes {
        var alphas = AlphaIDTable()
        /// Position in `alphas` of the last row's alpha: files are often sorted by alpha.
        var last = 0
        /// In order of first appearance.
        var days: [Day] = []
        /// One bit per day that text can say: whether it is in `days`.
        private var isSeen = [UInt64](repeating: 0, count: Int(Day.latest.rawValue - Day.earliest.rawValue) / 64 + 1)

        mutating func add(_ day: Day) {
            let index = Int(day.rawValue - Day.earliest.rawValue)
            let bit: UInt64 = 1 << UInt64(index & 63)
            if isSeen[index >> 6] & bit == 0 {
                isSeen[index >> 6] |= bit
                days.append(day)
            }
        }
    }

    /// - Parameter cursor: behind the header.
    static func readLong(_ cursor: inout CSVCursor, columns: LongColumns) throws(GridError) -> PnLTable {
        var axes = Axes()
        var records: [Record] = []
        // A row has at least an id of one byte, two commas and a date.
        records.reserveCapacity(min(cursor.remainingLines + 1, cursor.remaining / 14 + 1))
        var bad = BadRows()
        while try cursor.nextRow() {
            guard let record = try readRecord(&cursor, columns, &axes, &bad) else { continue }
            records.append(record)
            guard axes.alphas.count <= Limits.alphasMax else {
                throw GridError(.usage, "\(cursor.name) has more than \(Limits.alphasMax) alphas, the most that is read")
            }
            guard axes.days.count <= Limits.daysMax else { throw tooManyDates(cursor.name) }
        }
        if records.isEmpty && bad.isEmpty { throw noRows(cursor.name) }
        return try table(records, axes, &bad, name: cursor.name)
    }

    /// Reads one row whole, whatever is wrong with it.
    /// - Returns: nil, and one problem more in `bad`, when anything is.
    private static func readRecord(
        _ cursor: inout CSVCursor, _ columns: LongColumns, _ axes: inout Axes, _ bad: inout BadRows
    ) throws(GridError) -> Record? {
        let line = cursor.line
        var record = Record(value: .nan, line: line, alpha: 0, day: .earliest)
        var problem: String?
        var column = 0
        while column < 3 && !cursor.endOfRow {
            let field = try cursor.nextField()
            if problem != nil {
                // The first problem of a row is the one reported.
            } else if column == columns.date {
                if let day = Day(iso: field) { record.day = day } else { problem = badDate(field, line: line) }
            } else if column == columns.pnl {
                let value = PnLText.value(of: field)
                if let value, !(value.magnitude > Limits.valueMagnitudeMax) {
                    record.value = value
                } else {
                    problem = PnLText.problem(value, field: field).map { "line \(line), column pnl: \($0)" }
                }
            } else if axes.alphas.count > 0 && axes.alphas.equals(axes.last, field) {
                record.alpha = UInt32(axes.last)
            } else if let wrong = AlphaIDRule.problem(field) {
                problem = "line \(line), column alpha_id: \(wrong)"
            } else {
                axes.last = axes.alphas.insert(field).position
                record.alpha = UInt32(axes.last)
            }
            column += 1
        }
        let more = try cursor.skipRow()
        if problem == nil && column + more != 3 {
            problem = BadRows.wrongLength(column + more, expected: 3, line: line)
        }
        if let problem {
            bad.add(problem)
            return nil
        }
        axes.add(record.day)
        return record
    }

    private static func table(
        _ records: [Record], _ axes: Axes, _ bad: inout BadRows, name: String
    ) throws(GridError) -> PnLTable {
        let dates = axes.days.sorted()
        let first = dates.first ?? .earliest
        let last = dates.last ?? .earliest
        var positions = [Int32](repeating: -1, count: Int(last.rawValue - first.rawValue) + 1)
        for (position, day) in dates.enumerated() { positions[Int(day.rawValue - first.rawValue)] = Int32(position) }
        let cells = axes.alphas.count * dates.count
        // Memory must stay in proportion to the file, not to what its few rows could span.
        guard cells <= 16 << 20 || cells / 1_000 <= records.count else {
            throw GridError(
                .usage,
                "\(name): \(records.count) rows for \(axes.alphas.count) alphas and \(dates.count) dates leave more than "
                    + "99.9 % of the values missing: expected a denser table")
        }
        let values = try PnLValues(count: cells, for: name)
        values.mutable.update(repeating: .nan, count: cells)
        var isSet = [UInt64](repeating: 0, count: cells / 64 + 1)
        for record in records {
            let cell = Int(record.alpha) * dates.count + Int(positions[Int(record.day.rawValue - first.rawValue)])
            if isSet[cell >> 6] & (1 << UInt64(cell & 63)) != 0 {
                bad.add(duplicate(record, in: records, axes))
            }
            isSet[cell >> 6] |= 1 << UInt64(cell & 63)
            values.mutable[cell] = record.value
        }
        try bad.throwIfAny(name: name)
        return PnLTable(dates: dates, dayCount: dates.count, alphaIDs: axes.alphas.ids, values: values)
    }

    /// Looks for the first row of the pair only when there is something to report.
    private static func duplicate(_ record: Record, in records: [Record], _ axes: Axes) -> String {
        let first = records.first { $0.alpha == record.alpha && $0.day == record.day }
        let alpha = axes.alphas.id(Int(record.alpha)).printable
        return "line \(record.line): alpha \(alpha) on \(record.day) is already given in line \(first?.line ?? record.line)"
    }
}
