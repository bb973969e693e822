import ClusterModel
import Panel

/// What operators change of a job that has not ended; nil leaves it.
package struct JobTerms: Hashable, Sendable {
    package var priority: Int?
    package var paused: Bool?
    /// Why it is paused.
    package var reason: String?

    package init(priority: Int? = nil, paused: Bool? = nil, reason: String? = nil) {
        self.priority = priority
        self.paused = paused
        self.reason = reason
    }
}

extension Store {
    /// Writes down what an operator wants of a job, so that it holds for whichever coordinator goes on with it.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over or the job has ended, `.notFound`.
    package func setTerms(_ id: JobID, _ terms: JobTerms, epoch: Epoch) throws(GridError) {
        let action = Action("change job \(id)", needs: "UPDATE on jobs and coordinator_lease")
        try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            let changed = try connection.execute(
                """
                UPDATE jobs SET priority = coalesce($2::integer, priority), paused = coalesce($3::boolean, paused),
                    reason = CASE WHEN $3::boolean IS NULL THEN reason ELSE $4::text END
                WHERE job_id = $1 AND state NOT IN ('done', 'failed', 'cancelled')
                """,
                [
                    .integer(id.rawValue), .optional(terms.priority), terms.paused.map { .boolean($0) } ?? .null,
                    .optional(terms.reason),
                ])
            if changed.affectedRows == 0 { throw try Self.overError(id, connection) }
        }
    }

    /// Forgets a job that has ended; results that are keyed by it go with it.
    ///
    /// - Returns: the region's own table in which rows of it are left, as no later job has replaced them.
    /// - Throws: `GridError(.conflict)` when it has not ended, or another coordinator has taken over, `.notFound`.
    @discardableResult
    package func removeJob(_ id: JobID, epoch: Epoch) throws(GridError) -> String? {
        let action = Action("remove job \(id)", needs: "DELETE on jobs and the result tables of jobs")
        return try pool.write(action, patience: .bulk) { connection in
            try Self.hold(epoch, connection)
            let removed = try connection.execute(
                """
                DELETE FROM jobs WHERE job_id = $1 AND state IN ('done', 'failed', 'cancelled') RETURNING result_table
                """, [.integer(id.rawValue)])
            if removed.rowCount == 0 { throw try Self.overError(id, connection) }
            guard let table = removed.text(0, 0), try Self.hasRows(of: id, in: table, connection) else { return nil }
            return table
        }
    }

    /// Whether a table, which may be gone with its region, has rows of a job.
    static func hasRows(of job: JobID, in table: String, _ connection: Connection) throws -> Bool {
        guard try TableColumn.all(of: table, connection).contains(where: { $0.name == "job_id" }) else { return false }
        let found = try connection.execute(
            "SELECT 1 FROM \(quoted(identifier: table)) WHERE job_id = $1 LIMIT 1", [.integer(job.rawValue)])
        return found.rowCount > 0
    }

    /// Forgets the oldest jobs that have ended, `Limits.jobsForgottenAtOnceMax` at most: those beyond the newest `count`, and
    /// those that ended more than `days` days ago.
    ///
    /// - Returns: how many went.
    package func forgetJobs(keeping count: Int, days: Int?, epoch: Epoch) throws(GridError) -> Int {
        let action = Action("forget old jobs", needs: "DELETE on jobs and the result tables of jobs")
        return try pool.write(action, patience: .bulk) { connection in
            try Self.hold(epoch, connection)
            let ended = "state IN ('done', 'failed', 'cancelled')"
            // The newest one that is too many is found by going back along the key.
            return try connection.execute(
                """
                DELETE FROM jobs WHERE job_id IN (
                    SELECT job_id FROM jobs
                    WHERE \(ended) AND (finished_at < clock_timestamp() - $2::integer * interval '1 day'
                        OR job_id <= (SELECT job_id FROM jobs WHERE \(ended) ORDER BY job_id DESC OFFSET $1 LIMIT 1))
                    ORDER BY job_id LIMIT \(Limits.jobsForgottenAtOnceMax))
                """, [.integer(Int64(count)), .optional(days)]
            ).affectedRows
        }
    }

    private static func overError(_ id: JobID, _ connection: Connection) throws -> GridError {
        let present = try connection.execute("SELECT state FROM jobs WHERE job_id = $1", [.integer(id.rawValue)])
        guard let state = present.text(ifAnyRow: 0) else { return GridError(.notFound, "job \(id) does not exist") }
        let isOver = ["done", "failed", "cancelled"].contains(state)
        return GridError(.conflict, isOver ? "job \(id) is \(state) already" : "job \(id) is \(state): cancel it first")
    }

    // MARK: Orders to drain

    package struct StoredDrain: Hashable, Sendable {
        package var worker: WorkerID
        package var processID: Int32
        /// Of the worker's hello; nil of an order that an older program has written down.
        package var incarnation: UInt64?
        package var reason: String
        /// Seconds since 1970.
        package var deadline: Double?
        package var hasLeft = false
        /// Seconds since 1970, of an order that was read.
        package var changedAt: Double?

        package init(
            worker: WorkerID, processID: Int32, incarnation: UInt64? = nil, reason: String, deadline: Double?,
            hasLeft: Bool = false
        ) {
            self.worker = worker
            self.processID = processID
            self.incarnation = incarnation
            self.reason = reason
            self.deadline = deadline
            self.hasLeft = hasLeft
        }
    }

    /// Writes an order down; the oldest beyond `Limits.drainOrdersMax` go.
    package func saveDrain(_ drain: StoredDrain, epoch: Epoch) throws(GridError) {
        try pool.write(Self.draining) { connection in
            try Self.hold(epoch, connection)
            try connection.execute(
                """
                INSERT INTO drain_orders (worker, process_id, reason, deadline_at, has_left, incarnation)
                VALUES ($1, $2, $3, to_timestamp($4::double precision), $5, $6)
                ON CONFLICT (worker) DO UPDATE
                SET process_id = EXCLUDED.process_id, reason = EXCLUDED.reason, deadline_at = EXCLUDED.deadline_at,
                    has_left = EXCLUDED.has_left, incarnation = EXCLUDED.incarnation, ordered_at = clock_timestamp()
                """,
                [
                    .text(drain.worker.rawValue), .integer(Int64(drain.processID)), .text(drain.reason),
                    .optional(drain.deadline), .boolean(drain.hasLeft),
                    drain.incarnation.map { .integer(Int64(bitPattern: $0)) } ?? .null,
                ])
            try connection.execute(
                """
                DELETE FROM drain_orders WHERE worker IN (
                    SELECT worker FROM drain_orders ORDER BY ordered_at DESC OFFSET \(Limits.drainOrdersMax))
                """)
        }
    }

    package func removeDrain(_ worker: WorkerID, epoch: Epoch) throws(GridError) {
        try pool.write(Self.draining) { connection in
            try Self.hold(epoch, connection)
            try connection.execute("DELETE FROM drain_orders WHERE worker = $1", [.text(worker.rawValue)])
        }
    }

    package func drains() throws(GridError) -> [StoredDrain] {
        try pool.read(Self.draining) { connection in
            let found = try connection.execute(
                """
                SELECT worker, process_id, reason, extract(epoch FROM deadline_at), has_left, extract(epoch FROM ordered_at),
                    incarnation
                FROM drain_orders ORDER BY worker COLLATE "C"
                """)
            return (0..<found.rowCount).map { row in
                var drain = StoredDrain(
                    worker: WorkerID(found.text(row, 0) ?? ""), processID: Int32(clamping: found.integer(row, 1) ?? 0),
                    reason: found.text(row, 2) ?? "", deadline: found.real(row, 3), hasLeft: found.boolean(row, 4))
                drain.changedAt = found.real(row, 5)
                drain.incarnation = found.integer(row, 6).map { UInt64(bitPattern: Int64($0)) }
                return drain
            }
        }
    }

    private static let draining = Action("write down who drains", needs: "SELECT, INSERT, UPDATE and DELETE on drain_orders")

    // MARK: Sizes

    /// A pool's alphas that have PnL, and the dates of the region's table; nothing of the PnL itself is read.
    ///
    /// - Throws: `GridError(.notFound)` for an unknown region or pool, or one without PnL.
    package func panelSize(region: Region, pool name: String) throws(GridError) -> (alphaIDs: [String], dates: [Day]) {
        try PoolName.check(name)
        return try pool.read(Self.looking(at: name, region)) { connection in
            let table = RegionTables(region).pnl(unsubmitted: name == PoolName.unsubmitted)
            let members = try Self.poolAlphas(region, pool: name, connection)
            let alphas = try PanelPlan.withPnL(members, table: table, connection)
            guard !alphas.isEmpty else { throw PoolName.empty(name, of: region, hasAlphas: !members.isEmpty) }
            let isSmall = try PanelPlan.isSmall(alphas.count, region: region, pool: name, connection)
            let dates =
                try isSmall
                ? PanelPlan.dates(of: table, alphas: alphas, connection) : PanelPlan.dates(of: table, connection)
            return (alphas, dates)
        }
    }

    /// From when to when a sample of a pool's alphas have PnL, and how much of it, from a day on.
    ///
    /// - Parameters:
    ///   - ids: the pool's alphas.
    ///   - dates: those of the panel, ascending.
    ///   - first: index of the first that counts.
    package func spans(
        region: Region, pool name: String, of ids: [String], dates: [Day], from first: Int
    ) throws(GridError) -> [SeriesSpan] {
        try pool.read(Self.looking(at: name, region)) { connection in
            let table = RegionTables(region).pnl(unsubmitted: name == PoolName.unsubmitted)
            let found = try connection.execute(
                """
                SELECT min(date) - DATE '1970-01-01', max(date) - DATE '1970-01-01', count(*)
                FROM \(quoted(identifier: table))
                WHERE alpha_id = ANY ($1::varchar[]) AND date >= DATE '1970-01-01' + \(dates[first].rawValue)
                GROUP BY alpha_id
                """, [.texts(SeriesSpan.sample(of: ids.count, dayCount: dates.count - first).map { ids[$0] })])
            let indices = Dictionary(uniqueKeysWithValues: dates.enumerated().map { (Int($1.rawValue), $0) })
            return (0..<found.rowCount).compactMap { row in
                // Of what was imported in between, some dates may be unknown.
                guard let begin = found.integer(row, 0).flatMap({ indices[$0] }),
                    let end = found.integer(row, 1).flatMap({ indices[$0] }), let count = found.integer(row, 2)
                else { return nil }
                return SeriesSpan(first: begin, last: end, count: count)
            }
        }
    }

    private static func looking(at name: String, _ region: Region) -> Action {
        Action("look at pool '\(name)' of \(region)", needs: "SELECT on the tables of region \(region)")
    }
}
