import ClusterModel
import Dispatch
import Logging
import GridMetrics
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
    /// Whether `--insecure` was typed: workers elsewhere are believed without keys where they serve blocks, and the lease is
    /// taken from a coordinator with other keys.
    package var trustsNetwork = false
    /// Folder where merged partials of running jobs are kept for the next coordinator; nil keeps none.
    package var jobLogDirectory: String?
    package var jobLogMilliseconds = Limits.partialLogMilliseconds
    package var leaseRenewMilliseconds = Limits.leaseRenewMilliseconds
    /// Between two looks for jobs that nobody is at.
    package var forgottenJobsMilliseconds: Int64 = 10_000
    package var databasePatienceMilliseconds = Limits.databasePatienceSeconds * 1_000
    package var leaseStaleMilliseconds = Limits.leaseStaleMilliseconds
    /// Takes over only when the coordinator that holds the lease shows no sign of life.
    package var isStandby = false
    /// The reign of the last coordinator of the same state folder, whose process has ended; nil where none is known.
    package var endedReign: EndedReign?
    /// Sends messages to webhooks; nil sends none.
    package var webhookTransport: WebhookTransport?
    /// Addresses that webhooks may have although they are not of the public internet.
    package var webhooksAllowed: [AddressRange] = []
    /// Ended jobs that are kept: so many, and none that ended longer ago than so many days.
    package var jobsKept = Limits.jobsKeptDefault
    package var jobDaysKept: Int?
    /// Of all files of kept panels and states.
    package var panelBytesMax = Limits.panelCacheBytesDefault
    /// Told of every step, on the thread that makes it; tests end the coordinator there.
    package var reached: @Sendable (CoordinatorStep) -> Void = { _ in }
    package init(databaseURL: String, bind: String, blockPort: UInt16 = 0, panelDirectory: String? = nil) {
        self.databaseURL = databaseURL
        self.bind = bind
        self.blockPort = blockPort
        self.panelDirectory = panelDirectory
    }
}

