import ClusterModel
import Panel

/// What a correlation result is of, and where it goes.
package struct Publication: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        /// `correlation_<region>`: the result of the region's configured parameters and all its submitted alphas.
        case region
        /// `correlation_<region>_jobs`, keyed by job: the result of any other parameters or pool.
        case job
    }

    package var region: Region
    package var target: Target
    package var jobID: JobID
    package var convention: Convention
    package var window: Window
    package var minOverlap: Int
    /// First and last date whose returns counted.
    package var windowStart: Day
    package var windowEnd: Day

    package init(
        region: Region, target: Target, jobID: JobID, convention: Convention, window: Window, minOverlap: Int,
        windowStart: Day, windowEnd: Day
    ) {
        self.region = region
        self.target = target
        self.jobID = jobID
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
        self.windowStart = windowStart
        self.windowEnd = windowEnd
    }

    /// Name of the table the rows go to.
    package var table: String {
        let tables = RegionTables(region)
        return target == .region ? tables.correlation : tables.correlationJobs
    }

    /// The same for cross-correlation.
    package var crossTable: String {
        let tables = RegionTables(region)
        return target == .region ? tables.correlationUnsubmitted : tables.correlationUnsubmittedJobs
    }

    /// The same for features.
    package var featuresTable: String { RegionTables(region).features(target) }

    var settings: RegionSettings { RegionSettings(convention: convention, window: window, minOverlap: minOverlap) }
}

package struct PublishReport: Codable, Hashable, Sendable {
    package var table: String
    package var rows: Int
    /// Rows left out because their alphas were removed while the job ran.
    package var alphasGone: Int
    /// Rows of earlier publications that went because this one does not have their alphas.
    package var rowsDeleted: Int
}

extension Store {
    /// Replaces the published rows of a region, or of a job, in one transaction: readers see the old rows or the new
    /// ones, never a mixture. Publishing the same again changes only `last_updated`.
    ///
    /// - Parameters:
    ///   - neighbours: of alphas that have a row; gone through once per attempt at most. Without them there are none afterwards.
    ///   - edges: of alphas that have a row, in any order.
    ///   - job: saved in the same transaction, so that a job is done exactly when its rows are there.
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over, or the region's settings are no longer
    ///   those of the publication (target `.region`); nothing is written then.
    @discardableResult
    package func publishCorrelation(
        _ rows: [CorrelationRow], neighbours: PublishedNeighbours? = nil,
        edges: (any Sequence<CorrelationEdge>)? = nil, of publication: Publication, epoch: Epoch, saving job: JobView? = nil
    ) throws(GridError) -> PublishReport {
        try ensureRegion(publication.region)
        return try publishing(publication, into: publication.table, epoch: epoch, saving: job) { connection in
            try Self.copyRows(rows, connection)
            let written = try Self.upsertRows(of: publication, connection)
            try Self.replaceRelations(neighbours, edges, of: publication, isWhole: written == rows.count, connection)
            return (rows.count, written)
        }
    }

    /// The transaction of a publication: `write` makes `incoming_rows` and puts them into the table; rows of other alphas
    /// go.
    func publishing(
        _ publication: Publication, into table: String, epoch: Epoch, saving job: JobView?,
        write: (Connection) throws -> (incoming: Int, written: Int)
    ) throws(GridError) -> PublishReport {
        let action = Action(
            "publish \(table)",
            needs: "SELECT, INSERT, UPDATE and DELETE on \(table) and what belongs to it, UPDATE on coordinator_lease, "
                + "and TEMPORARY on the database")
        do throws(GridError) {
            return try pool.write(action, patience: .bulk) { connection in
                try Self.hold(epoch, connection)
                if publication.target == .region { try Self.requireSettings(of: publication, connection) }
                try connection.lock("publish \(table)")
                if publication.target == .region {
                    try readTimes.claim(table, for: publication.jobID, region: publication.region)
                }
                let (incoming, written) = try write(connection)
                let deleted = try Self.deleteOtherRows(of: publication, from: table, connection)
                if let job { try Self.save(job, epoch, connection) }
                publicationWritten()
                return PublishReport(table: table, rows: written, alphasGone: incoming - written, rowsDeleted: deleted)
            }
        } catch {
            readTimes.withdraw(publication.jobID, from: table)
            throw error
        }
    }

