import API
import ArgumentParser
import ClusterModel
import Foundation
import Store
import WorkerRuntime

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a whole cluster on this machine, with its own private PostgreSQL.",
        discussion: """
            Runs until Ctrl-C, then stops workers, coordinator and database. The data stays in the state folder; the \
            commands in other terminals find the cluster there by themselves.

            Examples:
              alphagrid up
              alphagrid up --workers 4 --state /data/alphagrid
              alphagrid db import pnl.csv --region USA        (in another terminal)
              alphagrid run correlation --region USA --wait
            """)

    @Option(help: "Worker processes (default: 2, on a single core 1).")
    var workers: Int?

    @Option(help: "Tasks each worker computes at once (default: the cores shared among the workers).")
    var slots: Int?

    @Option(help: ArgumentHelp("Memory each worker may use for blocks.", valueName: "bytes"))
    var memory: String?

    @Option(help: ArgumentHelp("Where the HTTP interface listens; port 0 takes a free one.", valueName: "host:port"))
    var http = "127.0.0.1:0"

    @Option(help: ArgumentHelp("Where workers connect; port 0 takes a free one.", valueName: "tcp://host:port"))
    var bind = "tcp://127.0.0.1:0"

    @OptionGroup var housekeeping: HousekeepingOptions

    @OptionGroup var state: StateOptions

    static let workersMax = 256
    /// Looks for connected workers, 50 ms apart: a minute.
    private static let workersLooksMax = 1_200

    @MainActor func run() async throws {
        let configuration = try configuration()
        // A child or reader that is gone must not take the cluster with it.
        signal(SIGPIPE, SIG_IGN)
        let (events, continuation) = AsyncStream.makeStream(of: LocalCluster.Event.self)
        let stops = StopSignals { continuation.yield(.stop) }
        let cluster = try LocalCluster(configuration) { continuation.yield($0) }
        do {
            try await start(cluster, stops)
            try await supervise(cluster, events, continuation)
        } catch is CancellationError {
            // Asked to stop while starting.
        } catch {
            cluster.stop(isUrgent: { stops.isUrgent })
            throw error
        }
        StandardError.writeLine("stopping")
        cluster.stop(isUrgent: { stops.isUrgent })
    }

    func configuration() throws(GridError) -> LocalCluster.Configuration {
        let housekeeping = try housekeeping.arguments()
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let workers = workers ?? min(2, cores)
        guard (1...Self.workersMax).contains(workers) else {
            throw GridError(.usage, "--workers \(workers) is not valid: expected a number from 1 to \(Self.workersMax)")
        }
        let slots = slots ?? max(1, cores / workers)
        guard (1...Limits.slotsMax).contains(slots) else {
            throw GridError(
                .usage, "--slots \(slots) is not valid: expected a number from 1 to \(Limits.slotsMax)")
        }
        if let memory { _ = try WorkerSettings.memoryBytes(parsing: memory) }
        // On this machine alone: 'alphagrid coordinator' is for several.
        try ListenAddress(parsing: http, flag: "--http").expectSafe(flag: "--http", insecure: nil)
        try ListenAddress(parsing: bind, flag: "--bind", scheme: "tcp://").expectSafe(flag: "--bind", insecure: nil)
        return LocalCluster.Configuration(
            state: try StateDirectory(state.resolved()), workers: workers, slotsPerWorker: slots, workerMemory: memory,
            bind: bind, http: http, housekeeping: housekeeping, environment: ProcessInfo.processInfo.environment)
    }

    // MARK: Start

    @MainActor private func start(_ cluster: LocalCluster, _ stops: StopSignals) async throws {
        try cluster.startGuard()
        StandardError.writeLine("starting PostgreSQL")
        try cluster.database.start()
        try Self.expectWanted(stops)
        try Store(url: cluster.database.url).migrate()
        StandardError.writeLine("starting the coordinator and \(Quantity.counted(cluster.configuration.workers, "worker"))")
        try cluster.startCoordinator()
        try await cluster.awaitCoordinator { stops.isRequested }
        try cluster.startWorkers()
        let connected = try await awaitWorkers(cluster, stops)
        guard let connection = cluster.connection else { return }
        StandardOutput.announce("AlphaGrid is up: \(connection.url), \(Quantity.counted(connected, "worker"))")
        if StandardError.isTerminal, let code = try? await Self.client(connection)?.makeSignInCode() {
            OpenCommand.tell(SignInCode.link(connection.url, code: code.code))
        }
        let folder = cluster.configuration.state.path
        let isDefault = folder == "\(Settings.current.home)/.alphagrid"
        let flag = isDefault ? "" : " --state \(folder)"
        StandardError.write(
            """
            state and logs are in \(folder)
            in another terminal:
              alphagrid db import FILE --region USA\(flag)
              alphagrid run correlation --region USA --wait\(flag)
              alphagrid status --watch\(flag)
              alphagrid open\(flag)
              psql '\(connection.database)'
            Ctrl-C stops the cluster

            """)
    }

    /// Waits until all workers have said hello; a cluster without any is none, one with fewer is said.
    ///
    /// - Returns: How many there are.
    @MainActor private func awaitWorkers(_ cluster: LocalCluster, _ stops: StopSignals) async throws -> Int {
        guard let connection = cluster.connection, let client = try Self.client(connection) else { return 0 }
        let wanted = cluster.configuration.workers
        var connected = 0
        // A number of looks instead of a deadline: the optimiser of Swift 6.3 crashes on a clock kept across these awaits.
        for _ in 0..<Self.workersLooksMax where connected < wanted && !cluster.hasNoWorkers {
            try Self.expectWanted(stops)
            try await Self.pause()
            connected = try await Self.countConnected(client)
        }
        if connected == 0 {
            throw GridError(.failed, "no worker has connected: \(cluster.storyOfWorkers())")
        }
        if connected < wanted {
            StandardError.writeLine(
                "warning: only \(connected) of \(wanted) workers have connected; their logs are in "
                    + "\(cluster.configuration.state.path)/logs")
        }
        return connected
    }

    private static func client(_ connection: ConnectionFile) throws(GridError) -> GridClient? {
        guard let tokenFile = connection.tokenFile else { return nil }
        return try GridClient(
            base: try Settings.baseURL(connection.url, source: "the connection file"), token: try TokenFile.read(tokenFile))
    }

    private static func pause() async throws {
        try await Task.sleep(nanoseconds: 50_000_000)
    }

    private static func countConnected(_ client: GridClient) async throws -> Int {
        try await client.workers().filter { $0.state == "connected" }.count
    }

    private static func expectWanted(_ stops: StopSignals) throws {
        if stops.isRequested { throw CancellationError() }
    }

    // MARK: Running

    /// Returns when somebody wants the cluster to stop.
    @MainActor private func supervise(
        _ cluster: LocalCluster, _ events: AsyncStream<LocalCluster.Event>,
        _ continuation: AsyncStream<LocalCluster.Event>.Continuation
    ) async throws {
        for await event in events {
            switch event {
            case .stop: return
            case .restart(let role): try cluster.restart(role)
            case .ended(let role, let ending, let identity):
                guard cluster.forget(identity) else { continue }
                if ending.isOrderly {
                    if role == .coordinator { return StandardError.writeLine("\(role) has left") }
                    Self.replace(role, identity, cluster, continuation)
                    continue
                }
                let story = cluster.story(of: role, ending)
                guard let delay = cluster.restartDelay(role) else {
                    throw GridError(.failed, "\(role) keeps ending: \(story)")
                }
                Self.announce("\(role) ended: \(story)", .restart(role), after: delay, continuation)
            case .databaseEnded(let identity):
                guard cluster.database.forget(identity) else { continue }
                guard let delay = cluster.database.restartDelay() else {
                    throw GridError(.failed, "PostgreSQL keeps ending, log in \(cluster.database.log)")
                }
                Self.announce("PostgreSQL ended, log in \(cluster.database.log)", .restartDatabase, after: delay, continuation)
            case .restartDatabase:
                do throws(GridError) {
                    try cluster.database.start()
                    StandardError.writeLine("PostgreSQL runs again")
                } catch {
                    guard let delay = cluster.database.restartDelay() else { throw error }
                    Self.announce(error.message, .restartDatabase, after: delay, continuation)
                }
            }
        }
    }

    /// A worker has left in order: because somebody drained it, and then nothing takes its place until it is undrained, or
    /// because somebody told its process to end, and then it starts again.
    @MainActor private static func replace(
        _ role: LocalCluster.Role, _ identity: ProcessIdentity, _ cluster: LocalCluster,
        _ continuation: AsyncStream<LocalCluster.Event>.Continuation
    ) {
        let delay = cluster.restartDelay(role) ?? RestartPolicy.delayMilliseconds
        guard let connection = cluster.connection, let tokenFile = connection.tokenFile,
            let url = try? Settings.baseURL(connection.url, source: "the connection file"),
            let token = try? TokenFile.read(tokenFile),
            let client = try? GridClient(base: url, token: token)
        else { return announce("\(role) has left", .restart(role), after: delay, continuation) }
        Task {
            // The coordinator lists it as drained a moment after its farewell.
            try await Task.sleep(for: .milliseconds(max(delay, drainedAfterMilliseconds)))
            var isSaid = false
            while let name = try await nameIfDrained(identity, client) {
                if !isSaid {
                    StandardError.writeLine(
                        "\(role) was drained and has left; 'alphagrid workers undrain \(name)' starts it again".singleLine)
                }
                isSaid = true
                try await Task.sleep(for: .milliseconds(drainedLookMilliseconds))
            }
            StandardError.writeLine(isSaid ? "\(role) was undrained; starting it again" : "\(role) has left; starting it again")
            continuation.yield(.restart(role))
        }
    }

    private static let drainedAfterMilliseconds: Int64 = 1_000
    private static let drainedLookMilliseconds = 1_000

    /// The worker's name if an operator has drained it; a coordinator that does not answer is asked again.
    private static func nameIfDrained(_ identity: ProcessIdentity, _ client: GridClient) async throws -> String? {
        while true {
            do {
                return try await client.workers().first { $0.processID == identity.processID && $0.state == "drained" }?.worker
            } catch let error as GridError where error.kind == .unreachable {
                try await Task.sleep(for: .milliseconds(drainedLookMilliseconds))
            }
        }
    }

    /// Says what has ended, and has it started again in a while.
    private static func announce(
        _ what: String, _ next: LocalCluster.Event, after milliseconds: Int64,
        _ continuation: AsyncStream<LocalCluster.Event>.Continuation
    ) {
        let seconds = Quantity.fixed(Double(milliseconds) / 1_000, digits: 1)
        StandardError.writeLine("\(what); starting it again in \(seconds) s")
        Task {
            try await Task.sleep(for: .milliseconds(milliseconds))
            continuation.yield(next)
        }
    }
}
