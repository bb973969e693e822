import ClusterModel
import Dispatch
import Foundation

/// The PostgreSQL database behind a grid: regions, alphas, PnL, results, pools and jobs.
///
/// Calls block until the database has answered, so they belong on threads that may. Any thread may call, any number
/// at once: each call takes a connection of its own from a small pool. What a call writes is one transaction, done
/// whole or not at all. Every error is a `GridError` of one sentence; none holds a secret.
package final class Store: Sendable {
    let pool: ConnectionPool
    /// Panels being read at once.
    let loads = DispatchSemaphore(value: Limits.panelLoadsMax)
    /// What was read last of regions and their results.
    let regionsRead = SnapshotMemory<String, [RegionView]>(answersMax: 1)
    let pagesRead = SnapshotMemory<PageQuestion, ResultPage>(answersMax: Limits.pagesRememberedMax) {
        $0.rows.count <= Limits.pageRowsRememberedMax
    }
    /// When running jobs have read what they publish.
    package let readTimes = ReadTimes()
    /// Called in every publication when all is written and nothing committed.
    let publicationWritten: @Sendable () -> Void

    /// Checks the URL; connects to nothing.
    ///
    /// - Parameters:
    ///   - url: `postgresql://USER@HOST:PORT/NAME` or libpq's `key=value` pairs. Passwords come from
    ///     `PGPASSWORD`, `~/.pgpass` or a service file; one in the URL is refused.
    ///   - connectionsMax: Callers beyond so many wait for each other, and for nobody who uses another `Store`.
    ///   - statementMilliseconds: given to a statement that is no bulk work.
    ///   - committed: told how many seconds each commit took.
    package init(
        url: String, connectionsMax: Int = Limits.databaseConnectionsMax,
        statementMilliseconds: Int = Limits.databaseStatementMilliseconds,
        committed: @escaping @Sendable (Double) -> Void = { _ in },
        publicationWritten: @escaping @Sendable () -> Void = {}
    ) throws(GridError) {
        self.publicationWritten = publicationWritten
        pool = ConnectionPool(
            try DatabaseURL(url), connectionsMax: connectionsMax, statementMilliseconds: statementMilliseconds,
            committed: committed)
    }

    /// Asks the database whether it answers and has this program's tables.
    package func ping() throws(GridError) {
        try pool.read(Action("use the database", needs: "SELECT on schema_migrations")) { connection in
            let version = try Self.schemaVersion(connection)
            guard version == Migration.all.count else {
                throw GridError(
                    .conflict,
                    "the database at \(connection.place) has schema version \(version), but this program needs "
                        + "\(Migration.all.count): run 'alphagrid db init'")
            }
        }
    }

    // MARK: Audit log

    /// Adds a line to `audit_log` within the caller's transaction; old ones go (`forgetOldAudit`).
    ///
    /// - Parameter actor: nil for the role of the database that does it.
    static func audit(
        _ action: String, region: Region?, subject: String, detail: some Encodable, actor: String? = nil,
        _ connection: Connection
    ) throws {
        let added = try connection.execute(
            """
            INSERT INTO audit_log (action, region, subject, detail, actor)
            VALUES ($1, $2, $3, $4::jsonb, coalesce($5::text, session_user::text)) RETURNING audit_id
            """,
            [.text(action), .optional(region?.name), .text(subject), .text(try json(detail)), .optional(actor)])
        try forgetOldAudit(newest: Int64(added.integer(0, 0) ?? 0), connection)
    }

    /// JSON with sorted snake_case keys.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func fromJSON<T: Decodable>(_ text: String?, as type: T.Type) throws -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data((text ?? "").utf8))
    }

    /// The first few of many names, for a sentence: `A, B, C and 17 more`.
    static func list(_ names: [String]) -> String {
        let shown = names.prefix(5).map(\.printable).joined(separator: ", ")
        return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
    }
}
