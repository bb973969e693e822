import CLibpq
import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How long a transaction may take and wait.
enum Patience {
    /// `Limits.databaseBriefLockMilliseconds` per statement, for displays.
    case brief
    /// `Limits.databaseStatementMilliseconds` per statement.
    case short
    /// `Limits.databaseBulkMilliseconds`, for work that grows with the data.
    case bulk
}

extension ConnectionPool {
    /// Runs `body` in a transaction that only reads; every statement sees the same snapshot.
    func read<R>(_ action: Action, patience: Patience = .short, _ body: (Connection) throws -> R) throws(GridError) -> R {
        try translating(action) {
            try repeatingOnFailure { connection in
                try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                try connection.setPatience(patience)
                let result = try body(connection)
                try connection.execute("COMMIT")
                return result
            }
        }
    }

    /// Runs one statement that only reads, and `body` with its rows. It sees one snapshot by itself: the beginning and end of a
    /// transaction would be two more ways to the server, which cost as much as a short answer.
    ///
    /// - Parameter isFrequent: whether the statement is one of a few texts that are asked again and again.
    func ask<R>(
        _ action: Action, _ sql: String, _ values: [SQLValue], isFrequent: Bool = false, _ body: (QueryResult) throws -> R
    ) throws(GridError) -> R {
        try translating(action) {
            try repeatingOnFailure { connection in
                try body(isFrequent ? connection.execute(prepared: sql, values) : connection.execute(sql, values))
            }
        }
    }

    /// Runs `body` in a transaction and commits it.
    ///
    /// `body` runs again from the start when another session got in the way or the connection broke, so it must do
    /// nothing but use the connection. A commit whose answer never came is asked after, by the mark that it leaves.
    ///
    /// - Parameter isMarked: false for what makes the tables, that of the marks among them: done again, it does nothing.
    func write<R>(
        _ action: Action, patience: Patience = .short, isMarked: Bool = true, _ body: (Connection) throws -> R
    ) throws(GridError) -> R {
        try translating(action) {
            try repeatingOnFailure { connection in
                try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                try connection.setPatience(patience)
                let result = try body(connection)
                let mark = isMarked ? try CommitMarks.leave(connection) : nil
                let asked = ContinuousClock.now
                do {
                    try connection.execute("COMMIT")
                    committed((ContinuousClock.now - asked) / .seconds(1))
                } catch let error as DatabaseError where error.isDisconnected {
                    // Nothing was written, or it was and is there: both are what the caller wants.
                    guard isMarked else { throw error }
                    guard let mark, try !wasCommitted(mark, after: error, action) else { return result }
                    throw error
                }
                return result
            }
        }
    }

    private func translating<R>(_ action: Action, _ body: () throws -> R) throws(GridError) -> R {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw error.gridError(action)
        } catch let error as GridError {
            throw error
        } catch {
            throw GridError(.failed, "cannot \(action.doing): \(error)")
        }
    }

    private func repeatingOnFailure<R>(_ body: (Connection) throws -> R) throws -> R {
        var attempt = 1
        while true {
            var begun = false
            do {
                return try withConnection { connection in
                    begun = true
                    do {
                        return try body(connection)
                    } catch {
                        connection.rollBack()
                        throw error
                    }
                }
            } catch let error as DatabaseError where attempt < Limits.databaseTransactionAttemptsMax {
                // A connection that broke is worth one more try, since the server may have been restarted; one that
                // could not even be made is not.
                guard error.isTransient || (error.isDisconnected && begun && attempt == 1) else { throw error }
                usleep(UInt32(attempt) * 20_000)
                attempt += 1
            }
        }
    }

    /// Asks other connections what became of a transaction whose commit was not answered.
    ///
    /// - Throws: `GridError(.unreachable)` when nobody can say within `Limits.databaseCommitDoubtSeconds`.
    private func wasCommitted(_ mark: Int64, after lost: DatabaseError, _ action: Action) throws -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(Limits.databaseCommitDoubtSeconds)
        repeat {
            if let connection = try? Connection.open(url), let isThere = try? CommitMarks.decide(mark, connection) {
                return isThere
            }
            usleep(200_000)
        } while clock.now < deadline
        throw GridError(
            .unreachable,
            "the connection to the database at \(lost.place) broke while it was asked to \(action.doing), and whether that "
                + "was done is unknown: repeating it does no harm")
    }
}

