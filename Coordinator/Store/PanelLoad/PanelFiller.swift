import ClusterModel
import Panel

/// What one reader needs to turn rows into cells of the panel. Used by one thread.
struct PanelFiller {
    private let index: AlphaIndex
    private let builder: PanelBuilder
    private let table: String
    /// Position of each date in the panel, by days since the first one; -1 for days that are no date of it.
    private let dayPositions: [Int32]
    private let firstDate: Int32
    private var lastAlpha = -1
    /// Rows of the panel's alphas.
    private(set) var rowCount = 0

    init(index: AlphaIndex, builder: PanelBuilder, table: String) {
        self.index = index
        self.builder = builder
        self.table = table
        let dates = builder.dates
        firstDate = dates.first?.rawValue ?? 0
        var positions = [Int32](repeating: -1, count: Int((dates.last?.rawValue ?? -1) - firstDate) + 1)
        for (position, date) in dates.enumerated() { positions[Int(date.rawValue - firstDate)] = Int32(position) }
        dayPositions = positions
    }

    /// Takes in a row `(alpha_id, date, pnl)`. Rows of other alphas are passed over; NaN counts as missing.
    ///
    /// - Throws: `GridError(.conflict)` for a value that no import would have let in.
    mutating func add(_ bytes: UnsafeRawBufferPointer) throws(GridError) {
        guard let row = PnLRow(bytes) else { return try refuseMalformed(bytes) }
        let alpha = index.find(row.alphaID, hint: lastAlpha)
        guard alpha >= 0 else { return }
        lastAlpha = alpha
        rowCount += 1
        let offset = Int(row.date) + Int(PostgresDate.epochOffsetDays) - Int(firstDate)
        guard !row.pnl.isNaN else { return }
        guard dayPositions.indices.contains(offset), dayPositions[offset] >= 0 else { throw unexpected(row, "a date") }
        guard row.pnl.magnitude <= Limits.valueMagnitudeMax else { throw unexpected(row, "the value \(row.pnl)") }
        builder.set(alpha: alpha, day: Int(dayPositions[offset]), value: row.pnl)
    }

    /// A row without alpha is possible in a table that AlphaDataBank made, and is nobody's; anything else is not.
    private func refuseMalformed(_ bytes: UnsafeRawBufferPointer) throws(GridError) {
        let isNull = bytes.count >= 6 && bytes[2..<6].allSatisfy { $0 == 0xFF }
        guard isNull else {
            throw GridError(.failed, "the database sent a row of table \(table) in a form that is not understood")
        }
    }

    private func unexpected(_ row: PnLRow, _ what: String) -> GridError {
        let id = String(decoding: row.alphaID, as: UTF8.self).printable
        let date = Day(rawValue: row.date &+ PostgresDate.epochOffsetDays)
        return GridError(
            .conflict,
            "table \(table) holds \(what) for alpha \(id) on \(date) that cannot be used: expected a finite value of at most "
                + "\(Limits.valueMagnitudeMax) in magnitude")
    }
}
