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
    /// What keeps strangers out of both sockets; nil for anybody.
    package var keys: ServerKeys?
    /// Without keys: whether workers elsewhere are believed where they serve blocks.
    package var trustsNetwork = false
    /// Folder where merged partials of running jobs are kept for the next coordinator; nil keeps none.
    package var jobLogDirectory: String?
    package var jobLogMilliseconds = Limits.partialLogMilliseconds
    package var leaseRenewMilliseconds = Limits.leaseRenewMilliseconds
    package var leaseStaleMilliseconds = Limits.leaseStaleMilliseconds
    /// Takes over only when the coordinator that holds the lease shows no sign of life.
    package var isStandby = false
    /// Told of every step, on the thread that makes it; tests end the coordinator there.
    package var reached: @Sendable (CoordinatorStep) -> Void = { _ in }
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
        /// As they ended, oldest first; at most `Limits.jobsEndedLatelyMax`.
        var ended: [JobView] = []
        var isDatabaseReachable = true
        var lastError: String?
        var isStopping = false
        var whenSuperseded: @Sendable (GridError) -> Void = { _ in }
        var leaseKeeper: LeaseKeeper?
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
    let tileMaps = TileMaps()
    private let standbyPause = StoppablePause()
    private let startedAt = MonotonicTime.now()

    /// - Throws: `GridError(.usage)` for a database URL or an endpoint that is not valid; connects to nothing.
    package init(configuration: CoordinatorConfiguration, log: Logger) throws(GridError) {
        self.configuration = configuration
        self.log = log
        let reached = configuration.reached
        store = try Store(url: configuration.databaseURL) { reached(.publishWritten) }
        panels = configuration.panelDirectory.map { directory in
            PanelCache(directory: directory) { log.warning("\($0)") }
        }
        residents = ResidentPanels(store: store, cache: panels)
        _ = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
    }

    /// Takes over as the coordinator of the database, binds the sockets and goes on with the jobs that were not
    /// finished. Returns when workers can connect. Blocks.
    ///
    /// - Parameter whenSuperseded: called at most once, on some thread, when another coordinator has taken over: this one
    ///   can write nothing any more, and should be stopped.
    package func start(whenSuperseded: @escaping @Sendable (GridError) -> Void = { _ in }) throws(GridError) {
        try store.ping()
        let endpoint = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
        let blockServer = try startBlockServer(at: endpoint.with(port: configuration.blockPort))
        // Few, and none of them vital: what the directory of blocks does not know costs bytes, not results.
        let tellBlocks: @Sendable (BlockServer.Command) -> Void = { blockServer.post($0) }
        let control = try ControlSocket(
            endpoint: endpoint, drivers: drivers, log: log, keys: configuration.keys,
            trustsNetwork: configuration.trustsNetwork, tellBlocks: tellBlocks, reached: configuration.reached
        ) { [weak self] snapshot in self?.published(snapshot) }
        if !configuration.isStandby, let lease = try? store.lease(), !lease.isFree {
            log.warning(
                "ending the reign of another coordinator, unless it is gone already; --standby would wait for it",
                metadata: ["from": "\(lease.holder.printable)", "epoch": "\(lease.epoch.rawValue)"])
        }
        // Last, since it ends the reign of another coordinator: nothing may stop this one any more.
        let epoch = try store.takeEpoch(
            holder: "\(HostIdentity.name) process \(HostIdentity.processID)", evicting: true)
        configuration.reached(.tookLease)
        let keeper = try LeaseKeeper(store, epoch, configuration, log) { [weak self] in self?.superseded($0) }
        control.post(
            .begin(
                Scheduler(epoch: epoch, configuration: SchedulerConfiguration(blockPort: blockServer.endpoint.port))))
        shared.withLock {
            $0.epoch = epoch
            $0.leaseKeeper = keeper
            $0.whenSuperseded = whenSuperseded
            $0.control = control
            $0.blockServer = blockServer
        }
        log.info(
            "coordinator ready",
            metadata: [
                "bind": "\(control.endpoint)", "epoch": "\(epoch.rawValue)",
                "keys": "\(configuration.keys == nil ? "none" : "required")",
            ])
        try resumeUnfinishedJobs()
    }

    /// Blocks until the coordinator that holds the lease has left or shows no sign of life.
    ///
    /// - Returns: false when this one was stopped before.
    package func waitForLease() throws(GridError) -> Bool {
        try store.ping()
        var watch = LeaseWatch()
        var saidHolder: String?
        while !shared.withLock({ $0.isStopping }) {
            do throws(GridError) {
                let lease = try store.lease()
                if lease.isFree || watch.isStale(lease, at: .now(), staleMilliseconds: configuration.leaseStaleMilliseconds) {
                    log.info("taking over", metadata: ["from": "\(lease.holder.printable)", "epoch": "\(lease.epoch.rawValue)"])
                    return true
                }
                if saidHolder != lease.holder { log.info("standing by", metadata: ["leader": "\(lease.holder.printable)"]) }
                saidHolder = lease.holder
            } catch {
                // Silence of the database says nothing about the coordinator.
                watch = LeaseWatch()
                log.warning("standing by; the lease cannot be read: \(error)")
            }
            _ = standbyPause.wait(milliseconds: configuration.leaseStaleMilliseconds / 10)
        }
        return false
    }

    /// Ends `waitForLease`.
    package func stopWaiting() {
        shared.withLock { $0.isStopping = true }
        standbyPause.stop()
    }

    /// Whether a write was refused because another coordinator has taken over; from then on this one begins nothing more.
    func isSuperseded(_ error: GridError) -> Bool {
        guard error.kind == .conflict, let lease = try? store.lease(), lease.epoch != epoch else { return false }
        superseded(error)
        return true
    }

    /// Another coordinator has taken over: nothing more is begun, and nothing that ends is recorded here.
    private func superseded(_ error: GridError) {
        let tell = shared.withLock { shared in
            guard !shared.isStopping else { return nil as (@Sendable (GridError) -> Void)? }
            shared.isStopping = true
            return shared.whenSuperseded
        }
        guard let tell else { return }
        log.error("stepping down: \(error)")
        tell(error)
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
        shared.withLock { $0.leaseKeeper }?.stop()
        for job in jobs { drivers[job.id]?.stop() }
        // A job in the middle of publishing ends its transaction; the others have nothing to lose.
        for job in jobs { job.queue.sync { drivers[job.id]?.flushLog() } }
        control?.stop()
        blockServer?.stop()
        blockServer?.join()
        residents.removeAll()
        panels?.waitForWrites()
        // What was not told yet the next coordinator finds out by itself.
        if epoch.rawValue > 0 { try? store.releaseLease(epoch) }
    }

    /// Blocks have a socket and a thread of their own, so that megabytes never delay a lease.
    private func startBlockServer(at endpoint: Endpoint) throws(GridError) -> SocketLoop<BlockServer> {
        var options = SocketOptions()
        // Requests are a few dozen bytes.
        options.frameBytesMax = Limits.headerBytesMax
        options.commandsMax = Limits.workersMax
        options.security = configuration.keys.map { .server($0) } ?? .none
        let (blocks, tally, log, isKeyed) = (blocks, blockTally, log, configuration.keys != nil)
        return try SocketLoop(name: "blocks", .router(bind: endpoint), options: options) { _ in
            BlockServer(logger: log, sharesWork: true, isKeyed: isKeyed, tally: tally) { blocks.payload($0) }
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
