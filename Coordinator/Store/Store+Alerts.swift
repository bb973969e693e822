import ClusterModel

/// What a publication has brought beyond the threshold that was not there before.
package enum AlertOutcome: Sendable {
    /// The pairs with the largest |r| first, and how many messages about them found no room.
    case pairs([AlertView], dropped: Int = 0)
    /// There was nothing to compare with: the first publication, or the first with this threshold.
    case firstLook(pairs: Int)
    /// More pairs are beyond the threshold than can be compared.
    case tooMany
}

extension Store {
    private static let alerting = Action(
        "look for new pairs",
        needs: "SELECT, INSERT and DELETE on alerts, alert_pairs and alert_states, SELECT and INSERT on webhook_deliveries, "
            + "TEMPORARY on the database")

    /// Compares what a job has published for its region with what was there before, and remembers it for the next time. The same
    /// job a second time brings nothing new, and neither does one whose rows a later one has replaced.
    ///
    /// Pairs are those of the neighbour lists at either end and of the edges: a pair beyond the threshold is in neither only if
    /// both of its alphas have a whole list of closer ones.
    ///
    /// - Parameters:
    ///   - threshold: |r| from which on a pair counts.
    ///   - messages: about new pairs; put on their way in the same transaction.
    package func updateAlerts(
        region: Region, job: JobID, threshold: Double, epoch: Epoch,
        telling messages: ([AlertView]) throws -> [(webhook: Int64, body: String)] = { _ in [] }
    ) throws(GridError) -> AlertOutcome {
        try pool.write(Self.alerting, patience: .bulk) { connection in
            try Self.hold(epoch, connection)
            try connection.lock("alerts \(region)")
            let name = SQLValue.text(region.name)
            let before = try connection.execute("SELECT job_id, threshold FROM alert_states WHERE region = $1", [name])
            if before.integer(0, 0).map({ Int64($0) }) == job.rawValue, before.rowCount == 1 { return .pairs([]) }
            let published = try connection.execute(
                "SELECT EXISTS (SELECT FROM \(quoted(identifier: RegionTables(region).correlation)) WHERE job_id = $1)",
                [.integer(job.rawValue)])
            guard published.boolean(0, 0) else { return .pairs([]) }
            let isFirst = before.rowCount == 0 || before.real(0, 1) != threshold
            let count = try Self.findPairs(region, job, threshold, connection)
            guard count <= Limits.alertPairsMax else {
                for table in ["alert_pairs", "alert_states"] {
                    try connection.execute("DELETE FROM \(table) WHERE region = $1", [name])
                }
                return .tooMany
            }
            let made = isFirst ? [] : try Self.addAlerts(region, job, connection)
            try connection.execute("DELETE FROM alert_pairs WHERE region = $1", [name])
            try connection.execute(
                """
                INSERT INTO alert_pairs (region, alpha_a, alpha_b, correlation)
                SELECT $1, alpha_a, alpha_b, correlation FROM found_pairs
                """, [name])
            try connection.execute(
                """
                INSERT INTO alert_states (region, job_id, threshold) VALUES ($1, $2, $3)
                ON CONFLICT (region) DO UPDATE SET job_id = EXCLUDED.job_id, threshold = EXCLUDED.threshold
                """, [name, .integer(job.rawValue), .real(threshold)])
            if isFirst { return .firstLook(pairs: count) }
            return .pairs(made, dropped: try Self.enqueue(.alertCorrelation, messages(made), connection))
        }
    }

    /// Makes `found_pairs`, which ends with the transaction; how many there are, one more than may be at most.
    private static func findPairs(
        _ region: Region, _ job: JobID, _ threshold: Double, _ connection: Connection
    ) throws -> Int {
        let tables = RegionTables(region)
        try connection.execute(
            """
            CREATE TEMP TABLE found_pairs (
                alpha_a varchar(50), alpha_b varchar(50), correlation double precision, days integer) ON COMMIT DROP
            """)
        return try connection.execute(
            """
            INSERT INTO found_pairs
            SELECT least(a COLLATE "C", b), greatest(a COLLATE "C", b), max(r), max(days) FROM (
                SELECT alpha_id AS a, neighbour_id::varchar(50) AS b, correlation AS r, days
                FROM \(quoted(identifier: tables.neighbours(.region)))
                WHERE job_id = $1 AND abs(correlation) >= $2
                UNION ALL
                SELECT alpha_id_a, alpha_id_b, correlation, days FROM \(quoted(identifier: tables.edges(.region)))
                WHERE job_id = $1 AND abs(correlation) >= $2) p
            GROUP BY 1, 2 LIMIT \(Limits.alertPairsMax + 1)
            """, [.integer(job.rawValue), .real(threshold)]
        ).affectedRows
    }

    private static func addAlerts(_ region: Region, _ job: JobID, _ connection: Connection) throws -> [AlertView] {
        let made = try connection.execute(
            """
            INSERT INTO alerts (region, alpha_a, alpha_b, correlation, days, job_id)
            SELECT $1::text, f.alpha_a, f.alpha_b, f.correlation, f.days, $2 FROM found_pairs f
            WHERE NOT EXISTS (
                SELECT FROM alert_pairs p WHERE p.region = $1::text AND p.alpha_a = f.alpha_a AND p.alpha_b = f.alpha_b)
            ORDER BY abs(f.correlation) DESC, f.alpha_a COLLATE "C", f.alpha_b COLLATE "C" LIMIT \(Limits.alertsPerJobMax)
            RETURNING \(alertColumns)
            """, [.text(region.name), .integer(job.rawValue)])
        try connection.execute(
            "DELETE FROM alerts WHERE alert_id <= (SELECT max(alert_id) FROM alerts) - $1", [.integer(Int64(Limits.alertsMax))])
        return alerts(made)
    }

    /// Those of the newest job first, of each job the largest |r| first.
    package func alerts(limit: Int, region: Region?) throws(GridError) -> [AlertView] {
        try pool.read(Self.alerting) { connection in
            Self.alerts(
                try connection.execute(
                    """
                    SELECT \(Self.alertColumns) FROM alerts WHERE $2::text IS NULL OR region = $2
                    ORDER BY job_id DESC, abs(correlation) DESC, alert_id LIMIT $1
                    """,
                    [.integer(Int64(max(0, min(limit, Limits.alertsMax)))), .optional(region?.name)]))
        }
    }

    private static var alertColumns: String {
        "alert_id, region, alpha_a, alpha_b, correlation, days, job_id, \(isoSeconds("created_at"))"
    }

    private static func alerts(_ found: QueryResult) -> [AlertView] {
        (0..<found.rowCount).map { row in
            AlertView(
                alertID: Int64(found.integer(row, 0) ?? 0), region: found.text(row, 1) ?? "", alphaA: found.text(row, 2) ?? "",
                alphaB: found.text(row, 3) ?? "", correlation: found.real(row, 4) ?? 0, days: found.integer(row, 5),
                jobID: JobID(Int64(found.integer(row, 6) ?? 0)), createdAt: found.text(row, 7) ?? "")
        }
    }
}
