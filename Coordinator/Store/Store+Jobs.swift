import ClusterModel

extension Store {
    /// Adds a row to `jobs`; its `job_id` is given by the database, whatever the view says.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over.
    package func createJob(_ job: JobView, epoch: Epoch) throws(GridError) -> JobID {
        let action = Action("record a job", needs: "INSERT on jobs and UPDATE on coordinator_lease")
        return try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            return try Self.insert(job, epoch, connection)
        }
    }

    static func insert(_ job: JobView, _ epoch: Epoch, _ connection: Connection) throws -> JobID {
        let columns = jobColumns.dropFirst()
        let places = columns.indices.map { "$\($0)\(jobColumns[$0].cast)" }
        let names = columns.map(\.name).joined(separator: ", ")
        let made = try connection.execute(
            "INSERT INTO jobs (\(names)) VALUES (\(places.joined(separator: ", "))) RETURNING job_id",
            Array(try jobValues(job, epoch).dropFirst()))
        return JobID(Int64(made.integer(0, 0) ?? 0))
    }

    /// Replaces a job's row by what the view says.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over or the job has ended otherwise, `.notFound` when
    ///   there is no such row.
    package func saveJob(_ job: JobView, epoch: Epoch) throws(GridError) {
        let action = Action("save job \(job.jobID)", needs: "UPDATE on jobs and coordinator_lease")
        try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            try Self.save(job, epoch, connection)
        }
    }

    /// A job's row as last saved, but for `eta_seconds`, which is never stored.
    package func job(_ id: JobID) throws(GridError) -> JobView {
        let found = try jobRows("read job \(id)", "WHERE job_id = $1", [.integer(id.rawValue)], isFrequent: true)
        guard let job = found.first else { throw GridError(.notFound, "job \(id) does not exist") }
        return job
    }

    /// At most `Limits.jobsListedMax`, and one more for who asks whether there are more, in the order of the request.
    ///
    /// - Parameter live: states of jobs that are further than their rows say.
    package func jobs(_ request: JobsRequest, live: [JobID: JobState] = [:]) throws(GridError) -> [JobView] {
        var values: [SQLValue] = []
        func place(_ value: SQLValue) -> String {
            values.append(value)
            return "$\(values.count)"
        }
        var conditions: [String] = []
        if let before = request.before { conditions.append("job_id < \(place(.integer(before.rawValue)))") }
        if let kind = request.kind { conditions.append("kind = \(place(.text(kind)))") }
        if let region = request.region { conditions.append("region = \(place(.text(region)))") }
        var states: [String] = []
        if !request.states.isEmpty {
            let wanted = place(.texts(request.states.map(\.rawValue)))
            let known = place(.texts(live.keys.sorted().map(\.description)))
            let matching = live.filter { request.states.contains($0.value) }.keys.sorted().map(\.description)
            states.append(
                "state = ANY (\(wanted)::text[]) AND NOT job_id = ANY (\(known)::text[]::bigint[]) "
                    + "OR job_id = ANY (\(place(.texts(matching)))::text[]::bigint[])")
        }
        if request.paused {
            let ended = place(.texts(live.filter(\.value.isFinal).keys.sorted().map(\.description)))
            states.append(
                "paused AND state NOT IN ('done', 'failed', 'cancelled') AND NOT job_id = ANY (\(ended)::text[]::bigint[])")
        }
        if !states.isEmpty { conditions.append("(\(states.joined(separator: " OR ")))") }
        let order = try Self.jobOrder(request.sort)
        let limit = place(.integer(Int64(max(0, min(request.limit, Limits.jobsListedMax + 1)))))
        let offset = place(.integer(Int64(max(0, request.offset))))
        return try jobRows(
            "list jobs",
            "\(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))") ORDER BY \(order) "
                + "LIMIT \(limit) OFFSET \(offset)", values, isFrequent: request.sort == nil && states.isEmpty)
    }

    private static func jobOrder(_ sort: SortKey?) throws(GridError) -> String {
        guard let sort else { return "job_id DESC" }
        guard JobsRequest.columns.contains(sort.column) else {
            throw GridError(.usage, "jobs have no '\(sort.column.printable)' to sort by")
        }
        let isText = ["kind", "pool", "region", "state"].contains(sort.column)
        let column = quoted(identifier: sort.column) + (isText ? " COLLATE \"C\"" : "")
        return "jobs.\(column) \(sort.isDescending ? "DESC" : "ASC") NULLS LAST, job_id DESC"
    }

    /// Jobs that some coordinator began and none finished, oldest first.
    package func unfinishedJobs() throws(GridError) -> [JobView] {
        try jobRows(
            "list unfinished jobs", "WHERE state NOT IN ('done', 'failed', 'cancelled') ORDER BY job_id LIMIT $1",
            [.integer(Int64(Limits.jobsActiveMax))])
    }

    /// Jobs that have ended and of which nobody was told yet, oldest first, at most `untoldListed` that are younger than `job`.
    package func untoldJobs(after job: JobID = JobID(0)) throws(GridError) -> [JobView] {
        try jobRows(
            "list ends of jobs to tell", "WHERE untold AND job_id > $1 ORDER BY job_id LIMIT \(Self.untoldListed)",
            [.integer(job.rawValue)], isFrequent: true)
    }

    package static let untoldListed = 20

    static func save(_ job: JobView, _ epoch: Epoch, _ connection: Connection) throws {
        let changes = jobColumns.indices.dropFirst().map { index in
            let (name, value) = (jobColumns[index].name, "$\(index + 1)\(jobColumns[index].cast)")
            // What operators change is not taken back by a thread that has not heard of it yet.
            // Why it was paused is not why it was cancelled.
            if name == "reason" { return "reason = " + (job.state == .cancelled ? value : "coalesce(\(value), reason)") }
            return "\(name) = "
                + (["priority", "paused"].contains(name) ? "CASE WHEN false THEN \(value) ELSE \(name) END" : value)
        }
        // In the transaction of its end, so that nothing can come between; `tellEnd` takes it back.
        let tells = [.done, .failed].contains(job.state)
        let saved = try connection.execute(
            """
            UPDATE jobs SET \(changes.joined(separator: ", ")),
                untold = CASE WHEN state IN ('done', 'failed', 'cancelled') THEN untold ELSE \(tells) END
            WHERE job_id = $1 AND (state NOT IN ('done', 'failed', 'cancelled') OR state = $5)
            """, try jobValues(job, epoch))
        guard saved.affectedRows == 1 else {
            let present = try connection.execute("SELECT state FROM jobs WHERE job_id = $1", [.integer(job.jobID.rawValue)])
            guard present.rowCount == 1 else { throw GridError(.notFound, "job \(job.jobID) has no row in table jobs") }
            throw GridError(.conflict, "job \(job.jobID) is \(present.text(0, 0) ?? "over") already")
        }
    }

    // MARK: Columns

    /// Order of `jobValues` and of the columns that `jobRows` reads.
    private static let jobColumns: [(name: String, cast: String)] = [
        ("job_id", ""), ("kind", ""), ("region", ""), ("pool", ""), ("state", ""), ("priority", ""), ("convention", ""),
        ("window_spec", ""), ("min_overlap", ""), ("precision", ""), ("block_edge", ""), ("submitted_at", ""),
        ("started_at", ""), ("finished_at", ""), ("stages", "::jsonb"), ("alpha_count", ""), ("day_count", ""),
        ("tiles_per_second", ""), ("profile", ""), ("panel_hash", ""), ("digest", ""), ("result_table", ""),
        ("warnings", "::jsonb"), ("error", ""), ("epoch", ""), ("top", ""), ("threshold", ""), ("absolute", ""),
        ("fresh", ""), ("params", "::jsonb"), ("resumed_at", ""), ("resumed", ""), ("partials_kept", ""), ("paused", ""),
        ("reason", ""),
    ]

    private static func jobValues(_ job: JobView, _ epoch: Epoch) throws -> [SQLValue] {
        [
            .integer(job.jobID.rawValue), .text(job.kind), .text(job.region), .text(job.pool), .text(job.state.rawValue),
            .integer(Int64(job.priority)), .text(job.convention), .text(job.window), .integer(Int64(job.minOverlap)),
            .text(job.precision), .integer(Int64(job.blockEdge)), .text(job.submittedAt), .optional(job.startedAt),
            .optional(job.finishedAt), .text(try json(job.stages)), .optional(job.alphaCount), .optional(job.dayCount),
            .optional(job.tilesPerSecond), .optional(job.profile), .optional(job.panelHash), .optional(job.digest),
            .optional(job.resultTable), .text(try json(job.warnings)), .optional(job.error), .integer(epoch.rawValue),
            .integer(Int64(job.top)), .optional(job.threshold), .boolean(job.absolute), .boolean(job.fresh),
            .text(try json(job.params)), .optional(job.resumedAt), .optional(job.resumed), .optional(job.partialsKept),
            .boolean(job.paused), .optional(job.reason),
        ]
    }

    private func jobRows(
        _ doing: String, _ condition: String, _ values: [SQLValue], isFrequent: Bool = false
    ) throws(GridError) -> [JobView] {
        let columns = Self.jobColumns.map { $0.name.hasSuffix("_at") ? Self.isoTime($0.name) : $0.name }
        let statement = "SELECT \(columns.joined(separator: ", ")) FROM jobs \(condition)"
        return try pool.ask(Action(doing, needs: "SELECT on jobs"), statement, values, isFrequent: isFrequent) { found in
            try (0..<found.rowCount).map { try Self.jobView(found, $0) }
        }
    }

    /// ISO 8601 UTC, always to the millisecond, as a running job shows it.
    private static func isoTime(_ column: String) -> String {
        "to_char(\(column), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS \(column)"
    }

    private static func jobView(_ rows: QueryResult, _ row: Int) throws -> JobView {
        func text(_ column: Int) -> String { rows.text(row, column) ?? "" }
        func integer(_ column: Int) -> Int { rows.integer(row, column) ?? 0 }
        guard let state = JobState(rawValue: text(4)) else {
            throw GridError(.conflict, "job \(text(0)) has the state '\(text(4).printable)', which this program does not know")
        }
        var job = JobView(
            jobID: JobID(Int64(integer(0))), kind: text(1), region: text(2), pool: text(3), state: state,
            priority: integer(5), convention: text(6), window: text(7), minOverlap: integer(8), precision: text(9),
            blockEdge: integer(10), submittedAt: text(11))
        job.startedAt = rows.text(row, 12)
        job.finishedAt = rows.text(row, 13)
        job.stages = try fromJSON(rows.text(row, 14), as: [StageView].self)
        job.alphaCount = rows.integer(row, 15)
        job.dayCount = rows.integer(row, 16)
        job.tilesPerSecond = rows.real(row, 17)
        job.profile = rows.text(row, 18)
        job.panelHash = rows.text(row, 19)
        job.digest = rows.text(row, 20)
        job.resultTable = rows.text(row, 21)
        job.warnings = try fromJSON(rows.text(row, 22), as: [String].self)
        job.error = rows.text(row, 23)
        job.top = integer(25)
        job.threshold = rows.real(row, 26)
        job.absolute = text(27) == "t"
        job.fresh = text(28) == "t"
        job.params = try fromJSON(rows.text(row, 29), as: [String: String].self)
        job.resumedAt = rows.text(row, 30)
        job.resumed = rows.integer(row, 31)
        job.partialsKept = rows.integer(row, 32)
        // What an operator said of it says nothing any more once it is over.
        job.paused = text(33) == "t" && !state.isFinal
        job.reason = rows.text(row, 34)
        return job
    }
}
