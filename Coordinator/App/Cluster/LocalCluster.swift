import API
import ClusterModel
import Foundation
import LocalPostgres
import Messaging
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A whole cluster on this machine: a private PostgreSQL, a coordinator and workers as processes of their own.
///
/// Starting and stopping block; endings of processes arrive as events, from any thread.
@MainActor
final class LocalCluster {
    struct Configuration {
        var state: StateDirectory
        var workers: Int
        var slotsPerWorker: Int
        /// `--memory` of the workers, as they take it; nil leaves it to them.
        var workerMemory: String?
        /// `tcp://HOST:PORT` and `HOST:PORT` of the coordinator.
        var bind: String
        var http: String
        /// Further flags of the coordinator.
        var housekeeping: [String] = []
        var environment: [String: String]
    }

    enum Role: Hashable, Sendable, CustomStringConvertible {
        case coordinator
        /// Counted from 1.
        case worker(Int)

        var description: String {
            switch self {
            case .coordinator: ClusterGuard.coordinatorRole
            case .worker(let number): "worker-\(number)"
            }
        }
    }

    enum Event: Sendable {
        case ended(Role, ChildProcess.Ending, ProcessIdentity)
        case restart(Role)
        case databaseEnded(ProcessIdentity)
        case restartDatabase
        case stop
    }

    let configuration: Configuration
    private let lock: FileLock
    let database: ClusterDatabase
    private let coordinatorProgram: String
    private let workerProgram: String
    private let report: @Sendable (Event) -> Void

    private var guardian: ChildProcess?
    private var guardPipe: Int32 = -1
    /// In the order of their start, and only those that were not seen to end.
    private var children: [(role: Role, process: ChildProcess)] = []
    private var policies: [(role: Role, policy: RestartPolicy)] = []
    private(set) var connection: ConnectionFile?
    /// Key file of the workers, where the state folder has keys.
    private var workerKey: String?

    private static let coordinatorReadySeconds = 60.0
    private static let coordinatorRestartsMax = 5

    /// - Throws: `GridError(.conflict)` when a cluster runs on the state folder already.
    init(_ configuration: Configuration, report: @escaping @Sendable (Event) -> Void) throws(GridError) {
        self.configuration = configuration
        self.report = report
        coordinatorProgram = try Executable.own()
        workerProgram = try Executable.beside("alphagrid-worker")
        let path = configuration.state.path
        guard let lock = try FileLock.take("\(path)/up.lock") else {
            let url = try ConnectionFile.read(in: path).map { " at \($0.url)" } ?? ""
            throw GridError(
                .conflict,
                "a cluster already runs on \(path)\(url) (\(FileLock.holder("\(path)/up.lock"))): stop it first, or choose "
                    + "another folder with --state")
        }
        // Before anything is made in a folder that somebody else works in.
        try CoordinatorCommand.expectNone(in: path)
        self.lock = lock
        database = ClusterDatabase(directory: path) { report(.databaseEnded($0)) }
    }

    // MARK: Start