    private static func requireSettings(of publication: Publication, _ connection: Connection) throws {
        guard let present = try settings(of: publication.region, connection, lock: true),
            present != publication.settings
        else { return }
        func text(_ settings: RegionSettings) -> String {
            "\(settings.convention.rawValue), \(settings.window), min-overlap \(settings.minOverlap)"
        }
        throw GridError(
            .conflict,
            "job \(publication.jobID) computed \(text(publication.settings)), but region \(publication.region) is now configured "
                + "as \(text(present)), so its rows were not published: run the job again")
    }

    /// Makes `incoming_rows`, which ends with the transaction.
    private static func copyRows(_ rows: [CorrelationRow], _ connection: Connection) throws {
        try connection.execute(
            """
            CREATE TEMP TABLE incoming_rows (
                alpha_id varchar(50) PRIMARY KEY, min_correlation double precision, max_correlation double precision,
                avg_correlation double precision, median_correlation double precision, pair_count integer,
                most_correlated_alpha_id varchar(50), most_correlated_days integer,
                least_correlated_alpha_id varchar(50), max_abs_correlation double precision, max_abs_alpha_id varchar(50)
            ) ON COMMIT DROP
            """)
        try connection.copyIn("COPY incoming_rows FROM STDIN (FORMAT binary)") { writer in
            for row in rows {
                try writer.row(fields: 11)
                try writer.put(row.alphaID)
                for value in [row.min, row.max, row.avg, row.median] { try writer.put(value) }
                try writer.put(Int32(clamping: row.pairCount))
                try writer.put(row.mostCorrelatedAlphaID)
                try writer.put(row.mostCorrelatedDays.map { Int32(clamping: $0) })
                try writer.put(row.leastCorrelatedAlphaID)
                try writer.put(row.maxAbsCorrelation)
                try writer.put(row.maxAbsAlphaID)
            }
        }
        try connection.execute("ANALYZE incoming_rows (alpha_id)")
    }

    private static let incomingColumns = [
        "min_correlation", "max_correlation", "avg_correlation", "median_correlation", "pair_count",
        "most_correlated_alpha_id", "most_correlated_days", "least_correlated_alpha_id", "max_abs_correlation",
        "max_abs_alpha_id",
    ]

    /// Inserts or replaces the rows, in the order of their ids so that two writers cannot deadlock; how many.
    private static func upsertRows(of publication: Publication, _ connection: Connection) throws -> Int {
        let constants = ["convention", "window_start", "window_end", "min_overlap", "last_updated"]
        let columns = incomingColumns + constants + (publication.target == .region ? ["job_id"] : [])
        let changes = columns.map { "\($0) = EXCLUDED.\($0)" }.joined(separator: ", ")
        // An alpha that was removed while the job ran has no row any more; locked, the others cannot go either.
        let (key, from) =
            publication.target == .region
            ? ("alpha_id", "incoming_rows i JOIN alphas a ON a.alpha_id = i.alpha_id ORDER BY i.alpha_id FOR KEY SHARE OF a")
            : ("job_id, alpha_id", "incoming_rows i ORDER BY i.alpha_id")
        return try connection.execute(
            """
            INSERT INTO \(quoted(identifier: publication.table))
                (alpha_id, \((incomingColumns + constants).joined(separator: ", ")), job_id)
            SELECT i.alpha_id, \(incomingColumns.map { "i.\($0)" }.joined(separator: ", ")),
                $1, $2::date, $3::date, $4::integer, CURRENT_TIMESTAMP, $5::bigint
            FROM \(from)
            ON CONFLICT (\(key)) DO UPDATE SET \(changes)
            """,
            [
                .text(publication.convention.rawValue), .text(publication.windowStart.description),
                .text(publication.windowEnd.description), .integer(Int64(publication.minOverlap)),
                .integer(publication.jobID.rawValue),
            ]
        ).affectedRows
    }

    private static func deleteOtherRows(
        of publication: Publication, from table: String, _ connection: Connection
    ) throws -> Int {
        let table = quoted(identifier: table)
        let others = "NOT EXISTS (SELECT FROM incoming_rows i WHERE i.alpha_id = t.alpha_id)"
        guard publication.target == .job else {
            return try connection.execute("DELETE FROM \(table) t WHERE \(others)").affectedRows
        }
        return try connection.execute(
            "DELETE FROM \(table) t WHERE job_id = $1 AND \(others)", [.integer(publication.jobID.rawValue)]
        ).affectedRows
    }
}
