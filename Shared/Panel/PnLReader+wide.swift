import ClusterModel

extension PnLReader {
    /// Rows gathered before they are turned into columns: 8 doubles fill a cache line of each alpha's series.
    private static let batchRows = 8

    /// - Parameter cursor: behind the header.
    static func readWide(_ cursor: inout CSVCursor, alphaIDs: [String]) throws(GridError) -> PnLTable {
        let count = alphaIDs.count
        // A row has a date, a comma before each value and, but for the last, a line end.
        let rowsMax = min(cursor.remainingLines + 1, cursor.remaining / (count + 11) + 1, Limits.daysMax)
        let values = try PnLValues(count: count * rowsMax, for: cursor.name)
        let batch = UnsafeMutablePointer<Double>.allocate(capacity: batchRows * count)
        defer { batch.deallocate() }
        var rows: [(day: Day, line: Int)] = []
        var bad = BadRows()

        while try cursor.nextRow() {
            let line = cursor.line
            let row = batch + rows.count % batchRows * count
            guard let day = try readRow(&cursor, into: row, alphaIDs: alphaIDs, &bad) else { continue }
            guard rows.count < rowsMax else { throw tooManyDates(cursor.name) }
            rows.append((day, line))
            if rows.count % batchRows == 0 {
                transpose(batch, rows: batchRows, columns: count, into: values.mutable + rows.count - batchRows, stride: rowsMax)
            }
        }
        let rest = rows.count % batchRows
        transpose(batch, rows: rest, columns: count, into: values.mutable + rows.count - rest, stride: rowsMax)
        if rows.isEmpty && bad.isEmpty { throw noRows(cursor.name) }
        let order = try ascendingOrder(rows, &bad, name: cursor.name)
        pack(values.mutable, columns: count, stride: rowsMax, order: order)
        return PnLTable(dates: order.map { rows[$0].day }, dayCount: rows.count, alphaIDs: alphaIDs, values: values)
    }

    /// Reads one row whole, whatever is wrong with it.
    /// - Returns: nil, and one problem more in `bad`, when anything is.
    private static func readRow(
        _ cursor: inout CSVCursor, into row: UnsafeMutablePointer<Double>, alphaIDs: [String], _ bad: inout BadRows
    ) throws(GridError) -> Day? {
        let line = cursor.line
        let dateField = try cursor.nextField()
        let day = Day(iso: dateField)
        var isBad = day == nil
        if isBad { bad.add(badDate(dateField, line: line)) }
        var column = 0
        while column < alphaIDs.count && !cursor.endOfRow {
            let field = try cursor.nextField()
            let value = PnLText.value(of: field)
            // A missing value is NaN, which no comparison takes for too large.
            if let value, !(value.magnitude > Limits.valueMagnitudeMax) {
                row[column] = value
            } else if !isBad {
                isBad = true
                bad.add("line \(line), column \(alphaIDs[column].printable): \(PnLText.problem(value, field: field) ?? "")")
            }
            column += 1
        }
        let more = try cursor.skipRow()
        if column + more != alphaIDs.count && !isBad {
            isBad = true
            bad.add(BadRows.wrongLength(column + more + 1, expected: alphaIDs.count + 1, line: line))
        }
        return isBad ? nil : day
    }

    private static func transpose(
        _ batch: UnsafePointer<Double>, rows: Int, columns: Int, into target: UnsafeMutablePointer<Double>, stride: Int
    ) {
        for column in 0..<columns {
            let series = target + column * stride
            for row in 0..<rows { series[row] = batch[row * columns + column] }
        }
    }

    /// Rows by date; equal dates are bad, and then nothing is returned.
    private static func ascendingOrder(
        _ rows: [(day: Day, line: Int)], _ bad: inout BadRows, name: String
    ) throws(GridError) -> [Int] {
        var order = Array(rows.indices)
        if !zip(rows, rows.dropFirst()).allSatisfy({ $0.day < $1.day }) {
            order.sort { (rows[$0].day, $0) < (rows[$1].day, $1) }
            for (earlier, later) in zip(order, order.dropFirst()) where rows[earlier].day == rows[later].day {
                bad.add("line \(rows[later].line), column date: \(rows[later].day) is already that of line \(rows[earlier].line)")
            }
        }
        try bad.throwIfAny(name: name)
        return order
    }

    /// Moves the series together and their values into `order`.
    private static func pack(_ values: UnsafeMutablePointer<Double>, columns: Int, stride: Int, order: [Int]) {
        let count = order.count
        let isSorted = zip(order, order.dropFirst()).allSatisfy { $0 < $1 }
        if isSorted && count == stride { return }
        let series = UnsafeMutablePointer<Double>.allocate(capacity: count)
        defer { series.deallocate() }
        for column in 0..<columns {
            let source = values + column * stride
            if isSorted {
                // Towards the front only, so that no series is overwritten before it has been moved.
                (values + column * count).update(from: source, count: count)
            } else {
                for (position, row) in order.enumerated() { series[position] = source[row] }
                (values + column * count).update(from: series, count: count)
            }
        }
    }
}
