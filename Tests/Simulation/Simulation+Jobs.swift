import ClusterModel
import Scheduling

// The life of a job in a coordinator's shell: queued -> planning -> running -> publishing -> gone.

extension Simulation {
    /// Somebody asks whichever coordinator answers; who gets no answer asks again.
    func jobArrives(_ position: Int) {
        let job = scenario.jobs[position]
        if store.jobs[job.id] != nil { return }
        if let host = anyCoordinator(), coordinators[host].backlog == nil,
            coordinators[host].hasTakenUp || options.shellBug == .jobsTakenEarly
        {
            ask(host, .insert(job.id))
        }
        agenda.add(.jobArrives(position), at: after(1_000))
    }

    /// One of those that serve at the moment; it may be one whose lease is over and who has not heard of it.
    func anyCoordinator() -> Int? {
        let serving = coordinators.indices.filter { coordinators[$0].scheduler != nil }
        return serving.isEmpty ? nil : serving[random.int(0...(serving.count - 1))]
    }

    func inserted(_ host: Int, _ id: JobID) {
        guard reach(.jobQueued, host) else { return }
        // It may have come by another way: read with all the others when this coordinator began.
        if coordinators[host].jobs[id] == nil, store.jobs[id]?.state == .queued { plan(host, id) }
    }

    /// What an earlier coordinator left: jobs without an end, and files of jobs that have one.
    func resume(_ host: Int, _ unfinished: [JobID]) {
        coordinators[host].hasTakenUp = true
        for job in disks[disk(host)].files.keys.sorted() where !unfinished.contains(job) { removeFiles(host, job) }
        for id in unfinished {
            guard coordinators[host].isAlive else { return }
            plan(host, id)
        }
    }

    private func plan(_ host: Int, _ id: JobID) {
        guard let job = scenario.jobs.first(where: { $0.id == id }) else { return }
        if coordinators[host].jobs[id] != nil { fail("job \(id) is taken up twice by the coordinator of host \(host)") }
        coordinators[host].jobs[id] = SimulatedCoordinator.Job(
            scenario: job, row: SimulatedStore.Job(state: .planning),
            isPaused: store.jobs[id]?.pausedAt != nil && options.shellBug != .pauseForgotten)
        guard reach(.planning, host) else { return }
        ask(host, .save(id, SimulatedStore.Job(state: .planning), confirms: .planning))
    }

    /// A write is done.
    func saved(_ host: Int, _ id: JobID, _ what: StoreRequest.Confirmation) {
        switch (what, coordinators[host].jobs[id]?.phase) {
        case (.planning, .planning):
            let generation = coordinators[host].generation
            agenda.add(.panelIsLoaded(host, generation: generation, id), at: after(random.int(1...30)))
        case (.running, .planning): run(host, id)
        case (.end, .ending): release(host, id)
        default: break
        }
    }

    func panelIsLoaded(_ host: Int, _ generation: Int, _ id: JobID) {
        guard coordinators[host].generation == generation, coordinators[host].jobs[id]?.phase == .planning,
            reach(.panelLoaded, host), var job = coordinators[host].jobs[id]
        else { return }
        job.kept = disks[disk(host)].kept(id, trustingTorn: options.shellBug == .tornRecordTrusted)
        if options.shellBug != .profileOfLogIgnored { job.profile = job.kept.profile }
        job.row.state = .running
        coordinators[host].jobs[id] = job
        ask(host, .save(id, job.row, confirms: .running))
    }

    private func run(_ host: Int, _ id: JobID) {
        guard reach(.running, host) else { return }
        coordinators[host].jobs[id]?.phase = .running
        beginStage(host, id)
    }

    /// Merges what was kept of the stage, and leases the rest.
    private func beginStage(_ host: Int, _ id: JobID) {
        guard var job = coordinators[host].jobs[id] else { return }
        job.plan = ToyJob.plan(jobSeed: job.scenario.seed, stage: job.stage, carry: job.carry)
        job.sum = 0
        var merged: Set<UInt32> = []
        for record in job.kept.records where record.plan == job.plan {
            // One that could not be merged is none now either; and a task may have been logged before that was known.
            if record.partial.isGarbled || merged.contains(record.task) { continue }
            checkProfile(of: record.partial, job)
            merged.insert(record.task)
            job.row.isTainted = job.row.isTainted || record.partial.isWrong
            job.sum &+= record.partial.value &* (options.shellBug == .logReplayedTwice ? 2 : 1)
        }
        coordinators[host].jobs[id] = job
        partialsReplayed += merged.count
        for position in checkers[host].indices {
            if let sentence = checkers[host][position].replays(merged, of: job.plan, id, self, host) { fail(sentence) }
        }
        guard reach(.stageBegun, host) else { return }
        let stage = job.scenario.stages[job.stage]
        tell(
            host,
            .submit(
                StageSubmission(
                    job: id, plan: job.plan, stageName: "stage-\(job.stage)", kind: "toy", taskCount: stage.taskCount,
                    grid: stage.grid, priority: job.scenario.priority, isPaused: job.isPaused, profile: job.profile,
                    merged: options.shellBug == .mergedListForgotten ? [] : merged.sorted())))
    }

