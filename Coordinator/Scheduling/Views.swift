import ClusterModel

/// How far a job's present stage is. `queued + leased + merging + merged == total`.
package struct StageProgress: Equatable, Sendable {
    package var plan: PlanHash
    package var stageName: String
    package var queued: Int
    package var leased: Int
    /// Tasks whose partial is with the merger.
    package var merging: Int
    package var merged: Int
    package var total: Int

    package init(plan: PlanHash, stageName: String, queued: Int, leased: Int, merging: Int, merged: Int, total: Int) {
        self.plan = plan
        self.stageName = stageName
        self.queued = queued
        self.leased = leased
        self.merging = merging
        self.merged = merged
        self.total = total
    }
}

/// The workers as a whole.
package struct ClusterLoad: Equatable, Sendable {
    package var workersConnected = 0
    package var slotsTotal = 0
    /// Slots with an attempt in them, as far as the leases tell.
    package var slotsBusy = 0

    package init() {}
}

extension Scheduler {
    /// Ordered by worker name; lost workers are listed until they are forgotten.
    package func workerViews(at now: MonotonicTime) -> [WorkerView] {
        workers.filter { $0.state != .vacant }.sorted { $0.id < $1.id }.map { view(of: $0, at: now) }
    }

    private func view(of worker: WorkerRecord, at now: MonotonicTime) -> WorkerView {
        let state =
            switch worker.state {
            case .lost: "lost"
            case .vacant, .connected, .unreachable:
                worker.isSuspect ? "suspect" : worker.draining ? "draining" : "connected"
            }
        let profile = worker.profile.map { profiles[$0].profile }
        var view = WorkerView(
            worker: worker.id.rawValue, host: worker.host, processID: worker.processID, version: worker.version,
            profile: profile?.description ?? "", state: state, slots: worker.slots,
            running: min(worker.outstanding.count, worker.slots),
            queued: max(0, worker.outstanding.count - worker.slots), tasksDone: worker.tasksDone,
            tasksFailed: worker.tasksFailed, memoryBytes: worker.memoryBytes, cachedBytes: worker.heartbeat.cachedBytes,
            gigaflopsPerSecond: worker.state == .lost ? 0 : worker.gigaflopsPerSecond,
            heartbeatAgeSeconds: max(0, now.seconds(since: worker.lastHeard)))
        let peak = profile.flatMap { worker.peak(of: $0) }
        view.peakFloat32GigaflopsPerSecond = peak?.float32GigaflopsPerSecond
        view.peakFloat64GigaflopsPerSecond = peak?.float64GigaflopsPerSecond
        return view
    }

    /// Which start of each worker is there.
    package func incarnations() -> [WorkerID: UInt64] {
        Dictionary(uniqueKeysWithValues: workers.filter { $0.state != .vacant }.map { ($0.id, $0.incarnation) })
    }

    /// Workers that nobody can keep any more.
    package func leavingWorkers() -> Set<WorkerID> { Set(workers.filter { $0.state != .vacant && $0.isLeaving }.map(\.id)) }

    package func load() -> ClusterLoad {
        var load = ClusterLoad()
        for worker in workers where worker.state == .connected || worker.state == .unreachable {
            load.workersConnected += 1
            load.slotsTotal += worker.slots
            load.slotsBusy += min(worker.slots, worker.outstanding.count)
        }
        return load
    }

    /// The job's present stage; nil when it has none.
    package func progress(of job: JobID) -> StageProgress? {
        guard let slot = jobByID[job], let stage = jobs[slot]?.stage else { return nil }
        return StageProgress(
            plan: stage.plan, stageName: stage.name, queued: stage.queued.count, leased: stage.leasedCount,
            merging: stage.merges.count, merged: stage.mergedCount, total: stage.taskCount)
    }

    /// The job's numeric profile, once a lease or a submission has fixed it.
    package func profile(of job: JobID) -> NumericProfile? {
        jobByID[job].flatMap { jobs[$0]?.profile }.map { profiles[$0].profile }
    }

    /// What happened to a task of an open stage beyond one lease and its merge, oldest first, bounded.
    package func story(of task: TaskID) -> [String] {
        guard let job = jobByID[task.job], let stage = jobs[job]?.stage, stage.plan == task.plan else { return [] }
        return stage.notes[task.index]?.story(since: stage.beganAt) ?? []
    }
}
