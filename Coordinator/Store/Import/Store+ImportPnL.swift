import ClusterModel
import Panel

extension Store {
    /// Reads a file of cumulative PnL and puts its values into `pnl_<region>`, or `pnl_unsubmitted_<region>`.
    ///
    /// A value that differs from the stored one replaces it; stored values the file does not have stay. Alphas that are
    /// new get a row in `alphas` (type REGULAR) or `alphas_unsubmitted` (UNSUBMITTED). Importing a file again changes
    /// nothing.
    ///
    /// - Throws: `GridError(.usage)` naming the lines of the file that are wrong, `.conflict` for an alpha that belongs
    ///   to another region, or is unsubmitted where this import is not and vice versa. Nothing is applied then.
    package func importPnL(
        path: String, region: Region, unsubmitted: Bool, progress: (ImportStep) -> Void = { _ in }
    ) throws(GridError) -> ImportReport {
        progress(.reading)
        let table = try PnLReader.read(path: path)
        guard !table.dates.isEmpty else {
            throw GridError(
                .usage, "\(FileSystem.name(path)) has no dates, so its PnL cannot be stored: expected .csv or .csv.gz")
        }
        return try importPnL(table, file: FileSystem.name(path), region: region, unsubmitted: unsubmitted, progress: progress)
    }

    /// The same for a table that is already in memory.
    ///
    /// - Parameter file: names the table in messages and in the audit log.
    package func importPnL(
        _ table: PnLTable, file: String, region: Region, unsubmitted: Bool, progress: (ImportStep) -> Void = { _ in }
    ) throws(GridError) -> ImportReport {
        try creatingRegions([region]) { () throws(GridError) in
            try importIntoRegion(table, file: file, region: region, unsubmitted: unsubmitted, progress)
        }
    }

    /// Makes regions that are new for an import, and takes them away again when it fails: a region that nobody has filled
    /// would be there for ever.
    func creatingRegions<R>(_ regions: [Region], _ body: () throws(GridError) -> R) throws(GridError) -> R {
        var new: [Region] = []
        for region in regions where try regionSettings(region) == nil { new.append(region) }
        for region in regions { try ensureRegion(region) }
        do throws(GridError) {
            return try body()
        } catch {
            // What somebody else has begun to fill meanwhile stays, since it is not empty.
            for region in new { _ = try? removeRegion(region) }
            throw error
        }
    }

    private func importIntoRegion(
        _ table: PnLTable, file: String, region: Region, unsubmitted: Bool, _ progress: (ImportStep) -> Void
    ) throws(GridError) -> ImportReport {
        let names = RegionTables(region)
        let (alphas, pnl) = (names.alphas(unsubmitted: unsubmitted), names.pnl(unsubmitted: unsubmitted))
        let action = Action(
            "import PnL of \(region)",
            needs: "SELECT, INSERT and UPDATE on \(alphas) and \(pnl), and TEMPORARY on the database")
        let report = try pool.write(action, patience: .bulk) { connection in
            let regionID = try Self.requireRegion(region, connection)
            try connection.lock("import \(region)")
            // Ids in bytewise order: every import then locks rows in the same order, and the index is filled in order.
            let order = table.alphaIDs.indices.sorted {
                table.alphaIDs[$0].utf8.lexicographicallyPrecedes(table.alphaIDs[$1].utf8)
            }
            try Self.copyAlphas(
                order.map { table.alphaIDs[$0] }, regionIDs: Array(repeating: regionID, count: order.count), connection)
            try Self.refuseForeignAlphas(file: file, unsubmitted: unsubmitted, connection)
            var report = ImportReport(file: file, region: region.name, unsubmitted: unsubmitted, alphas: order.count)
            report.alphasInserted = try Self.insertAlphas(
                into: alphas, type: unsubmitted ? "UNSUBMITTED" : "REGULAR", connection)
            // Another region's import may have added one of these alphas between the check and the insert.
            try Self.refuseForeignAlphas(file: file, unsubmitted: unsubmitted, connection)
            let copied = try Self.copyPnL(table, order: order, progress, connection)
            progress(.writing(values: copied))
            try Self.upsertPnL(into: pnl, connection, &report)
            report.rowsUnchanged = copied - report.rowsInserted - report.rowsUpdated
            try Self.audit("import", region: region, subject: file, detail: report, connection)
            return report
        }
        forgetChanges(of: pnl)
        return report
    }

    /// Housekeeping after what makes records of changes; that it fails harms nobody.
    private func forgetChanges(of table: String) {
        try? pool.write(Action("forget old records of changes", needs: "DELETE on changed_pnl")) { connection in
            guard let print = try ChangeTracking.fingerprint(table: table, connection) else { return }
            try ChangeTracking.forget(tableOID: print.oid, connection)
        }
    }

    /// Makes `incoming_pnl (ordinal, date, pnl)` with the values that are there; how many.
    private static func copyPnL(
        _ table: PnLTable, order: [Int], _ progress: (ImportStep) -> Void, _ connection: Connection
    ) throws -> Int {
        try connection.execute(
            """
            CREATE TEMP TABLE incoming_pnl (
                ordinal integer NOT NULL, date date NOT NULL, pnl double precision NOT NULL
            ) ON COMMIT DROP
            """)
        let dates = table.dates.map(\.rawValue)
        let copied = try connection.copyIn("COPY incoming_pnl FROM STDIN (FORMAT binary)") { writer in
            for (ordinal, alpha) in order.enumerated() {
                let series = table.series(alpha)
                for day in dates.indices where !series[day].isNaN {
                    try writer.row(fields: 3)
                    try writer.put(Int32(ordinal))
                    try writer.put(date: dates[day])
                    try writer.put(series[day])
                }
                progress(.copying(alphasDone: ordinal + 1, of: order.count))
            }
        }
        try connection.execute("ANALYZE incoming_pnl")
        return copied
    }

    /// Writes what differs and what is new. Equal values are not touched, so that importing a file again writes nothing.
    ///
    /// The table is kept from other writers meanwhile (readers go on), which makes the plain insert safe: it is a quarter
    /// faster than one with ON CONFLICT, and both counts are exact.
    private static func upsertPnL(
        into table: String, _ connection: Connection, _ report: inout ImportReport
    ) throws(DatabaseError) {
        let name = quoted(identifier: table)
        try connection.execute("LOCK TABLE \(name) IN SHARE ROW EXCLUSIVE MODE")
        report.rowsUpdated = try connection.execute(
            """
            UPDATE \(name) p SET pnl = i.pnl FROM incoming_pnl i JOIN incoming_alphas a USING (ordinal)
            WHERE p.alpha_id = a.alpha_id AND p.date = i.date AND p.pnl IS DISTINCT FROM i.pnl
            """
        ).affectedRows
        report.rowsInserted = try connection.execute(
            """
            INSERT INTO \(name) (alpha_id, date, pnl)
            SELECT a.alpha_id, i.date, i.pnl FROM incoming_pnl i JOIN incoming_alphas a USING (ordinal)
            WHERE NOT EXISTS (SELECT FROM \(name) p WHERE p.alpha_id = a.alpha_id AND p.date = i.date)
            ORDER BY i.ordinal, i.date
            """
        ).affectedRows
        // Without fresh statistics the next queries on a table that has just grown are planned for a small one.
        if report.rowsInserted + report.rowsUpdated > analyzeRowsMin { try connection.execute("ANALYZE \(name)") }
    }

    private static let analyzeRowsMin = 10_000
}
