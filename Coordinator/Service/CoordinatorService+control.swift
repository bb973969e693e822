import ClusterModel
import Dispatch
import Logging
import Messaging
import Scheduling
import Store
import Synchronization

extension CoordinatorService: GridControl {
    package func status() async throws -> StatusView { statusView }

    var statusView: StatusView {
        let uptimeSeconds = uptimeSeconds
        return shared.withLock { shared in
            var view = StatusView(
                version: AlphaGrid.version, epoch: shared.epoch.rawValue, uptimeSeconds: uptimeSeconds,
                databaseReachable: shared.isDatabaseReachable, workersConnected: shared.snapshot.load.workersConnected,
                slotsTotal: shared.snapshot.load.slotsTotal, slotsBusy: shared.snapshot.load.slotsBusy,
                jobsQueued: shared.admission.waitingCount, jobsRunning: shared.admission.runningCount,
                tasksDoneTotal: shared.snapshot.counters.tasksMerged, lastError: shared.lastError)
            view.notes = notes(shared)
            view.leader = shared.leader
            view.standbys = shared.standbys
            return view
        }
    }

    package func ready() async throws {
        try await waiting(on: readinessCalls) { service throws(GridError) in
            guard service.shared.withLock({ $0.control != nil && !$0.isStopping }) else {
                throw GridError(.unreachable, "the coordinator is starting or stopping")
            }
            try service.usingDatabase { () throws(GridError) in try service.vital.ping() }
        }
    }

    package func submit(_ request: JobRequest) async throws -> JobView {
        try await waiting { service throws(GridError) in
            let region = try Region(request.region)
            return try service.usingDatabase { () throws(GridError) in
                let settings = try service.store.regionSettings(region)
                var view = try request.resolve(region: region, settings: settings, now: ActiveJob.timestamp())
                try service.requireAlphas(of: view, region)
                try service.reservePlace()
                defer { service.releasePlace() }
                view.jobID = try service.store.createJob(view, epoch: service.epoch)
                service.configuration.reached(.jobQueued)
                return service.enqueue(view).view
            }
        }
    }

    /// What cannot become a job is refused at once, not when somebody looks for the result.
    func requireAlphas(of view: JobView, _ region: Region) throws(GridError) {
        let pools = try store.pools(region)
        for (name, needed) in try JobKind(parsing: view.kind).alphasNeeded(pool: view.pool) {
            guard let pool = pools.first(where: { $0.pool == name }) else {
                throw PoolName.unknown(name, of: region)
            }
            guard pool.alphas > 0 else { throw PoolName.empty(name, of: region, hasAlphas: false) }
            guard pool.alphas >= needed else {
                throw GridError(
                    .conflict,
                    "\(view.kind) needs at least \(needed) alphas, pool '\(name)' of region \(region) has \(pool.alphas)")
            }
            try store.requirePnL(region, pool: name)
        }
    }

    package func jobs(_ request: JobsRequest) async throws -> [JobView] {
        try await waiting { service throws(GridError) in
            if let kind = request.kind { _ = try JobKind(parsing: kind) }
            let live = service.shared.withLock { $0.jobs.mapValues(\.view.state) }
            let rows = try service.usingDatabase { () throws(GridError) in
                let rows = try service.store.jobs(request, live: live)
                // Jobs of a region may outlive it; only a name that means nothing is a mistake.
                if rows.isEmpty, let name = request.region { try service.store.expectRegion(try Region(name)) }
                return rows
            }
            return rows.map { service.liveView(of: $0.jobID) ?? $0 }
        }
    }

    package func job(_ id: JobID) async throws -> JobView {
        if let view = liveView(of: id) { return view }
        return try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.job(id) }
        }
    }

    package func cancel(_ id: JobID, reason: String) async throws -> JobView {
        guard let job = shared.withLock({ $0.jobs[id] }) else {
            let stored = try await self.job(id)
            throw GridError(.conflict, "job \(id) is \(stored.state.rawValue) already")
        }
        try job.cancel(reason: reason)
        drivers[id]?.stop()
        post(.finish(id))
        // The job's own thread lets go of what it holds, and writes what was done, behind whatever it is doing now.
        job.queue.async { self.end(job, .cancelled, error: nil) }
        // That may take long; until then the row must not say that the job runs, or the next coordinator would take it up again.
        try? await waiting { service throws(GridError) in try service.save(job) }
        return job.view
    }

    package func workers() async throws -> [WorkerView] {
        shared.withLock { shared in
            let drained = shared.drains.drained()
            let present = shared.snapshot.workers.map { shared.drains.marked($0) }
            return (present + drained.filter { left in !present.contains { $0.worker == left.worker } })
                .sorted { $0.worker.utf8.lexicographicallyPrecedes($1.worker.utf8) }
        }
    }

    /// Reads what people look at, few at a time and over connections of their own.
    ///
    /// - Throws: `GridError(.unreachable)` when too many wait for that already.
    func reading<R: Sendable>(_ body: @escaping @Sendable (Store) throws(GridError) -> R) async throws -> R {
        try await pages.run { try self.usingDatabase { () throws(GridError) in try body(self.reader) } }
    }

    /// Runs a call that may block on a thread that may.
    ///
    /// - Parameter queue: for calls that must not overtake each other; nil for any thread.
    func waiting<R: Sendable>(
        on queue: DispatchQueue? = nil,
        _ body: @escaping @Sendable (CoordinatorService) throws(GridError) -> R
    ) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            (queue ?? waitingCalls).async {
                do throws(GridError) {
                    continuation.resume(returning: try body(self))
                } catch {
                    // Nothing is wrong with the request: it has come to the wrong coordinator.
                    let isElsewhere = self.isSuperseded(error)
                    continuation.resume(throwing: isElsewhere ? GridError(.unreachable, error.message) : error)
                }
            }
        }
    }
}
