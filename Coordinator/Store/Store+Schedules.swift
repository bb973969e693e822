import ClusterModel

/// A schedule as the coordinator that leads keeps it going.
package struct DueSchedule: Sendable {
    package var view: ScheduleView
    /// When it is due, in seconds since 1970; nil for one that waits for a change.
    package var dueAt: Double?
}

/// What became of a schedule that was due.
package enum ScheduleOutcome: Sendable, Equatable {
    /// A job was made.
    case begun(JobID)
    /// Nothing was begun; the reason is a sentence part.
    case skipped(String)
    /// Somebody has changed it meanwhile, or nothing has changed since the last job.
    case nothing
}

extension Store {
    private static let scheduling = Action(
        "keep schedules", needs: "SELECT, INSERT, UPDATE and DELETE on schedules and panel_caches, INSERT on jobs")

    /// - Parameter nextAt: when it is due first, in seconds since 1970; nil for one that waits for a change.
    /// - Throws: `GridError(.conflict)` when there is one of the name, or there are `Limits.schedulesMax`.
    package func addSchedule(_ request: ScheduleRequest, nextAt: Double?, epoch: Epoch) throws(GridError) -> ScheduleView {
        try pool.write(Self.scheduling) { connection in
            try Self.hold(epoch, connection)
            try connection.lock("schedules")
            let present = try connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE name = $1) FROM schedules", [.text(request.name)])
            guard present.integer(0, 1) == 0 else {
                throw GridError(
                    .conflict, "there is a schedule '\(request.name)' already: remove it first, or choose another name")
            }
            guard (present.integer(0, 0) ?? 0) < Limits.schedulesMax else {
                throw GridError(.conflict, "there are \(Limits.schedulesMax) schedules already: remove those that nobody needs")
            }
            let made = try connection.execute(
                """
                INSERT INTO schedules (name, cron, on_change, time_zone, min_pause_seconds, job, next_at)
                VALUES ($1, $2, $3, $4, $5, $6::jsonb, to_timestamp($7::double precision)) RETURNING schedule_id
                """,
                [
                    .text(request.name), .optional(request.cron), .boolean(request.onChange ?? false),
                    .text(request.timeZone ?? "UTC"),
                    .integer(Int64(request.minPauseSeconds ?? Limits.schedulePauseSecondsDefault)),
                    .text(try Self.json(request.job)), .optional(nextAt),
                ])
            let id = Int64(made.integer(0, 0) ?? 0)
            if request.onChange == true {
                try Self.watch(id, try Self.tables(of: request.job), connection)
            }
            return try Self.requireSchedule(id, connection).view
        }
    }

    /// By their numbers.
    package func schedules() throws(GridError) -> [ScheduleView] {
        try pool.read(Self.scheduling) { try Self.schedules("ORDER BY schedule_id", [], $0).map(\.view) }
    }

    package func schedule(_ id: Int64) throws(GridError) -> ScheduleView {
        try pool.read(Self.scheduling) { try Self.requireSchedule(id, $0).view }
    }

    package func removeSchedule(_ id: Int64, epoch: Epoch) throws(GridError) -> ScheduleView {
        try pool.write(Self.scheduling) { connection in
            try Self.hold(epoch, connection)
            let view = try Self.requireSchedule(id, connection).view
            try Self.unwatch(id, connection)
            try connection.execute("DELETE FROM schedules WHERE schedule_id = $1", [.integer(id)])
            return view
        }
    }

    /// - Parameter nextAt: when it is due next; what was due while it was paused is not made up for.
    package func setSchedule(_ id: Int64, paused: Bool, nextAt: Double?, epoch: Epoch) throws(GridError) -> ScheduleView {
        try pool.write(Self.scheduling) { connection in
            try Self.hold(epoch, connection)
            try connection.execute(
                "UPDATE schedules SET paused = $2, next_at = to_timestamp($3::double precision) WHERE schedule_id = $1",
                [.integer(id), .boolean(paused), .optional(nextAt)])
            return try Self.requireSchedule(id, connection).view
        }
    }

    /// Those whose time has come by the database's clock, and those that wait for a change when there is one.
    package func dueSchedules() throws(GridError) -> [DueSchedule] {
        try pool.read(Self.scheduling) { connection in
            let found = try Self.schedules(
                """
                WHERE NOT paused AND (next_at <= clock_timestamp() OR on_change AND (last_at IS NULL
                    OR last_at + min_pause_seconds * interval '1 second' <= clock_timestamp()))
                ORDER BY schedule_id
                """, [], connection)
            // Asked every second: what has not changed costs one query, and no transaction that writes.
            return try found.filter { due in
                guard due.view.onChange else { return true }
                return try Self.hasChanged(due.view.scheduleID, try Self.tables(of: due.view.job), connection)
            }
        }
    }

    /// Makes the job of a schedule that is due and says when it is due next, in one transaction: whatever happens to this
    /// coordinator, it runs once. Not while the job before is unfinished: schedules never pile up.
    ///
    /// - Parameters:
    ///   - job: as it is to be queued; nil when it cannot be, because of `refusal`.
    ///   - nextAt: in seconds since 1970; nil for one that waits for a change.
    package func runSchedule(
        _ due: DueSchedule, job: JobView?, refusal: String? = nil, nextAt: Double?, epoch: Epoch
    ) throws(GridError) -> ScheduleOutcome {
        let id = SQLValue.integer(due.view.scheduleID)
        return try pool.write(Self.scheduling) { connection in
            try Self.hold(epoch, connection)
            let present = try connection.execute(
                "SELECT extract(epoch FROM next_at), paused, last_job_id FROM schedules WHERE schedule_id = $1 FOR UPDATE", [id])
            guard present.rowCount == 1, !present.boolean(0, 1), present.real(0, 0) == due.dueAt else { return .nothing }
            let tables = due.view.onChange ? try Self.tables(of: due.view.job) : []
            if due.view.onChange, try !Self.hasChanged(due.view.scheduleID, tables, connection) { return .nothing }
            var reason = refusal
            if let last = present.integer(0, 2) {
                let unfinished = try connection.execute(
                    "SELECT state FROM jobs WHERE job_id = $1 AND state NOT IN ('done', 'failed', 'cancelled')",
                    [.integer(Int64(last))])
                if let state = unfinished.text(ifAnyRow: 0) {
                    // A change waits for the end of the job; what was due at a time is left out.
                    if due.view.onChange { return .nothing }
                    reason = "its last job, \(last), is still \(state)"
                }
            }
            guard reason == nil, let job else {
                let sentence = reason ?? "there is no job to begin"
                try connection.execute(
                    """
                    UPDATE schedules SET last_error = $2, last_at = clock_timestamp(),
                        next_at = to_timestamp($3::double precision)
                    WHERE schedule_id = $1
                    """, [id, .text(sentence), .optional(nextAt)])
                return .skipped(sentence)
            }
            let made = try Self.insert(job, epoch, connection)
            try connection.execute(
                """
                UPDATE schedules SET last_error = NULL, last_at = clock_timestamp(), last_job_id = $2,
                    next_at = to_timestamp($3::double precision)
                WHERE schedule_id = $1
                """, [id, .integer(made.rawValue), .optional(nextAt)])
            if due.view.onChange { try Self.watch(due.view.scheduleID, tables, connection) }
            return .begun(made)
        }
    }

    // MARK: Changes

    /// PnL tables that a job reads.
    private static func tables(of job: JobRequest) throws -> [String] {
        let tables = RegionTables(try Region(job.region))
        switch (job.kind, job.pool) {
        case ("cross-correlation", nil), ("cross-correlation", PoolName.unsubmitted), ("selection", PoolName.unsubmitted):
            return [tables.pnl(unsubmitted: true), tables.pnl(unsubmitted: false)]
        case (_, PoolName.unsubmitted): return [tables.pnl(unsubmitted: true)]
        default: return [tables.pnl(unsubmitted: false)]
        }
    }

    /// Remembers this moment, as a kept panel does: what is recorded by transactions that it does not see has changed since.
    private static func watch(_ id: Int64, _ tables: [String], _ connection: Connection) throws {
        try unwatch(id, connection)
        var tokens: [String] = []
        for table in tables {
            // A table whose changes go unrecorded, or that is not there yet, has always changed.
            guard let print = try ChangeTracking.fingerprint(table: table, connection) else { continue }
            let made = try connection.execute(
                "INSERT INTO panel_caches (table_oid, snapshot) VALUES ($1, pg_current_snapshot()) RETURNING token",
                [.integer(Int64(print.oid))])
            tokens.append(made.text(0, 0) ?? "")
        }
        try connection.execute(
            "UPDATE schedules SET seen_tokens = $2::text[]::uuid[] WHERE schedule_id = $1", [.integer(id), .texts(tokens)])
    }

    private static func unwatch(_ id: Int64, _ connection: Connection) throws {
        try connection.execute(
            "DELETE FROM panel_caches WHERE token = ANY (SELECT unnest(seen_tokens) FROM schedules WHERE schedule_id = $1)",
            [.integer(id)])
    }

    /// Whether anything was recorded since, or nobody can say because a registration is gone.
    private static func hasChanged(_ id: Int64, _ tables: [String], _ connection: Connection) throws -> Bool {
        let found = try connection.execute(
            """
            SELECT count(*), count(\(ChangeTracking.unseen(ofTable: "p.table_oid", by: "p.snapshot")))
            FROM panel_caches p WHERE token = ANY (SELECT unnest(seen_tokens) FROM schedules WHERE schedule_id = $1)
                AND table_oid = ANY (SELECT to_regclass(quote_ident(n))::oid FROM unnest($2::text[]) AS n)
            """, [.integer(id), .texts(tables)])
        return found.integer(0, 0) != tables.count || found.integer(0, 1) != 0
    }

    // MARK: Rows

    private static func requireSchedule(_ id: Int64, _ connection: Connection) throws -> DueSchedule {
        guard let found = try schedules("WHERE schedule_id = $1", [.integer(id)], connection).first else {
            throw GridError(.notFound, "there is no schedule \(id)")
        }
        return found
    }

    private static func schedules(
        _ condition: String, _ values: [SQLValue], _ connection: Connection
    ) throws -> [DueSchedule] {
        let found = try connection.execute(
            """
            SELECT schedule_id, name, cron, on_change, time_zone, min_pause_seconds, job, paused, \(isoSeconds("created_at")),
                \(isoSeconds("next_at")), \(isoSeconds("last_at")), last_job_id, last_error, extract(epoch FROM next_at)
            FROM schedules \(condition)
            """, values)
        return try (0..<found.rowCount).map { row in
            var view = ScheduleView(
                scheduleID: Int64(found.integer(row, 0) ?? 0), name: found.text(row, 1) ?? "", cron: found.text(row, 2),
                onChange: found.boolean(row, 3), timeZone: found.text(row, 4) ?? "", minPauseSeconds: found.integer(row, 5) ?? 0,
                job: try fromJSON(found.text(row, 6), as: JobRequest.self), paused: found.boolean(row, 7),
                createdAt: found.text(row, 8) ?? "")
            if !view.paused { view.nextAt = found.text(row, 9) }
            view.lastAt = found.text(row, 10)
            view.lastJobID = found.integer(row, 11).map { JobID(Int64($0)) }
            view.lastError = found.text(row, 12)
            return DueSchedule(view: view, dueAt: found.real(row, 13))
        }
    }
}
