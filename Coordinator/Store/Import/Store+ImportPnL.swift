import ClusterModel
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

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
        let report = try importIntoRegion(table, file: file, region: region, unsubmitted: unsubmitted, progress)
        forgetChanges(of: RegionTables(region).pnl(unsubmitted: unsubmitted))
        return report
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
        let (alphas, pnl) = (names.alphas(unsubmitted: unsubmitted), names.pnlTable(unsubmitted: unsubmitted))
        let isKnown = try regionSettings(region) != nil
        // A region that is new is made by the import itself, and so is not there until all of its PnL is.
        if isKnown { try ensureRegion(region) }
        let rights = "SELECT, INSERT and UPDATE on \(alphas)\(isKnown ? " and \(pnl.name)" : ""), and TEMPORARY on the database"
        let action = Action(
            "import PnL of \(region)",
            needs: isKnown ? rights : "CREATE and USAGE on the schema, REFERENCES on \(alphas), INSERT on regions, \(rights)")
        return try pool.write(action, patience: .bulk) { connection in
            try connection.lock("import \(region)")
            let isNew = try Self.isNew(region, pnl, connection)
            let regionID = try isNew ? Self.addRegion(region, connection) : Self.requireRegion(region, connection)
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
            if isNew {
                report.rowsInserted = try Self.fillNew(pnl, of: region, table, order: order, progress, connection)
            } else {
                let copied = try Self.copyPnL(table, order: order, progress, connection)
                progress(.writing(values: copied))
                try Self.upsertPnL(into: pnl.name, connection, &report)
                report.rowsUnchanged = copied - report.rowsInserted - report.rowsUpdated
            }
            try Self.audit("import", region: region, subject: file, detail: report, connection)
            return report
        }
    }

    /// Whether neither the region nor its PnL is there; then nobody else makes it until the transaction ends.
    private static func isNew(_ region: Region, _ pnl: RegionTables.Table, _ connection: Connection) throws -> Bool {
        guard try regionID(region, connection) == nil else { return false }
        try lockRegionTables(connection)
        guard try regionID(region, connection) == nil else { return false }
        // In an adopted database a table may be there without its region.
        guard try TableColumn.all(of: pnl.name, connection).isEmpty else {
            _ = try addRegion(region, connection)
            for table in RegionTables(region).all { try connection.execute(table.statements) }
            return false
        }
        return true
    }

    /// Makes the tables of a region that nobody sees before the transaction ends, with its PnL in them; how many values.
    ///
    /// Indexes that are made of all rows at once, and a reference that is checked by one join, take a quarter of the time that
    /// they take row by row.
    private static func fillNew(
        _ pnl: RegionTables.Table, of region: Region, _ table: PnLTable, order: [Int], _ progress: (ImportStep) -> Void,
        _ connection: Connection
    ) throws -> Int {
        try connection.execute(pnl.bare)
        let name = quoted(identifier: pnl.name)
        // No older snapshot can see the rows of a table that is not there for it, so they need no second look at who may.
        let copied = try copyValues(
            "COPY \(name) (alpha_id, date, pnl) FROM STDIN (FORMAT binary, FREEZE)", table, order, progress, connection
        ) { (writer, _, alpha) throws(DatabaseError) in try writer.put(table.alphaIDs[alpha]) }
        progress(.writing(values: copied))
        try connection.execute(
            """
            SELECT set_config('maintenance_work_mem', '\(Limits.databaseIndexMemoryMiB)MB', true)
            WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < \(Limits.databaseIndexMemoryMiB << 20)
            """)
        try connection.execute(pnl.keysAndIndexes)
        try withBriefLocks(connection) {
            try connection.execute(pnl.referring)
            for table in RegionTables(region).all { try connection.execute(table.statements) }
        }
        try connection.execute("ANALYZE \(name)")
        return copied
    }

    /// Does what needs a lock that another long transaction may stand in the way of, again and again until it gets it: waiting
    /// for it all the time would keep everybody out who comes later.
    private static func withBriefLocks(_ connection: Connection, _ body: () throws -> Void) throws {
        let deadline = ContinuousClock.now + .milliseconds(Limits.databaseBulkLockMilliseconds)
        while true {
            try connection.execute(
                "SAVEPOINT before_locks; SET LOCAL lock_timeout = \(Limits.databaseBriefLockMilliseconds)")
            do {
                try body()
                try connection.execute("RELEASE SAVEPOINT before_locks")
                return
            } catch let error as DatabaseError where error.isLockedOut && ContinuousClock.now < deadline {
                try connection.execute("ROLLBACK TO SAVEPOINT before_locks; RELEASE SAVEPOINT before_locks")
                usleep(UInt32(Limits.databaseBriefLockMilliseconds) * 1_000)
            }
        }
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
        let copied = try copyValues(
            "COPY incoming_pnl FROM STDIN (FORMAT binary)", table, order, progress, connection
        ) { (writer, ordinal, _) throws(DatabaseError) in try writer.put(Int32(ordinal)) }
        try connection.execute("ANALYZE incoming_pnl")
        return copied
    }

    /// Sends the values that are there, in the order of alphas and dates, each behind what `alpha` writes; how many.
    private static func copyValues(
        _ statement: String, _ table: PnLTable, _ order: [Int], _ progress: (ImportStep) -> Void, _ connection: Connection,
        alpha put: (CopyWriter, _ ordinal: Int, _ alpha: Int) throws(DatabaseError) -> Void
    ) throws -> Int {
        let dates = table.dates.map(\.rawValue)
        return try connection.copyIn(statement) { writer in
            for (ordinal, alpha) in order.enumerated() {
                let series = table.series(alpha)
                for day in dates.indices where !series[day].isNaN {
                    try writer.row(fields: 3)
                    try put(writer, ordinal, alpha)
                    try writer.put(date: dates[day])
                    try writer.put(series[day])
                }
                progress(.copying(alphasDone: ordinal + 1, of: order.count))
            }
        }
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