/// A row that each transaction adds last, so that it can be told later whether the transaction was committed.
///
/// PostgreSQL's own word, `pg_xact_status`, does not serve: a server that crashed gives the numbers of the transactions it has
/// lost to others, and then tells what became of those.
enum CommitMarks {
    static let table = """
        CREATE TABLE commit_marks (
            mark bigint PRIMARY KEY,
            is_commit boolean NOT NULL,
            made_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE INDEX idx_commit_marks_made_at ON commit_marks (made_at);
        """

    /// The oldest are removed by the way, in no more than a few rows, and none that somebody else is removing.
    private static let leaving = """
        WITH old AS (
            DELETE FROM commit_marks WHERE mark IN (
                SELECT mark FROM commit_marks WHERE made_at < now() - interval '\(Limits.commitMarkSeconds) s'
                ORDER BY made_at LIMIT 8 FOR UPDATE SKIP LOCKED)
        )
        INSERT INTO commit_marks (mark, is_commit) VALUES ($1, true)
        """

    /// Whoever asks puts a row of its own there first: that waits for a transaction that is still being committed, and one that
    /// comes later can't be committed any more.
    private static let deciding = """
        INSERT INTO commit_marks (mark, is_commit) VALUES ($1, false)
        ON CONFLICT (mark) DO UPDATE SET made_at = commit_marks.made_at RETURNING is_commit
        """

    /// - Returns: nil when the transaction has written nothing.
    static func leave(_ connection: Connection) throws(DatabaseError) -> Int64? {
        let isWritten = try connection.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL").boolean(0, 0)
        guard isWritten else { return nil }
        let mark = Int64.random(in: .min ... .max)
        _ = try connection.execute(prepared: leaving, [.integer(mark)])
        return mark
    }

    static func decide(_ mark: Int64, _ connection: Connection) throws(DatabaseError) -> Bool {
        try connection.execute(deciding, [.integer(mark)]).boolean(0, 0)
    }
}

extension Connection {
    func setPatience(_ patience: Patience) throws(DatabaseError) {
        switch patience {
        case .brief: try execute("SET LOCAL statement_timeout = \(Limits.databaseBriefLockMilliseconds)")
        case .short: break
        case .bulk:
            try execute(
                """
                SET LOCAL statement_timeout = \(Limits.databaseBulkMilliseconds); \
                SET LOCAL idle_in_transaction_session_timeout = \(Limits.databaseBulkMilliseconds); \
                SET LOCAL lock_timeout = \(Limits.databaseBulkLockMilliseconds); SET LOCAL work_mem = '64MB'
                """)
        }
    }

    /// For making and dropping tables: that may take long, but whoever waits for a lock makes everybody behind wait too.
    func setDefinitionPatience() throws(DatabaseError) {
        try setPatience(.bulk)
        try execute("SET LOCAL lock_timeout = \(Limits.databaseLockMilliseconds)")
    }

    /// Ends the transaction without its effects; a connection that cannot even do that is abandoned.
    func rollBack() {
        guard !isBroken, PQtransactionStatus(handle) != PQTRANS_IDLE else { return }
        do { try execute("ROLLBACK") } catch { abandon() }
    }

    /// Holds a lock on a name until the transaction ends. Names are hashed: two may share a lock, which only costs time.
    func lock(_ name: String) throws(DatabaseError) {
        try execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 5710))", [.text("alphagrid " + name)])
    }
}