/// What a coordinator has left that ended without leaving its lease.
package struct EndedReign: Sendable {
    package var processID: Int32
    package var epoch: Epoch

    package init(processID: Int32, epoch: Epoch) {
        self.processID = processID
        self.epoch = epoch
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
        var drains = DrainOrders()
        var retention = RetentionLooks()
        /// Why nobody could be told of jobs that have ended, as it was said.
        var untoldReason: String?
        /// Where the next look for such jobs begins.
        var untoldAfter = JobID(0)
        /// Whose rows said at the last look that they have not ended, though nobody was at them.
        var forgottenJobs: Set<JobID> = []
        /// Jobs that were cancelled and whose rows do not say so.
        var cancelledUnrecorded: [JobID: JobView] = [:]
        var isDatabaseReachable = true
        var lastError: String?
        var isStopping = false
        /// Nil while this coordinator leads: from when it has taken up what there is until another one has the lease.
        var leaderElsewhere: LeaderView? = LeaderView(holder: "", epoch: 0)
        /// Whether it stood by while another one led.
        var hasWaited = false
        /// This one's own reign, and who waits for its end.
        var ledSince: MonotonicTime?
        var leader: LeaderView?
        var standbys: [StandbyView] = []
        /// When the database last saw a sign of life of this one.
        var leaseRenewedAt: MonotonicTime?
        var keys = KeysCompared()
        var whenSuperseded: @Sendable (GridError) -> Void = { _ in }
        var leaseKeeper: LeaseKeeper?
        var housekeeper: Housekeeper?
        /// Webhooks to which a message is being sent.
        var webhooksBusy: Set<Int64> = []
        var control: ControlSocket?
        var blockServer: SocketLoop<BlockServer>?
    }

    let configuration: CoordinatorConfiguration
    /// For jobs, and what people change.
    let store: Store
    /// For pages that people read: connections of their own, and little patience, so that nobody's pages keep others waiting.
    let reader: Store
    /// For the lease, the tokens, the audit log, readiness and keys: connections of their own, so that whatever readers and jobs
    /// do, this coordinator shows that it is alive, and who may give orders is let in.
    let vital: Store
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
    /// Tokens, the audit log, readiness and keys each have a thread, which takes one connection of `vital` at a time: none of
    /// them waits for another, nor for what else there is to do.
    let tokenCalls = DispatchQueue(label: "alphagrid.tokens")
    let auditCalls = DispatchQueue(label: "alphagrid.audit")
    let readinessCalls = DispatchQueue(label: "alphagrid.readiness")
    let keyRecords = DispatchQueue(label: "alphagrid.keys")
    /// What operators change of jobs is changed here, one after another.
    let termChanges = DispatchQueue(label: "alphagrid.terms")
    /// Questions about single alphas have threads and panels of their own.
    let questions: BoundedQueue
    /// So have pages of what the database holds.
    let pages = BoundedQueue.forPages()
    /// And large requests and answers, which are taken apart and written at the cost of a core each.
    let codings = BoundedQueue(
        "codings", of: "large requests and answers", atOnceMax: Limits.codingsAtOnceMax, waitingMax: Limits.codingsWaitingMax)
    let residents: ResidentPanels
    let tileMaps = TileMaps()
    /// What `/metrics` says; whoever else has something to count adds it here.
    package let metrics = MetricsRegistry()
    let recorded = RecordedMetrics()
    let standbyPause = StoppablePause()
    /// How this process calls itself in the database.
    let holder = HostIdentity.holder(processID: HostIdentity.processID)

    /// - Throws: `GridError(.usage)` for a database URL or an endpoint that is not valid; connects to nothing.
    package init(configuration: CoordinatorConfiguration, log: Logger) throws(GridError) {
        self.configuration = configuration
        self.log = log
        let (reached, recorded) = (configuration.reached, self.recorded)
        questions = BoundedQueue.forQuestions { recorded.checkSeconds.record($0) }
        let committed: @Sendable (Double) -> Void = { recorded.commitSeconds.record($0) }
        store = try Store(url: configuration.databaseURL, committed: committed) { reached(.publishWritten) }
        reader = try Store(
            url: configuration.databaseURL, connectionsMax: Limits.databasePageConnectionsMax,
            statementMilliseconds: Limits.databasePageMilliseconds)
        vital = try Store(
            url: configuration.databaseURL, connectionsMax: Limits.databaseVitalConnectionsMax, committed: committed)
        panels = configuration.panelDirectory.map { directory in
            PanelCache(directory: directory, bytesMax: configuration.panelBytesMax) { log.warning("\($0)") }
        }
        residents = ResidentPanels(store: store, cache: panels)
        _ = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
        metrics.add { [weak self] in self?.metricFamilies() ?? [] }
    }

    /// Takes over as the coordinator of the database, binds the sockets and goes on with the jobs that were not
    /// finished. Returns when workers can connect. Blocks.
    ///
    /// - Parameters:
    ///   - http: where others reach its HTTP interface, for those that ask another coordinator.
    ///   - whenSuperseded: called at most once, on some thread, when another coordinator has taken over: this one can write
    ///     nothing any more, and should be stopped.
    package func start(
        http: String? = nil, whenSuperseded: @escaping @Sendable (GridError) -> Void = { _ in }
    ) throws(GridError) {
        try expectUsable()
        let endpoint = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
        let blockServer = try startBlockServer(at: endpoint.with(port: configuration.blockPort))
        // Few, and none of them vital: what the directory of blocks does not know costs bytes, not results.
        let tellBlocks: @Sendable (BlockServer.Command) -> Void = { blockServer.post($0) }
        let control = try ControlSocket(
            endpoint: endpoint, drivers: drivers, log: log, keys: configuration.keys,
            trustsNetwork: configuration.trustsNetwork, tellBlocks: tellBlocks, metrics: recorded,
            reached: configuration.reached, isLeadDoubtful: { [weak self] now in self?.isLeadDoubtful(at: now) ?? false },
            drained: { [weak self] in self?.shared.withLock { $0.drains.drainedCount } ?? 0 },
            count: { [weak self] counters in self?.shared.withLock { $0.snapshot.counters = counters } }
        ) { [weak self] snapshot in self?.published(snapshot) }
        // Last, since it ends the reign of another coordinator: nothing may stop this one any more.
        let epoch = try takeLease(http)
        configuration.reached(.tookLease)
        let keeper = try LeaseKeeper(vital, epoch, configuration, log) { [weak self] in
            self?.shared.withLock { $0.leaseRenewedAt = .now() }
            self?.compareKeysSoon()
        } sawStandbys: { [weak self] standbys in
            self?.shared.withLock { $0.standbys = standbys }
        } superseded: { [weak self] error in
            self?.recorded.writesFenced.add()
            self?.superseded(error)
        }
        var scheduling = SchedulerConfiguration(blockPort: blockServer.endpoint.port)
        scheduling.verificationSalt = .random(in: .min ... .max)
        control.post(.begin(Scheduler(epoch: epoch, configuration: scheduling)))
        shared.withLock {
            $0.epoch = epoch
            $0.ledSince = .now()
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
        try restoreDrains()
        configuration.keys?.ring.observe { [weak self] in self?.compareKeysSoon() }
        compareKeysSoon()
        try resumeUnfinishedJobs()
        // Only now it is asked anything: a job that came before would be among the unfinished ones, too.
        shared.withLock { if !$0.isStopping { $0.leaderElsewhere = nil } }
        let housekeeper = try Housekeeper([
            (Self.scheduleMilliseconds, { @Sendable [weak self] in self?.runSchedules() }),
            (Self.messageMilliseconds, { @Sendable [weak self] in self?.sendMessages() }),
            (Self.retentionMilliseconds, { @Sendable [weak self] in self?.forgetOldJobs() }),
            (configuration.forgottenJobsMilliseconds, { @Sendable [weak self] in self?.takeUpForgottenJobs() }),
            (configuration.forgottenJobsMilliseconds, { @Sendable [weak self] in self?.tellForgottenEnds() }),
        ])
        shared.withLock { $0.housekeeper = housekeeper }
    }

    private static let scheduleMilliseconds: Int64 = 1_000
    private static let messageMilliseconds: Int64 = 500
    private static let retentionMilliseconds: Int64 = 20_000

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
        log.info("leaving", metadata: ["epoch": "\(epoch.rawValue)", "jobs_unfinished": "\(jobs.count)"])
        shared.withLock { $0.housekeeper }?.stop()
        for job in jobs { drivers[job.id]?.stop() }
        // A job in the middle of publishing ends its transaction; the others have nothing to lose.
        for job in jobs { job.queue.sync { drivers[job.id]?.flushLog() } }
        control?.stop()
        blockServer?.stop()
        blockServer?.join()
        residents.removeAll()
        panels?.waitForWrites()
        // As long as a job may publish, a standby that sees no sign of life would end its transaction.
        shared.withLock { $0.leaseKeeper }?.stop()
        // What was not told yet the next coordinator finds out by itself.
        if epoch.rawValue > 0 { try? vital.releaseLease(epoch) }
        log.info("left\(epoch.rawValue > 0 ? "; workers keep what they have for the next coordinator" : "")")
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
            BlockServer(
                logger: log, sharesWork: true, isKeyed: isKeyed, tally: tally, byteCount: { blocks.byteCount($0) },
                lookUp: { blocks.payload($0) })
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
        carryOutDrains(snapshot)
        let now = MonotonicTime.now()
        for id in drivers.ids {
            guard let job = jobs[id], let stage = snapshot.stages[id], let driver = drivers[id] else { continue }
            job.record(driver: driver.progress, stage: stage, now: now)
        }
    }

    func post(_ event: SchedulerEvent) {
        shared.withLock { $0.control }?.post(.event(event))
    }

    package var epoch: Epoch { shared.withLock { $0.epoch } }

    /// Since this coordinator leads.
    var uptimeSeconds: Double {
        shared.withLock { $0.ledSince }.map { MonotonicTime.now().seconds(since: $0) } ?? 0
    }

    /// Runs a use of the database and remembers whether it answered.
    func usingDatabase<R>(_ body: () throws(GridError) -> R) throws(GridError) -> R {
        do {
            let result = try body()
            shared.withLock { $0.isDatabaseReachable = true }
            return result
        } catch {
            if error.kind == .unreachable || error.kind == .failed { recorded.databaseErrors.add(1, [error.kind.rawValue]) }
            shared.withLock {
                $0.isDatabaseReachable = error.kind != .unreachable
                // What a caller got wrong is the caller's to know, not the operator's.
                if error.kind == .unreachable || error.kind == .failed { $0.lastError = error.message }
            }
            throw error
        }
    }
}
