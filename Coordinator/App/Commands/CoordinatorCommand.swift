import API
import ArgumentParser
import ClusterModel
import Foundation
import Logging
import Logs
import Messaging
import Panel
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
            The token that requests must show is in the file 'token' of the state folder, unless ALPHAGRID_TOKEN or \
            ALPHAGRID_TOKEN_FILE is set; 'alphagrid tokens' makes others with a role each. ALPHAGRID_LOG is trace, debug, info, \
            warning or error; ALPHAGRID_LOG_FORMAT stands for --log-format.

            Examples:
              alphagrid coordinator --database postgresql://quant@db/alphagrid
              alphagrid coordinator --http 0.0.0.0:8710 --tls-cert grid.pem --tls-key grid.key
              alphagrid coordinator --database service=alphagrid --bind tcp://127.0.0.1:5710 --http 127.0.0.1:8710
              alphagrid keys init && alphagrid coordinator --database service=alphagrid --bind 'tcp://*:5710' --block-port 5711
            """)

    @Option(help: ArgumentHelp("Database, without a password (default: $ALPHAGRID_DATABASE).", valueName: "url"))
    var database: String?

    @Option(help: ArgumentHelp("Where workers connect; port 0 takes a free one.", valueName: "tcp://host:port"))
    var bind = "tcp://127.0.0.1:5710"

    @Option(help: ArgumentHelp("Where workers fetch blocks, at the host of --bind; port 0 takes a free one.", valueName: "port"))
    var blockPort: UInt16 = 0

    @Option(help: ArgumentHelp("Where the HTTP interface listens; port 0 takes a free one.", valueName: "host:port"))
    var http = "127.0.0.1:8710"

    @Option(
        help: ArgumentHelp(
            "Address at which others reach the HTTP interface, for whoever asks one that does not lead (default: that of --http, "
                + "with this machine's name for '*').", valueName: "url"))
    var advertiseHttp: String?

    @OptionGroup var door: DoorOptions

    @OptionGroup var state: StateOptions

    @Option(
        help: ArgumentHelp(
            "Folder with the keys that workers have to show (default: 'keys' in the state folder, if there is one).",
            valueName: "dir"))
    var keys: String?

    @Option(
        help: ArgumentHelp(
            "Where the work of running jobs is kept, so that a coordinator that starts again need not repeat it; a folder that a "
                + "standby on another host sees too serves both, which otherwise goes on from the little that the database "
                + "holds (default: jobs in the state folder).",
            valueName: "dir"))
    var jobLogs: String?

    @Option(
        help: ArgumentHelp(
            "Folder with the chart library of the page at / (default: where Scripts/setup or a package puts it).",
            valueName: "dir"))
    var assets: String?

    @OptionGroup var housekeeping: HousekeepingOptions

    @Flag(help: "Wait until the coordinator that holds the database's lease has left or shows no sign of life, then take over.")
    var standby = false

    @OptionGroup var log: LogOptions

    @Flag(
        help: ArgumentHelp(
            "Listen on addresses that other machines reach although no keys keep strangers out, and take over from a coordinator "
                + "with other keys than one's own."))
    var insecure = false

    func run() async throws {
        let kept = try housekeeping.checked()
        let workersAddress = try ListenAddress(parsing: bind, flag: "--bind", scheme: "tcp://")
        let httpAddress = try ListenAddress(parsing: http, flag: "--http")
        let advertised = try advertiseHttp.map { text throws(GridError) in
            try Settings.baseURL(text, source: "--advertise-http").absoluteString
        }
        let keyFolder = KeyStore.folder(flag: keys, state: state.resolved())
        if let keys, let keyFolder, !keyFolder.exists {
            throw GridError(
                .notFound,
                "the folder \(FileSystem.name(keys)) of --keys is not there: make it with "
                    + "'alphagrid keys init --keys \(FileSystem.name(keys))'")
        }
        try workersAddress.expectSafe(flag: "--bind", insecure: insecure, hasKeys: keyFolder?.exists ?? false)
        if door.certificateFile == nil {
            try httpAddress.expectSafe(flag: "--http", insecure: insecure, protection: "no --tls-cert is given")
        }
        guard database != nil || Settings.current.environment["ALPHAGRID_DATABASE"] != nil else {
            throw GridError(.usage, "no database is named: use --database URL or ALPHAGRID_DATABASE")
        }
        let databaseURL = try Settings.current.database(flag: database, stateFlag: state.directory)
        let folder = try StateDirectory(state.resolved())
        guard let lock = try await Blocking.run({ () throws(GridError) in try Self.lock(folder.path) }) else {
            throw Self.alreadyRuns(in: folder.path)
        }
        defer { lock.release() }
        let (token, tokenFile) = try Settings.current.coordinatorToken(state: folder)
        let ring = LogRing()
        let logger = try log.logger("alphagrid", ring: ring)
        let certificate = try door.certificate(logger: logger)
        let jwt = try await door.jwt()
        let strangers = try door.strangers()
        signal(SIGPIPE, SIG_IGN)

        var configuration = CoordinatorConfiguration(
            databaseURL: databaseURL, bind: bind, blockPort: blockPort, panelDirectory: "\(folder.path)/panels")
        configuration.keys = try keyFolder.map { folder throws(GridError) in
            try folder.serverKeys { logger.error("\($0)") }
        }
        configuration.trustsNetwork = insecure
        configuration.jobLogDirectory = jobLogs ?? "\(folder.path)/jobs"
        configuration.isStandby = standby
        // One that cannot be read is written anew.
        if let past = try? ConnectionFile.read(in: folder.path), let epoch = past.epoch {
            configuration.endedReign = EndedReign(processID: past.processID, epoch: Epoch(epoch))
        }
        configuration.webhookTransport = { try await WebhookClient.post($0) }
        kept.apply(to: &configuration)
        let service = try CoordinatorService(configuration: configuration, log: logger)
        let reign = Reign()
        let statePath = folder.path
        let settings = facts(folder.path, database: databaseURL, keys: configuration.keys != nil, token: tokenFile)
        let access = AccessSettings(token: token, records: service, jwt: jwt, strangersPerSecond: strangers)
        let scheme = certificate == nil ? "http" : "https"
        let server = try APIServer(
            control: service, access: access, metrics: service.metrics,
            support: {
                var view = SupportView(settings: settings, host: .present(folder: statePath), logLines: ring.recent)
                (view.schemaVersion, view.schemaVersionNeeded) = await service.schemaVersions()
                return view
            },
            certificate: certificate, assets: AssetsFolder.find(flag: assets, state: folder.path), host: httpAddress.bindHost,
            port: httpAddress.port, logger: logger
        ) { port in
            // Only now: one that cannot serve must not take the database over from one that does.
            let url =
                advertised
                ?? httpAddress.advertisedURL(port: port, scheme: scheme, machine: ProcessInfo.processInfo.hostName)
            let standing = ConnectionFile(
                url: httpAddress.reachableURL(port: port, scheme: scheme), tokenFile: tokenFile, database: databaseURL,
                endpoint: bind, processID: getpid())
            let lead: @Sendable () async throws -> Void = {
                try await Self.start(service, reign, http: url)
                var file = standing
                (file.endpoint, file.epoch) = (service.endpoint, service.epoch.rawValue)
                try file.write(in: folder.path)
                StandardOutput.announce("coordinator ready: \(file.url), workers connect to \(file.endpoint)")
                // A log that a file or a service keeps is no place for what opens the page.
                if StandardError.isTerminal { OpenCommand.tell(access.signInLink(file.url)) }
            }
            guard standby else { return try await lead() }
            try await Blocking.run { try service.expectUsable(probesPort: true) }
            // Commands in this folder hear from it who leads.
            try standing.write(in: folder.path)
            reign.awaits(Task { try await Self.standBy(service, http: url, lead: lead) })
        }
        let outcome = await Self.serve(server, reign, logger)
        service.stopWaiting()
        await reign.waiting?.value
        try await Blocking.run { service.stop() }
        if let file = try ConnectionFile.read(in: folder.path), file.processID == getpid() { file.remove(in: folder.path) }
        if let error = reign.end { throw error }
        try outcome.get()
    }

    /// Returns when this coordinator leads, or was stopped before.
    private static func standBy(
        _ service: CoordinatorService, http: String, lead: @Sendable () async throws -> Void
    ) async throws {
        let isFree = try await Blocking.run { try service.waitForLease(http: http) }
        if isFree { try await lead() }
    }

    /// How this coordinator's time begins, when it stands by, and ends.
    private final class Reign: Sendable {
        private struct State {
            var group: ServiceGroup?
            var waiting: Task<Void, Never>?
            var end: (any Error)?
        }
        private let state = Mutex(State())

        var end: (any Error)? { state.withLock { $0.end } }
        var waiting: Task<Void, Never>? { state.withLock { $0.waiting } }

        func begins(with group: ServiceGroup) { state.withLock { $0.group = group } }

        func awaits(_ task: Task<Void, any Error>) {
            let waiting = Task {
                do { try await task.value } catch { ends(error) }
            }
            state.withLock { $0.waiting = waiting }
        }

        func ends(_ error: any Error) {
            let group = state.withLock { state in
                state.end = state.end ?? error
                return state.group
            }
            Task { await group?.triggerGracefulShutdown() }
        }
    }

    /// A process that was just killed takes a moment to let go. Blocks.
    private static func lock(_ state: String) throws(GridError) -> FileLock? {
        for _ in 0..<20 {
            if let lock = try FileLock.take("\(state)/coordinator.lock") { return lock }
            usleep(100_000)
        }
        return nil
    }

    private static func alreadyRuns(in state: String) -> GridError {
        GridError(
            .conflict,
            "a coordinator already runs on \(state) (\(FileLock.holder("\(state)/coordinator.lock"))): stop it first, or choose "
                + "another folder with --state")
    }

    /// - Throws: `GridError(.conflict)` when a coordinator works in this state folder.
    static func expectNone(in state: String) throws(GridError) {
        guard let lock = try lock(state) else { throw alreadyRuns(in: state) }
        lock.release()
    }

    /// Takes the database over and binds the workers' sockets.
    private static func start(_ service: CoordinatorService, _ reign: Reign, http: String) async throws {
        let started = Started()
        try await withGracefulShutdownHandler {
            try await Blocking.run { try service.start(http: http) { reign.ends($0) } }
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
    private static func serve(_ server: APIServer, _ reign: Reign, _ logger: Logger) async -> Result<Void, any Error> {
        let group = ServiceGroup(
            configuration: .init(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        reign.begins(with: group)
        do {
            return .success(try await group.run())
        } catch {
            return .failure(error)
        }
    }

    /// Flags as they were understood; whether there is a secret, never what it is.
    private func facts(_ state: String, database: String, keys: Bool, token: String?) -> [String: String] {
        var facts = [
            "database": database, "bind": bind, "http": http, "state": state, "standby": "\(standby)", "insecure": "\(insecure)",
            "keys": "\(keys)", "token_file": token ?? "(environment)", "tls": "\(door.certificateFile != nil)",
            "jwt_hs256": "\(door.jwtSecretFile != nil)", "jwt_es256": "\(door.jwtKeyFile != nil)",
        ]
        facts["job_logs"] = jobLogs
        facts["log_format"] = log.logFormat
        facts["log_level"] = ProcessInfo.processInfo.environment["ALPHAGRID_LOG"]
        return facts
    }
}
