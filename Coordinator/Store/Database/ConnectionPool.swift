import ClusterModel
import Dispatch
import Synchronization

/// At most so many connections at a time; those not in use are kept for the next caller.
///
/// A caller blocks until a connection is free, so it must not hold one while it asks for another.
final class ConnectionPool: Sendable {
    let url: DatabaseURL
    private let idle = Mutex<[Connection]>([])
    private let permits: DispatchSemaphore
    private let connectionsMax: Int
    private let statementMilliseconds: Int

    /// Told how many seconds each commit took.
    let committed: @Sendable (Double) -> Void

    /// - Parameter statementMilliseconds: What the server gives a statement that is no bulk work, and how long a caller waits
    ///   for a connection.
    init(
        _ url: DatabaseURL, connectionsMax: Int = Limits.databaseConnectionsMax,
        statementMilliseconds: Int = Limits.databaseStatementMilliseconds,
        committed: @escaping @Sendable (Double) -> Void = { _ in }
    ) {
        self.url = url
        self.connectionsMax = connectionsMax
        self.statementMilliseconds = statementMilliseconds
        permits = DispatchSemaphore(value: connectionsMax)
        self.committed = committed
    }

    /// Runs `body` with a connection of its own. Afterwards the connection must be outside any transaction, or it is
    /// closed.
    func withConnection<R>(_ body: (Connection) throws -> R) throws -> R {
        guard permits.wait(timeout: .now() + .milliseconds(statementMilliseconds)) == .success else {
            throw GridError(
                .unreachable,
                "all \(connectionsMax) connections to the database were busy for \(statementMilliseconds / 1_000) seconds")
        }
        defer { permits.signal() }
        let connection = try takeIdle() ?? Connection.open(url, statementMilliseconds: statementMilliseconds)
        defer { if connection.isHealthy { idle.withLock { $0.append(connection) } } }
        return try body(connection)
    }

    /// The most recently used connection that still works; those that do not are closed on the way.
    private func takeIdle() -> Connection? {
        while let candidate = idle.withLock({ $0.popLast() }) {
            if candidate.isHealthy { return candidate }
        }
        return nil
    }
}
