import ClusterModel
import Dispatch
import Foundation
import Logging
import Messaging
import Scheduling
import Store
import Synchronization

// What operators do with jobs and workers.
extension CoordinatorService {
    // MARK: Jobs

    package func pause(_ id: JobID, reason: String) async throws -> JobView {
        try await change(id, JobTerms(paused: true, reason: reason.isEmpty ? nil : reason))
    }

    package func resume(_ id: JobID) async throws -> JobView {
        try await change(id, JobTerms(paused: false))
    }

    package func setPriority(_ id: JobID, _ priority: Int) async throws -> JobView {
        guard JobRequest.prioritiesAllowed.contains(priority) else {
            throw GridError(.usage, "priority \(priority) is not valid: expected a number from -1000 to 1000")
        }
        return try await change(id, JobTerms(priority: priority))
    }

    package func retry(_ id: JobID) async throws -> JobView {
        let view = try await job(id)
        guard view.state == .failed || view.state == .cancelled else {
            throw GridError(
                .conflict, "job \(id) is \(view.state.rawValue): only one that failed or was cancelled can be retried")
        }
        return try await submit(try JobRequest(like: view))
    }

    package func remove(_ id: JobID) async throws -> JobView {
        var view = try await job(id)
        try await awaitEnd(of: view)
        // Where rows of it are left.
        view.resultTable = try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.removeJob(id, epoch: service.epoch) }
        }
        return view
    }

    /// A job is cancelled at once, but its thread lets go of it only when it is through with what it was doing.
    ///
    /// - Throws: `GridError(.conflict)` that says what it does when that takes longer than anybody waits for an answer.
    func awaitEnd(of view: JobView, milliseconds: Int = Limits.removalPatienceMilliseconds) async throws {
        guard view.state.isFinal else { return }
        for _ in 0..<(milliseconds / Self.removalLookMilliseconds) {
            guard shared.withLock({ $0.jobs[view.jobID] }) != nil else { return }
            try await Task.sleep(nanoseconds: UInt64(Self.removalLookMilliseconds) * 1_000_000)
        }
        guard shared.withLock({ $0.jobs[view.jobID] }) != nil else { return }
        throw GridError(
            .conflict,
            "job \(view.jobID) is \(view.state.rawValue), and \(busyThread(of: view.jobID)): remove it when that is over")
    }

    /// What keeps a job that is over.
    func busyThread(of id: JobID) -> String {
        let doing = drivers[id]?.progress.local.map { " with \($0.name)" } ?? ""
        return "its thread in the coordinator is not yet through\(doing)"
    }

    private static let removalLookMilliseconds = 50

    /// First the database, so that it holds whatever happens to this coordinator, then the rest; one after another, so that the
    /// last word is the same everywhere.
    private func change(_ id: JobID, _ terms: JobTerms) async throws -> JobView {
        guard let job = shared.withLock({ $0.jobs[id] }) else {
            let stored = try await self.job(id)
            throw GridError(.conflict, "job \(id) is \(stored.state.rawValue) already")
        }
        return try await waiting(on: termChanges) { service throws(GridError) in
            let before = job.view
            if terms.paused == true, before.state == .publishing {
                throw GridError(.conflict, "job \(id) is being published and can no longer be paused")
            }
            if terms.paused == true, before.paused {
                let reason = before.reason.map { ": \($0.printable)" } ?? ""
                throw GridError(.conflict, "job \(id) is paused already\(reason)")
            }
            if terms.paused == false, !before.paused { throw GridError(.conflict, "job \(id) is not paused") }
            try service.usingDatabase { () throws(GridError) in
                try service.store.setTerms(id, terms, epoch: service.epoch)
            }
            job.update { view in
                if view.state.isFinal { return }
                if let priority = terms.priority { view.priority = priority }
                if let isPaused = terms.paused {
                    view.paused = isPaused
                    view.reason = terms.reason
                }
            }
            let now = job.terms
            service.shared.withLock { $0.admission.change(id, priority: now.priority, isPaused: now.isPaused) }
            service.tellTerms(of: job)
            // Once more behind a stage that is being handed over right now.
            job.queue.async { service.tellTerms(of: job) }
            service.admit()
            service.log.info(
                "job changed",
                metadata: [
                    "job": "\(id)", "priority": "\(now.priority)", "paused": "\(now.isPaused)",
                    "reason": "\((terms.reason ?? "").printable)",
                ])
            return service.liveView(of: id) ?? job.view
        }
    }

    private func tellTerms(of job: ActiveJob) {
        let terms = job.terms
        post(.setPriority(job.id, terms.priority))
        post(.setPaused(job.id, terms.isPaused))
    }

    // MARK: Workers

    package func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView {
        let (present, incarnation, drained) = shared.withLock { shared in
            (
                shared.snapshot.workers.first { $0.worker == worker.rawValue }, shared.snapshot.incarnations[worker],
                shared.drains.left(worker)
            )
        }
        guard var view = present else {
            if drained != nil {
                throw GridError(
                    .conflict, "worker \(worker) was drained and has left: 'alphagrid workers undrain \(worker)' takes it back")
            }
            throw GridError(.notFound, "there is no worker '\(worker.rawValue.printable)'")
        }
        let wall = order.deadlineSeconds.map { Date.now.timeIntervalSince1970 + Double($0) }
        let drain = Store.StoredDrain(
            worker: worker, processID: view.processID, incarnation: incarnation, reason: order.reason, deadline: wall)
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in
                try service.store.saveDrain(drain, epoch: service.epoch)
            }
        }
        let ordered = view
        shared.withLock { $0.drains.order(drain, ordered) }
        var metadata: Logger.Metadata = ["worker": "\(worker)", "reason": "\(order.reason.printable)"]
        metadata["deadline_seconds"] = order.deadlineSeconds.map { "\($0)" }
        log.info("worker ordered to drain", metadata: metadata)
        post(.drain(worker, deadline: order.deadlineSeconds.map { .now().advanced(milliseconds: Int64($0) * 1_000) }))
        if view.state == "connected" { view.state = "draining" }
        view.drainReason = order.reason.isEmpty ? nil : order.reason
        view.drainDeadline = wall.map { ActiveJob.timestamp(Date(timeIntervalSince1970: $0)) }
        return view
    }

    package func undrain(_ worker: WorkerID) async throws -> WorkerView {
        let (present, isLeaving, drained) = shared.withLock { shared in
            (
                shared.snapshot.workers.first { $0.worker == worker.rawValue }, shared.snapshot.leaving.contains(worker),
                shared.drains.left(worker)
            )
        }
        guard var view = present ?? drained else {
            throw GridError(.notFound, "there is no worker '\(worker.rawValue.printable)'")
        }
        if drained == nil {
            if isLeaving {
                throw GridError(.conflict, "worker \(worker) is leaving already: it has been sent away, or leaves by itself")
            }
            guard shared.withLock({ $0.drains.holds(worker) }) || view.state == "draining" else {
                throw GridError(.conflict, "worker \(worker) does not drain: it is \(view.state)")
            }
        }
        try await waiting { service throws(GridError) in try service.takeBack(worker) }
        log.info("order to drain taken back", metadata: ["worker": "\(worker)", "had_left": "\(drained != nil)"])
        if drained == nil { view.state = "connected" }
        (view.drainReason, view.drainDeadline) = (nil, nil)
        return view
    }

    /// The scheduler has the last word, as it may have sent the worker away a moment ago: then the order stands.
    private func takeBack(_ worker: WorkerID) throws(GridError) {
        post(.undrain(worker))
        let isLeaving = try lookAtScheduler { scheduler, _ in scheduler.leavingWorkers().contains(worker) }
        if isLeaving { throw GridError(.conflict, "worker \(worker) is leaving already: it has just been sent away") }
        do throws(GridError) {
            try usingDatabase { () throws(GridError) in try store.removeDrain(worker, epoch: epoch) }
        } catch {
            // What is in the database holds for whichever coordinator comes, so it holds for this one too.
            if let order = shared.withLock({ $0.drains.stored(worker) }) { tell(order) }
            throw error
        }
        shared.withLock { $0.drains.remove(worker) }
    }

    private func tell(_ drain: Store.StoredDrain) {
        let seconds = drain.deadline.map { min(max(0, $0 - Date.now.timeIntervalSince1970), Double(Limits.drainSecondsMax)) }
        post(.drain(drain.worker, deadline: seconds.map { .now().advanced(milliseconds: Int64($0 * 1_000)) }))
    }

    /// Orders that an earlier coordinator was given hold for workers that are still there.
    func restoreDrains() throws(GridError) {
        let stored = try store.drains()
        shared.withLock { shared in for drain in stored { shared.drains.restore(drain) } }
    }

    /// Tells the scheduler of restored orders as their workers come, and forgets orders that nobody needs any more.
    func carryOutDrains(_ snapshot: GridSnapshot) {
        let news = shared.withLock { $0.drains.see(snapshot.workers, snapshot.incarnations) }
        for drain in news.untold { tell(drain) }
        guard !news.over.isEmpty || !news.fulfilled.isEmpty else { return }
        // What is lost of this costs a line in a list after the next start.
        waitingCalls.async {
            for worker in news.over { try? self.store.removeDrain(worker, epoch: self.epoch) }
            for drain in news.fulfilled { try? self.store.saveDrain(drain, epoch: self.epoch) }
        }
    }
}

extension JobRequest {
    /// What would be asked for to have the same job again.
    init(like view: JobView) throws(GridError) {
        let kind = try JobKind(parsing: view.kind)
        self.init(kind: view.kind, region: view.region)
        pool = view.pool
        convention = view.convention
        window = view.window
        minOverlap = view.minOverlap
        precision = view.precision
        blockEdge = view.blockEdge
        top = kind.keepsNeighbours ? view.top : nil
        if kind.looksAtPairs, let from = view.threshold {
            threshold = from
            absolute = view.absolute ? true : nil
        }
        fresh = view.fresh ? true : nil
        priority = view.priority
        params = view.params.isEmpty ? nil : view.params
    }
}
