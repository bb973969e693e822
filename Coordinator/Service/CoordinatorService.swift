import ClusterModel
import Dispatch
import Logging
import Messaging
import Scheduling
import Store
import Synchronization
import WorkerRuntime

package struct CoordinatorConfiguration: Sendable {
    package var databaseURL: String
    /// Where workers connect, `tcp://HOST:PORT`; port 0 takes a free one.
    package var bind: String
    /// TCP port of the block socket on the same host; 0 takes a free one.
    package var blockPort: UInt16
    /// Folder where panels are kept, so that the next load reads only what has changed; nil keeps none.
    package var panelDirectory: String?
    package init(databaseURL: String, bind: String, blockPort: UInt16 = 0, panelDirectory: String? = nil) {
        self.databaseURL = databaseURL
        self.bind = bind
        self.blockPort = blockPort
        self.panelDirectory = panelDirectory
    }
}

/// The coordinator: owns the sockets' threads, the jobs and the way to the database.
///
/// The scheduler decides on the control thread; every job works on a thread of its own; this type is what the HTTP
/// interface asks, from any thread.
package final class CoordinatorService: Sendable {
    struct Shared: Sendable {
        var epoch = Epoch(0)
        var jobs: [JobID: ActiveJob] = [:]
        var admission = JobAdmission()
        var snapshot = GridSnapshot()
        var isDatabaseReachable = true
        var lastError: String?
        var isStopping = false
        var control: ControlSocket?
        var blockServer: SocketLoop<BlockServer>?
    }

    let configuration: CoordinatorConfiguration
    let store: Store
    /// The one of this coordinator: whoever needs a region's panel loads it through this.
    let panels: PanelCache?
    let log: Logger
    let drivers = JobDrivers()
    let blocks = BlockRegistry()
    /// What went out of the block socket, and what workers were to fetch from each other.
    let blockTally = BlockTally()
    let shared = Mutex(Shared())
    /// Calls from the HTTP interface that wait for the database run here, not on Swift's cooperative pool.
    let waitingCalls = DispatchQueue(label: "alphagrid.calls", attributes: .concurrent)
    /// Questions about single alphas have threads and panels of their own.
    let questions = PoolCheckQueue()
    let residents: ResidentPanels
    private let startedAt = MonotonicTime.now()

    /// - Throws: `GridError(.usage)` for a database URL or an endpoint that is not valid; connects to nothing.
    package init(configuration: CoordinatorConfiguration, log: Logger) throws(GridError) {
        self.configuration = configuration
        self.log = log
        store = try Store(url: configuration.databaseURL)
        panels = configuration.panelDirectory.map { directory in
            PanelCache(directory: directory) { log.warning("\($0)") }
        }
        residents = ResidentPanels(store: store, cache: panels)
        _ = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
    }

    /// Takes over as the coordinator of the database, binds the sockets and goes on with the jobs that were not
    /// finished. Returns when workers can connect. Blocks.
    package func start() throws(GridError) {
        try store.ping()
        let endpoint = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
        let blockServer = try startBlockServer(at: endpoint.with(port: configuration.blockPort))
        // Few, and none of them vital: what the directory of blocks does not know costs bytes, not results.
        let tellBlocks: @Sendable (BlockServer.Command) -> Void = { blockServer.post($0) }
        let control = try ControlSocket(
            endpoint: endpoint, drivers: drivers, log: log, tellBlocks: tellBlocks
        ) { [weak self] snapshot in self?.published(snapshot) }
        // Last, since it ends the reign of another coordinator: nothing may stop this one any more.
        let epoch = try store.takeEpoch(holder: "\(HostIdentity.name) process \(HostIdentity.processID)")
        control.post(
            .begin(
                Scheduler(epoch: epoch, configuration: SchedulerConfiguration(blockPort: blockServer.endpoint.port))))
        shared.withLock {
            $0.epoch = epoch
            $0.control = control
            $0.blockServer = blockServer
        }
        log.info("coordinator ready", metadata: ["bind": "\(control.endpoint)", "epoch": "\(epoch.rawValue)"])
        try resumeUnfinishedJobs()
    }

    /// Where workers can connect, with the real port.
    package var endpoint: String { shared.withLock { $0.control?.endpoint.description ?? configuration.bind } }

    /// Lets go of the workers, which keep what they have for the next coordinator; jobs that are not finished go on
    /// when one starts. Blocks until the sockets are closed.
    package func stop() {
        let (control, blockServer, jobs) = shared.withLock { shared in
            shared.isStopping = true
            defer { shared.control = nil }
            return (shared.control, shared.blockServer, shared.jobs.values.sorted { $0.id < $1.id })
        }
        for job in jobs { drivers[job.id]?.stop() }
        // A job in the middle of publishing ends its transaction; the others have nothing to lose.
        for job in jobs { job.queue.sync {} }
        control?.stop()
        blockServer?.stop()
        blockServer?.join()
        residents.removeAll()
        panels?.waitForWrites()
    }

    /// Blocks have a socket and a thread of their own, so that megabytes never delay a lease.
    private func startBlockServer(at endpoint: Endpoint) throws(GridError) -> SocketLoop<BlockServer> {
        var options = SocketOptions()
        // Requests are a few dozen bytes.
        options.frameBytesMax = Limits.headerBytesMax
        options.commandsMax = Limits.workersMax
        let (blocks, tally, log) = (blocks, blockTally, log)
        return try SocketLoop(name: "blocks", .router(bind: endpoint), options: options) { _ in
            BlockServer(logger: log, sharesWork: true, tally: tally) { blocks.payload($0) }
        }
    }

    func forgetBlocks(_ hashes: [BlockHash]) {
        if !hashes.isEmpty { shared.withLock { $0.blockServer }?.post(.forget(hashes)) }
    }

    /// On the thread of the control socket, a few times a second.
    private func published(_ snapshot: GridSnapshot) {
        let jobs = shared.withLock { shared in
            shared.snapshot = snapshot
            return shared.jobs
        }
        let now = MonotonicTime.now()
        for id in drivers.ids {
            guard let job = jobs[id], let stage = snapshot.stages[id], let driver = drivers[id] else { continue }
            job.record(driver: driver.progress, stage: stage, now: now)
        }
    }

    func post(_ event: SchedulerEvent) {
        shared.withLock { $0.control }?.post(.event(event))
    }

    var epoch: Epoch { shared.withLock { $0.epoch } }

    var uptimeSeconds: Double { MonotonicTime.now().seconds(since: startedAt) }

    /// Runs a use of the database and remembers whether it answered.
    func usingDatabase<R>(_ body: () throws(GridError) -> R) throws(GridError) -> R {
        do {
            let result = try body()
            shared.withLock { $0.isDatabaseReachable = true }
            return result
        } catch {
            shared.withLock {
                $0.isDatabaseReachable = error.kind != .unreachable
                // What a caller got wrong is the caller's to know, not the operator's.
                if error.kind == .unreachable || error.kind == .failed { $0.lastError = error.message }
            }
            throw error
        }
    }
}