    func startGuard() throws(GridError) {
        try makeLogFolder()
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw GridError(.failed, "cannot make a pipe: \(systemMessage(errno))")
        }
        defer { close(ends[0]) }
        guardPipe = ends[1]
        guardian = try ChildProcess(
            .init(
                arguments: [coordinatorProgram, "guard", "--state", configuration.state.path],
                environment: configuration.environment, log: log("guard"), input: ends[0], inherited: [lock.descriptor])
        ) { _, _ in }
    }

    func startCoordinator() throws(GridError) {
        workerKey = try KeyStore.folder(flag: nil, state: configuration.state.path).map { folder throws(GridError) in
            try KeyStore(folder: folder).localWorkerFile()
        }
        try start(.coordinator)
    }

    /// Waits until the coordinator has said where it listens.
    ///
    /// - Parameter cancelled: Asked all the while.
    func awaitCoordinator(cancelled: () -> Bool) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(Self.coordinatorReadySeconds))
        while let process = child(.coordinator), !process.hasEnded {
            let file = try ConnectionFile.read(in: configuration.state.path)
            if let file, file.processID == process.identity.processID {
                connection = file
                return
            }
            if cancelled() { throw CancellationError() }
            if ContinuousClock.now > deadline { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let process = child(.coordinator)
        guard let ending = process?.ending else {
            throw GridError(
                .failed,
                "the coordinator did not start within \(Int(Self.coordinatorReadySeconds)) seconds, log in \(log("coordinator"))")
        }
        throw GridError(.failed, "the coordinator did not start: \(story(of: .coordinator, ending))")
    }

    func startWorkers() throws(GridError) {
        for number in 1...configuration.workers { try start(.worker(number)) }
    }

    private func start(_ role: Role) throws(GridError) {
        let report = report
        rotateLog("\(role)")
        let process = try ChildProcess(
            .init(arguments: arguments(of: role), environment: childEnvironment, log: log("\(role)"), input: nil)
        ) { identity, ending in
            report(.ended(role, ending, identity))
        }
        children.append((role, process))
        say(.runs("\(role)", process.identity))
        if let index = policies.firstIndex(where: { $0.role == role }) {
            policies[index].policy.started(at: .now())
        } else {
            let attempts = role == .coordinator ? Self.coordinatorRestartsMax : nil
            policies.append((role, RestartPolicy(attemptsMax: attempts, startedAt: .now())))
        }
    }

    private func arguments(of role: Role) -> [String] {
        switch role {
        case .coordinator:
            // After the first start it keeps its ports, since workers and connection file know them.
            var bind = configuration.bind
            var http = configuration.http
            if let connection, let url = URLComponents(string: connection.url), let host = url.host, let port = url.port {
                bind = connection.endpoint
                http = "\(host):\(port)"
            }
            return [
                coordinatorProgram, "coordinator", "--database", database.url, "--bind", bind, "--http", http,
                "--state", configuration.state.path,
            ] + configuration.housekeeping
        case .worker:
            var words = [
                workerProgram, "--connect", connection?.endpoint ?? "", "--slots", "\(configuration.slotsPerWorker)",
            ]
            if let memory = configuration.workerMemory { words += ["--memory", memory] }
            if let workerKey { words += ["--key", workerKey] }
            return words
        }
    }

    /// The cluster has its own address and token, whatever the shell is set to.
    private var childEnvironment: [String: String] {
        let foreign = [
            "ALPHAGRID_URL", "ALPHAGRID_TOKEN", "ALPHAGRID_TOKEN_FILE", "ALPHAGRID_DATABASE", "ALPHAGRID_STATE",
            "ALPHAGRID_WORKER_KEY",
        ]
        return configuration.environment.filter { !foreign.contains($0.key) }
    }

    /// Whether every worker has ended, so that waiting for one is in vain.
    var hasNoWorkers: Bool { children.allSatisfy { $0.role == .coordinator || $0.process.hasEnded } }

    // MARK: Endings

    /// - Returns: false when the process is not one of the running ones, such as after `stop`.
    func forget(_ identity: ProcessIdentity) -> Bool {
        let count = children.count
        children.removeAll { $0.process.identity == identity }
        return children.count < count
    }

    /// - Returns: Milliseconds after which to start it again; nil when that makes no sense any more.
    func restartDelay(_ role: Role) -> Int64? {
        guard let index = policies.firstIndex(where: { $0.role == role }) else { return nil }
        return policies[index].policy.ended(at: .now())
    }

    func restart(_ role: Role) throws(GridError) { try start(role) }

    /// Stops workers, coordinator and database, in this order. Blocks.
    ///
    /// - Parameter isUrgent: Asked all the while; once true, processes are not given time to end by themselves.
    func stop(isUrgent: () -> Bool) {
        ClusterGuard.end(children.map { ("\($0.role)", $0.process.identity) }, isUrgent: isUrgent)
        children = []
        do {
            try database.stop()
        } catch {
            StandardError.writeLine("error: \(error)")
        }
        connection?.remove(in: configuration.state.path)
        say(.farewell)
        if guardPipe >= 0 { close(guardPipe) }
        guardPipe = -1
        if let guardian { ProcessIdentity.wait(for: [guardian.identity], seconds: 5) }
        lock.release()
    }

    // MARK: Pieces

    /// How a process ended, what it complained about, and where its log is.
    func story(of role: Role, _ ending: ChildProcess.Ending) -> String {
        let text = (try? String(contentsOfFile: log("\(role)"), encoding: .utf8)) ?? ""
        // Whom a signal has ended could not say why: its last line is about something else.
        let complaint = ending.exitCode == nil ? nil : LogText.complaint(text)
        return "\(ending)\(complaint.map { " (\($0))" } ?? ""), log in \(log("\(role)"))"
    }

    /// Of a worker that has ended, or where the logs of all are.
    func storyOfWorkers() -> String {
        for (role, process) in children where role != .coordinator {
            if let ending = process.ending { return "\(role) ended: \(story(of: role, ending))" }
        }
        return "their logs are in \(configuration.state.path)/logs"
    }

    private func child(_ role: Role) -> ChildProcess? { children.last { $0.role == role }?.process }

    private func say(_ line: ClusterGuard.Line) {
        guard guardPipe >= 0 else { return }
        var text = line.text
        _ = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: guardPipe) }
    }

    private func log(_ name: String) -> String { "\(configuration.state.path)/logs/\(name).log" }

    private func makeLogFolder() throws(GridError) {
        let path = "\(configuration.state.path)/logs"
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw GridError(.failed, "cannot make \(path): \(systemMessage(errno))")
        }
    }

    /// Keeps at most the present log and one before it.
    private func rotateLog(_ name: String) {
        guard let facts = FileFacts(of: log(name)), facts.bytes > Limits.logBytesMax else { return }
        rename(log(name), "\(log(name)).old")
    }
}
