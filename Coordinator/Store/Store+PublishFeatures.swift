import ClusterModel
import Panel

extension Store {
    /// Replaces the features of a region's alphas, or what a job has found, in one transaction. The same rules as for
    /// `publishCorrelation`.
    ///
    /// `fitness` is added where the alpha's turnover is known at that moment: sharpe x sqrt(|annual return| /
    /// max(turnover, 0.125)).
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over, or the region's settings are no longer
    ///   those of the publication (target `.region`); nothing is written then.
    @discardableResult
    package func publishFeatures(
        _ rows: any Sequence<AlphaFeatureRow>, of publication: Publication, epoch: Epoch, saving job: JobView? = nil
    ) throws(GridError) -> PublishReport {
        try ensureRegion(publication.region)
        let table = publication.featuresTable
        let alphas = RegionTables(publication.region).alphas(unsubmitted: job?.pool == PoolName.unsubmitted)
        return try publishing(publication, into: table, epoch: epoch, saving: job) { connection in
            let incoming = try Self.copyFeatureRows(rows, connection)
            let written = try Self.upsertFeatureRows(of: publication, into: table, alphas: alphas, connection)
            return (incoming, written)
        }
    }

    private static func copyFeatureRows(_ rows: any Sequence<AlphaFeatureRow>, _ connection: Connection) throws -> Int {
        let features = AlphaFeature.allCases
        let columns = features.map { "\($0.name) \($0.sqlType)" }.joined(separator: ", ")
        try connection.execute(
            "CREATE TEMP TABLE incoming_rows (alpha_id varchar(50) PRIMARY KEY, \(columns)) ON COMMIT DROP")
        let forms = features.map(\.form)
        let copied = try connection.copyIn("COPY incoming_rows FROM STDIN (FORMAT binary)") { writer in
            for row in rows {
                try writer.row(fields: Int16(forms.count + 1))
                try writer.put(row.alphaID)
                for (form, value) in zip(forms, row.values) { try writer.put(value, as: form) }
            }
        }
        try connection.execute("ANALYZE incoming_rows")
        return copied
    }

    /// A turnover that is no share of the book says nothing.
    private static let fitness = """
        CASE WHEN a.is_turnover >= 0 AND a.is_turnover < 'Infinity'
            THEN i.sharpe * sqrt(abs(i.annual_return) / greatest(a.is_turnover, 0.125)) END
        """

    /// Inserts or replaces the rows, in the order of their ids so that two writers cannot deadlock; how many.
    private static func upsertFeatureRows(
        of publication: Publication, into table: String, alphas: String, _ connection: Connection
    ) throws(DatabaseError) -> Int {
        let isRegion = publication.target == .region
        let found = AlphaFeature.allCases.map(\.name)
        let added = ["fitness", "convention", "window_start", "window_end", "last_updated"]
        let changes = (found + added + (isRegion ? ["job_id"] : [])).map { "\($0) = EXCLUDED.\($0)" }.joined(separator: ", ")
        let (key, from) =
            isRegion
            ? ("alpha_id", "JOIN \(alphas) a ON a.alpha_id = i.alpha_id ORDER BY i.alpha_id FOR KEY SHARE OF a")
            : ("job_id, alpha_id", "LEFT JOIN \(alphas) a ON a.alpha_id = i.alpha_id ORDER BY i.alpha_id")
        return try connection.execute(
            """
            INSERT INTO \(quoted(identifier: table)) (alpha_id, \((found + added).joined(separator: ", ")), job_id)
            SELECT i.alpha_id, \(found.map { "i.\($0)" }.joined(separator: ", ")), \(fitness),
                $1, $2::date, $3::date, CURRENT_TIMESTAMP, $4::bigint
            FROM incoming_rows i \(from)
            ON CONFLICT (\(key)) DO UPDATE SET \(changes)
            """,
            [
                .text(AlphaFeature.convention(for: publication.convention).rawValue),
                .text(publication.windowStart.description), .text(publication.windowEnd.description),
                .integer(publication.jobID.rawValue),
            ]
        ).affectedRows
    }
}

extension CopyWriter {
    /// NULL where undefined.
    fileprivate func put(_ value: Double, as form: AlphaFeature.Form) throws(DatabaseError) {
        guard !value.isNaN else { return try putNull() }
        switch form {
        case .real: try put(value)
        case .integer: try put(Int32(exactly: value))
        case .date: if let day = Int32(exactly: value) { try put(date: day) } else { try putNull() }
        }
    }
}