    // MARK: Partials

    /// On the job's thread: into the log, into the sum, and then the scheduler may acknowledge it.
    func mergeEnds(_ host: Int, _ generation: Int, _ ref: AttemptRef, _ handle: PayloadHandle) {
        guard generation == coordinators[host].generation,
            let partial = coordinators[host].payloads.removeValue(forKey: handle)
        else { return }
        let id = ref.task.job
        guard let job = coordinators[host].jobs[id], job.phase == .running else { return tell(host, .merged(ref.task)) }
        log(partial, host, ref.task)
        if partial.isGarbled { return tell(host, .mergeRejected(ref.task, reason: "the partial is garbled")) }
        checkProfile(of: partial, job)
        coordinators[host].jobs[id]?.sum &+= partial.value
        if partial.isWrong { coordinators[host].jobs[id]?.row.isTainted = true }
        guard reach(.partialMerged, host) else { return }
        tell(host, .merged(ref.task))
    }

    private func checkProfile(of partial: ToyJob.Partial, _ job: SimulatedCoordinator.Job) {
        if partial.coreType == job.profile?.coreType || partial.isGarbled { return }
        fail("a partial made with \(partial.coreType) is merged into job \(job.scenario.id), which runs with another profile")
    }

    private func log(_ partial: ToyJob.Partial, _ host: Int, _ task: TaskID) {
        guard coordinators[host].jobs[task.job]?.isLogged == true else { return }
        let record = SimulatedDisk.Record(plan: task.plan, task: task.index, partial: partial, at: now)
        coordinators[host].jobs[task.job]?.waiting.append(record)
        guard coordinators[host].jobs[task.job]?.waiting.count == 1, options.shellBug != .partialsKeptWaiting else { return }
        let generation = coordinators[host].generation
        agenda.add(.logIsDue(host, generation: generation, task.job), at: after(SimulatedDisk.delayMilliseconds))
    }

    func logIsDue(_ host: Int, _ generation: Int, _ id: JobID) {
        if coordinators[host].generation == generation { flushLog(host, id) }
    }

    /// Writes down what waits for it.
    func flushLog(_ host: Int, _ id: JobID) {
        guard let job = coordinators[host].jobs[id], let epoch = coordinators[host].epoch, !job.waiting.isEmpty else { return }
        coordinators[host].jobs[id]?.waiting = []
        if disks[disk(host)].append(job.waiting, to: id, epoch, job.profile) {
            _ = reach(.partialLogged, host, id)
        } else {
            // The job goes on without it; what comes after half a record could not be read.
            faults.add(.stateDiskFull)
            coordinators[host].jobs[id]?.isLogged = false
        }
    }

    func stageCompletes(_ host: Int, _ id: JobID, _ plan: PlanHash) {
        guard var job = coordinators[host].jobs[id], job.phase == .running, job.plan == plan,
            reach(.stageComplete, host)
        else { return }
        job.carry = job.sum
        job.stage += 1
        coordinators[host].jobs[id] = job
        if job.stage < job.scenario.stages.count {
            beginStage(host, id)
        } else {
            publish(host, id)
        }
    }

    // MARK: The end

    private func publish(_ host: Int, _ id: JobID) {
        coordinators[host].jobs[id]?.phase = .publishing
        guard reach(.publishing, host), let job = coordinators[host].jobs[id] else { return }
        var row = job.row
        row.state = .done
        row.value = job.carry
        ask(host, .publish(id, row))
    }

    /// Rows and row of the job are there.
    func published(_ host: Int, _ id: JobID) {
        guard coordinators[host].jobs[id]?.phase == .publishing, reach(.publishCommitted, host) else { return }
        release(host, id)
        if coordinators[host].isAlive { _ = reach(.stateKept, host) }
    }

    /// Cancelled or failed: first the scheduler, then the database.
    func end(_ host: Int, _ id: JobID, _ state: JobState, reason: String = "") {
        guard var job = coordinators[host].jobs[id], job.phase != .ending else { return }
        job.phase = .ending
        job.row.state = state
        job.row.reason = reason
        coordinators[host].jobs[id] = job
        tell(host, .finish(id))
        ask(host, .save(id, job.row, confirms: .end))
    }

    private func release(_ host: Int, _ id: JobID) {
        coordinators[host].jobs[id] = nil
        tell(host, .finish(id))
        guard coordinators[host].isAlive else { return }
        removeFiles(host, id)
        _ = reach(.logRemoved, host)
    }

    private func removeFiles(_ host: Int, _ id: JobID) {
        if options.shellBug != .filesLeftBehind { disks[disk(host)].remove(id) }
    }

    /// Which disk a host keeps its files on.
    func disk(_ host: Int) -> Int { scenario.sharesDisk ? 0 : host }
}
