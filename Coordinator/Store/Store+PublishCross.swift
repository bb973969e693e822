import ClusterModel

extension Store {
    /// Replaces what a region's unsubmitted alphas have been found to have in common with its submitted ones, or what a
    /// job has found, in one transaction. The same rules as for `publishCorrelation`.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over, or the region's settings are no longer
    ///   those of the publication (target `.region`); nothing is written then.
    @discardableResult
    package func publishCrossCorrelation(
        _ rows: [CrossCorrelationRow], of publication: Publication, epoch: Epoch, saving job: JobView? = nil
    ) throws(GridError) -> PublishReport {
        try ensureRegion(publication.region)
        let table = publication.crossTable
        return try publishing(publication, into: table, epoch: epoch, saving: job) { connection in
            try Self.copyCrossRows(rows, connection)
            let written = try Self.upsertCrossRows(of: publication, into: table, connection)
            return (rows.count, written)
        }
    }

    private static func copyCrossRows(_ rows: [CrossCorrelationRow], _ connection: Connection) throws {
        try connection.execute(
            """
            CREATE TEMP TABLE incoming_rows (
                alpha_id varchar(50) PRIMARY KEY, max_correlation_with_submitted double precision,
                best_correlated_submitted_alpha varchar(50)
            ) ON COMMIT DROP
            """)
        try connection.copyIn("COPY incoming_rows FROM STDIN (FORMAT binary)") { writer in
            for row in rows {
                try writer.row(fields: 3)
                try writer.put(row.alphaID)
                try writer.put(row.maxCorrelation)
                try writer.put(row.bestAlphaID)
            }
        }
        try connection.execute("ANALYZE incoming_rows")
    }

    /// Inserts or replaces the rows, in the order of their ids so that two writers cannot deadlock; how many.
    private static func upsertCrossRows(
        of publication: Publication, into table: String, _ connection: Connection
    ) throws(DatabaseError) -> Int {
        let isRegion = publication.target == .region
        let columns = ["max_correlation_with_submitted", "best_correlated_submitted_alpha", "last_updated"]
        let changes = (columns + (isRegion ? ["job_id"] : [])).map { "\($0) = EXCLUDED.\($0)" }.joined(separator: ", ")
        let (key, from) =
            isRegion
            ? (
                "alpha_id",
                "incoming_rows i JOIN alphas_unsubmitted a ON a.alpha_id = i.alpha_id ORDER BY i.alpha_id FOR KEY SHARE OF a"
            )
            : ("job_id, alpha_id", "incoming_rows i ORDER BY i.alpha_id")
        return try connection.execute(
            """
            INSERT INTO \(quoted(identifier: table)) (alpha_id, \(columns.joined(separator: ", ")), job_id)
            SELECT i.alpha_id, i.max_correlation_with_submitted, i.best_correlated_submitted_alpha, CURRENT_TIMESTAMP,
                $1::bigint
            FROM \(from)
            ON CONFLICT (\(key)) DO UPDATE SET \(changes)
            """, [.integer(publication.jobID.rawValue)]
        ).affectedRows
    }
}
