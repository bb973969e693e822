import ClusterModel
import Foundation

extension Store {
    /// Records a change before it is made; what cannot be recorded is not done.
    ///
    /// - Returns: Number of the row, for `finishAudit`.
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over.
    package func beginAudit(_ entry: AuditEntry, epoch: Epoch) throws(GridError) -> Int64 {
        try pool.write(Self.auditing) { connection in
            try Self.hold(epoch, connection)
            return try Self.add(entry, connection)
        }
    }

    package func finishAudit(_ row: Int64, status: Int, subject: String?) throws(GridError) {
        try pool.write(Self.auditing) { connection in
            _ = try connection.execute(
                "UPDATE audit_log SET status = $2, subject = coalesce($3, subject) WHERE audit_id = $1",
                [.integer(row), .integer(Int64(status)), .optional(subject)])
        }
    }

    /// Without a look at the epoch: that a request was refused is true whoever is in charge.
    package func recordRefusals(_ entries: [AuditEntry]) throws(GridError) {
        try pool.write(Self.auditing) { connection in
            for entry in entries { _ = try Self.add(entry, connection) }
        }
    }

    /// The newest first, at most `Limits.auditRowsListedMax`.
    package func auditRows(limit: Int, _ filter: AuditFilter = AuditFilter()) throws(GridError) -> [AuditView] {
        try pool.read(Action("read the audit log", needs: "SELECT on audit_log")) { connection in
            let found = try connection.execute(
                """
                SELECT audit_id, \(Self.isoSeconds("happened_at")), actor, role, action, method, path, region, subject, status,
                    peer, detail
                FROM audit_log
                WHERE ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3)
                    AND ($4::float8 IS NULL OR happened_at >= to_timestamp($4))
                    AND ($5::bigint IS NULL OR audit_id < $5)
                ORDER BY audit_id DESC LIMIT $1
                """,
                [
                    .integer(Int64(max(0, min(limit, Limits.auditRowsListedMax)))), .optional(filter.actor),
                    .optional(filter.action), .optional(filter.since), .optional(filter.before.map { Int($0) }),
                ])
            return try (0..<found.rowCount).map { row in
                AuditView(
                    auditID: Int64(found.integer(row, 0) ?? 0), happenedAt: found.text(row, 1) ?? "",
                    actor: found.text(row, 2) ?? "", role: found.text(row, 3), action: found.text(row, 4) ?? "",
                    method: found.text(row, 5), path: found.text(row, 6), region: found.text(row, 7),
                    subject: found.text(row, 8), status: found.integer(row, 9), peer: found.text(row, 10),
                    detail: try found.text(row, 11).map { try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) })
            }
        }
    }

    /// What rows of the audit log say was done, by name; a look at all of them.
    package func auditActions() throws(GridError) -> [String] {
        try pool.read(Action("read the audit log", needs: "SELECT on audit_log")) { connection in
            let found = try connection.execute("SELECT DISTINCT action FROM audit_log ORDER BY action LIMIT 100")
            return (0..<found.rowCount).compactMap { found.text($0, 0) }
        }
    }

    private static let auditing = Action("write the audit log", needs: "INSERT, UPDATE and DELETE on audit_log")

    private static func add(_ entry: AuditEntry, _ connection: Connection) throws -> Int64 {
        let detail = entry.unrecorded > 0 ? try json(["unrecorded": entry.unrecorded]) : nil
        let added = try connection.execute(
            """
            INSERT INTO audit_log (actor, role, action, method, path, subject, status, peer, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb) RETURNING audit_id
            """,
            [
                .text(entry.actor ?? ""), .optional(entry.role?.rawValue), .text(entry.action), .text(entry.method),
                .text(entry.path), .optional(entry.subject), .optional(entry.status), .text(entry.peer), .optional(detail),
            ])
        let row = Int64(added.integer(0, 0) ?? 0)
        try forgetOldAudit(newest: row, connection)
        return row
    }

    /// Takes a few of the oldest rows that need not be kept any more. Their age decides and not their number alone, lest somebody
    /// wash out what he did by doing much.
    static func forgetOldAudit(newest: Int64, _ connection: Connection) throws {
        try connection.execute(
            """
            DELETE FROM audit_log
            WHERE audit_id IN (SELECT audit_id FROM audit_log WHERE audit_id <= $1 ORDER BY audit_id LIMIT $3)
                AND (audit_id <= $2 OR happened_at < clock_timestamp() - interval '\(Limits.auditDaysKept) days')
            """,
            [
                .integer(newest - Int64(Limits.auditRowsKept)), .integer(newest - Int64(Limits.auditRowsMax)),
                .integer(Int64(Limits.auditRowsForgottenAtOnce)),
            ])
    }
}
