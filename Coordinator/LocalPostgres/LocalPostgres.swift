import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A private PostgreSQL server of one folder: made on first use, reachable only through a unix socket in a folder
/// that nobody but its user and root can enter, which is why it asks for no password.
///
/// Calls block: use a thread that may. Starts and stops of one folder wait for each other, also between processes.
package struct LocalPostgres: Sendable {
    package enum Durability: Sendable {
        /// A committed transaction survives a power cut.
        case full
        /// Several times as fast; survives a killed server, but not a crash of the machine. For tests.
        case fast
    }

    /// Name of the role and of the database.
    package static let roleName = "alphagrid"
    package static let databaseName = "alphagrid"

    let directory: String
    let durability: Durability
    private static let startSecondsMax = 120
    private static let stopSecondsMax = 60

    /// - Parameter directory: the state folder; the server lives in its subfolder `postgres`, or, when this process
    ///   is root and the server's user cannot enter the state folder, in a folder of `/var/lib/alphagrid` that
    ///   `postgres.location` in the state folder names. Made when missing, with mode 0711.
    package init(directory: String, durability: Durability = .full) {
        self.directory = URL(fileURLWithPath: directory).standardizedFileURL.path
        self.durability = durability
    }

    /// Makes the cluster when it is not there yet, starts it unless it runs, and makes the database.
    ///
    /// - Parameter ended: The server that ran here before and has ended, when others still know it by its URL: the new
    ///   one gets the same.
    /// - Throws: `GridError(.failed)` in one sentence, with the server's own last words.
    package func start(insteadOf ended: RunningPostgres? = nil) throws(GridError) -> RunningPostgres {
        let lock = try StateLock(directory: directory)
        defer { lock.release() }
        let home = try ServerHome.findOrMake(in: directory)
        if let running = try probe(home) { return running }
        home.clearStaleLocks()
        let installation = try PostgresInstallation.find(major: home.dataMajorVersion)
        if home.dataMajorVersion == nil { try initialise(home, installation) }

        let socket = try home.makeSocketDirectory(again: ended?.socketDirectory)
        try home.write(ServerSettings.text(socketDirectory: socket, durability: durability), to: "data/alphagrid.conf")
        try home.rotateLog()
        let outcome = try Command(
            arguments: [
                "\(installation.binDirectory)/pg_ctl", "start", "-w", "-s", "-t", "\(Self.startSecondsMax)",
                "-D", home.data, "-l", home.log,
            ], account: home.account
        ).run()
        guard outcome.status == 0 else {
            throw GridError(
                .failed, "PostgreSQL did not start in \(home.path): \(home.lastLogLine() ?? outcome.output.lastLine)")
        }
        guard var running = try probe(home) else {
            throw GridError(.failed, "PostgreSQL started in \(home.path) but does not answer; its log is \(home.log)")
        }
        running.wasRunning = false
        try createDatabase(Self.databaseName, on: running)
        return running
    }

    /// The server if it runs and answers; nil otherwise.
    package func running() throws(GridError) -> RunningPostgres? {
        guard let home = try ServerHome.find(in: directory) else { return nil }
        return try probe(home)
    }

    /// Ends connections and the server, and waits until it is gone; nothing to do when it does not run.
    package func stop() throws(GridError) {
        guard let home = try ServerHome.find(in: directory), let major = home.dataMajorVersion else { return }
        let lock = try StateLock(directory: directory)
        defer { lock.release() }
        home.clearStaleLocks()
        let socket = home.postmaster()?.socketDirectory
        let program = "\(try PostgresInstallation.find(major: major).binDirectory)/pg_ctl"
        let status = try Command(arguments: [program, "status", "-D", home.data], account: home.account).run()
        if status.status == 0 {
            // "fast" rolls open transactions back; "immediate" is the last resort, and recovery repairs it.
            for mode in ["fast", "immediate"] {
                let outcome = try Command(
                    arguments: [program, "stop", "-w", "-s", "-t", "\(Self.stopSecondsMax)", "-m", mode, "-D", home.data],
                    account: home.account
                ).run()
                if outcome.status == 0 { break }
                if mode == "immediate" {
                    throw GridError(.failed, "PostgreSQL in \(home.path) did not stop: \(outcome.output.lastLine)")
                }
            }
        }
        if let socket { home.removeSocketDirectory(socket) }
    }

    /// Stops the server and deletes its data.
    package func remove() throws(GridError) {
        try stop()
        guard let home = try ServerHome.find(in: directory) else { return }
        do {
            try FileManager.default.removeItem(atPath: home.path)
            try? FileManager.default.removeItem(atPath: ServerHome.pointerPath(in: directory))
        } catch {
            throw GridError(.failed, "cannot delete \(home.path): \(error.localizedDescription)")
        }
    }

    /// Makes an empty database unless it is there; tests use one each.
    ///
    /// - Parameter name: lowercase letters, digits and `_`, beginning with a letter.
    package func createDatabase(_ name: String, on running: RunningPostgres) throws(GridError) {
        guard name.wholeMatch(of: /[a-z][a-z0-9_]{0,62}/) != nil else {
            throw GridError(.usage, "database name '\(name.printable)' is not valid: expected lowercase letters, digits and _")
        }
        let psql = "\(try PostgresInstallation.find(major: nil).binDirectory)/psql"
        func ask(_ sql: String) throws(GridError) -> Command.Outcome {
            let url = running.url(database: "postgres")
            return try Command(arguments: [psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d", url]).run()
        }
        let present = try ask("SELECT 1 FROM pg_database WHERE datname = '\(name)'")
        if present.status == 0, present.output.lastLine == "1" { return }
        let made = try ask("CREATE DATABASE \"\(name)\"")
        guard made.status == 0 else {
            throw GridError(.failed, "cannot make database \(name) in \(directory): \(made.output.lastLine)")
        }
    }

    private func initialise(_ home: ServerHome, _ installation: PostgresInstallation) throws(GridError) {
        // What an initdb that was killed left behind is worthless: PG_VERSION, its last file, is missing.
        try? FileManager.default.removeItem(atPath: home.data)
        let sync = durability == .fast ? ["--no-sync"] : []
        let outcome = try Command(
            arguments: [
                "\(installation.binDirectory)/initdb", "-D", home.data, "-U", Self.roleName, "-E", "UTF8", "--locale=C",
                "--auth-local=trust", "--auth-host=reject",
            ] + sync, account: home.account
        ).run()
        guard outcome.status == 0 else {
            throw GridError(.failed, "initdb failed in \(home.path): \(outcome.output.reason)")
        }
        try home.write("local all all trust\n", to: "data/pg_hba.conf")
        try home.write("include 'alphagrid.conf'\n", to: "data/postgresql.conf")
    }

    private func probe(_ home: ServerHome) throws(GridError) -> RunningPostgres? {
        guard let postmaster = home.postmaster() else { return nil }
        let ready = "\(try PostgresInstallation.find(major: nil).binDirectory)/pg_isready"
        let outcome = try Command(
            arguments: [ready, "-q", "-t", "5", "-h", postmaster.socketDirectory, "-p", "\(RunningPostgres.port)"]
        ).run()
        guard outcome.status == 0 else { return nil }
        return RunningPostgres(
            socketDirectory: postmaster.socketDirectory, processID: postmaster.processID, log: home.log,
            wasRunning: true)
    }
}

/// A private server that answers.
package struct RunningPostgres: Equatable, Sendable {
    /// Only part of the socket's name: the server listens on no TCP port.
    static let port = 5432

    package var socketDirectory: String
    package var processID: Int32
    /// File of what the server says.
    package var log: String
    /// Whether `start` found it running.
    package var wasRunning: Bool

    /// What libpq, `psql` and `--database` take; it holds no password because there is none.
    package var url: String { url(database: LocalPostgres.databaseName) }

    package func url(database: String, role: String = LocalPostgres.roleName) -> String {
        let host = socketDirectory.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? socketDirectory
        return "postgresql:///\(database)?host=\(host)&port=\(Self.port)&user=\(role)"
    }
}

extension String {
    /// The first line that tells of an error, since others may tell what was tidied up after it; else the last.
    var reason: String {
        split(separator: "\n").first { $0.contains("error:") || $0.contains("fatal:") }.map(String.init) ?? lastLine
    }

    /// The last line that says something.
    var lastLine: String {
        split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? "no output"
    }
}
