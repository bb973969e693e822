import API
import ArgumentParser
import ClusterModel
import Foundation
import Logging
import Service
import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Run the coordinator: it plans jobs, leases tasks to workers, merges and publishes.",
        discussion: """
            The token that requests must show is in the file 'token' of the state folder, unless ALPHAGRID_TOKEN or
            ALPHAGRID_TOKEN_FILE is set. ALPHAGRID_LOG is trace, debug, info, warning or error.

            Examples:
              alphagrid coordinator --database postgresql://quant@db/alphagrid
              alphagrid coordinator --database service=alphagrid --bind tcp://127.0.0.1:5710 --http 127.0.0.1:8710
            """)

    @Option(help: ArgumentHelp("Database, without a password (default: $ALPHAGRID_DATABASE).", valueName: "url"))
    var database: String?

    @Option(help: ArgumentHelp("Where workers connect; port 0 takes a free one.", valueName: "tcp://host:port"))
    var bind = "tcp://127.0.0.1:5710"

    @Option(help: ArgumentHelp("Where the HTTP interface listens; port 0 takes a free one.", valueName: "host:port"))
    var http = "127.0.0.1:8710"

    @OptionGroup var state: StateOptions

    @Flag(help: "Listen on addresses that other machines reach although no keys keep strangers out.")
    var insecure = false

    func run() async throws {
        let workersAddress = try ListenAddress(parsing: bind, flag: "--bind", scheme: "tcp://")
        let httpAddress = try ListenAddress(parsing: http, flag: "--http")
        try workersAddress.expectSafe(flag: "--bind", insecure: insecure)
        try httpAddress.expectSafe(flag: "--http", insecure: insecure)
        guard database != nil || Settings.current.environment["ALPHAGRID_DATABASE"] != nil else {
            throw GridError(.usage, "no database is named: use --database URL or ALPHAGRID_DATABASE")
        }
        let databaseURL = try Settings.current.database(flag: database, stateFlag: state.directory)
        let folder = try StateDirectory(state.resolved())
        let lockPath = "\(folder.path)/coordinator.lock"
        guard let lock = try FileLock.take(lockPath) else {
            throw GridError(
                .conflict,
                "a coordinator already runs on \(folder.path) (\(FileLock.holder(lockPath))): stop it first, or choose "
                    + "another folder with --state")
        }
        defer { lock.release() }
        let (token, tokenFile) = try Settings.current.coordinatorToken(state: folder)
        let logger = Self.makeLogger()
        signal(SIGPIPE, SIG_IGN)

        let service = try CoordinatorService(
            configuration: CoordinatorConfiguration(
                databaseURL: databaseURL, bind: bind, panelDirectory: "\(folder.path)/panels"), log: logger)
        let server = APIServer(
            control: service, token: token, host: httpAddress.bindHost, port: httpAddress.port, logger: logger
        ) { port in
            // Only now: one that cannot serve must not take the database over from one that does.
            try await Self.start(service)
            let file = ConnectionFile(
                url: httpAddress.reachableURL(port: port), tokenFile: tokenFile, database: databaseURL,
                endpoint: service.endpoint, processID: getpid())
            try file.write(in: folder.path)
            StandardOutput.announce("coordinator ready: \(file.url), workers connect to \(file.endpoint)")
        }
        let outcome = await Self.serve(server, logger)
        try await Blocking.run { service.stop() }
        if let file = try ConnectionFile.read(in: folder.path), file.processID == getpid() { file.remove(in: folder.path) }
        try outcome.get()
    }

    /// Takes the database over and binds the workers' sockets.
    private static func start(_ service: CoordinatorService) async throws {
        let started = Started()
        try await withGracefulShutdownHandler {
            try await Blocking.run { try service.start() }
            started.value.store(true, ordering: .releasing)
        } onGracefulShutdown: {
            // It may be waiting minutes for another writer to finish, and nothing has begun that would need an end.
            if !started.value.load(ordering: .acquiring) { _exit(1) }
        }
    }

    private final class Started: Sendable {
        let value = Atomic(false)
    }

    /// Serves until a signal asks to stop; open requests are answered first.
    private static func serve(_ server: APIServer, _ logger: Logger) async -> Result<Void, any Error> {
        let group = ServiceGroup(
            configuration: .init(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            return .success(try await group.run())
        } catch {
            return .failure(error)
        }
    }

    private static func makeLogger() -> Logger {
        var logger = Logger(label: "alphagrid", factory: { StreamLogHandler.standardError(label: $0) })
        let level = ProcessInfo.processInfo.environment["ALPHAGRID_LOG"] ?? ""
        logger.logLevel = Logger.Level(rawValue: level.lowercased()) ?? .info
        return logger
    }
}
