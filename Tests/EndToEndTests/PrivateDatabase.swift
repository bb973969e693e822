import Foundation
import LocalPostgres
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One PostgreSQL server for all end-to-end tests of a run, with a database of its own for each who asks.
enum PrivateDatabase {
    private struct Server {
        var folder: ScratchFolder
        var postgres: LocalPostgres
        var running: RunningPostgres
        var databases = 0
    }

    private static let server = Mutex<Server?>(nil)

    /// - Returns: the address of a new, empty database.
    static func make() throws -> String {
        try server.withLock { server in
            if server == nil {
                let folder = try ScratchFolder()
                let postgres = LocalPostgres(directory: folder.path, durability: .fast)
                server = Server(folder: folder, postgres: postgres, running: try postgres.start())
                atexit { PrivateDatabase.stop() }
            }
            guard var present = server else { throw CancellationError() }
            present.databases += 1
            server = present
            let name = "e2e_\(present.databases)"
            try present.postgres.createDatabase(name, on: present.running)
            return present.running.url(database: name)
        }
    }

    /// The same database as another role, which has no rights in it but to connect.
    static func asStranger(_ url: String) -> String { url.replacingOccurrences(of: "user=alphagrid", with: "user=stranger") }

    static func stop() {
        server.withLock { server in
            try? server?.postgres.remove()
            server = nil
        }
    }

    /// Rows of a query as `psql` prints them as CSV; NULL is an empty field.
    static func rows(
        _ url: String, _ sql: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [[String]] {
        let installation = try #require(try PostgresInstallation.all().first, sourceLocation: sourceLocation)
        let output = try await succeed(
            installation.binDirectory + "/psql",
            ["-X", "-q", "-t", "--csv", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql], sourceLocation: sourceLocation)
        return CSVTable.records(output)
    }
}
