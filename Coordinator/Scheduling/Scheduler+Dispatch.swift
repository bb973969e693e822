import ClusterModel

// Who gets which task next.

extension Scheduler {
    /// Leases queued tasks as long as somebody can take one: free slots first, one lease at a time round the workers,
    /// then a reserve for those whose slots are taken, up to their credit.
    mutating func dispatch() {
        // First of all: a verification goes to nobody who could take a task of a job that comes before.
        chooseProfiles()
        leaseVerifications()
        guard !readyOrder.isEmpty else { return }
        for profile in profiles.indices where profiles[profile].workers > 0 {
            fill(profile, reserve: false)
            fill(profile, reserve: true)
        }
    }

    private mutating func fill(_ profile: Int, reserve: Bool) {
        var misses = 0
        while misses < hungryCount(profile, reserve: reserve), hasReadyJob(profile),
            let worker = nextHungry(profile, reserve: reserve)
        {
            profiles[profile].cursor = worker + 1
            if leaseNext(to: worker, profile) { misses = 0 } else { misses += 1 }
        }
    }

    private func hungryCount(_ profile: Int, reserve: Bool) -> Int {
        reserve ? profiles[profile].topUp.count : profiles[profile].idle.count
    }

    private func nextHungry(_ profile: Int, reserve: Bool) -> Int? {
        let cursor = profiles[profile].cursor
        return reserve
            ? profiles[profile].topUp.next(from: cursor) ?? profiles[profile].topUp.next(from: 0)
            : profiles[profile].idle.next(from: cursor) ?? profiles[profile].idle.next(from: 0)
    }

    private func isReady(_ job: Int, _ profile: Int) -> Bool {
        jobs[job]?.profile == profile || planted(.profilesMixed)
    }

    func hasReadyJob(_ profile: Int) -> Bool {
        for job in readyOrder where isReady(job, profile) { return true }
        return false
    }

    /// - Returns: false when no queued task is for this worker.
    private mutating func leaseNext(to worker: Int, _ profile: Int) -> Bool {
        for job in readyOrder where isReady(job, profile) {
            guard let task = pick(job, worker) else { continue }
            lease(task, job, to: worker)
            return true
        }
        return false
    }

    /// Of the next few queued tasks, the first that shares most blocks with what the worker had lately.
    private func pick(_ job: Int, _ worker: Int) -> UInt32? {
        guard let record = jobs[job], let first = record.stage?.queued.next(from: 0) else { return nil }
        var best: (task: Int, score: Int)?
        var next: Int? = first
        for _ in 0..<max(1, configuration.lookahead) {
            guard let task = next else { break }
            next = record.stage?.queued.next(from: task + 1)
            if isKeptFrom(worker, UInt32(task), record) { continue }
            let score = sharedGroups(task, record, worker)
            if score > best?.score ?? -1 { best = (task, score) }
            if score == 2 { break }
        }
        return best.map { UInt32($0.task) }
    }

    private func sharedGroups(_ task: Int, _ record: JobRecord, _ worker: Int) -> Int {
        guard let groups = record.stage?.grid?.groups(ofTask: task) else { return 2 }
        let recent = workers[worker].recent
        let row = recent.contains(RecentGroups.key(job: record.id, group: groups.row))
        let column = recent.contains(RecentGroups.key(job: record.id, group: groups.column))
        return (row ? 1 : 0) + (column ? 1 : 0)
    }

    /// A task that failed on a worker waits for another one, as long as there is one that could take it.
    private func isKeptFrom(_ worker: Int, _ task: UInt32, _ record: JobRecord) -> Bool {
        guard let stage = record.stage, stage.failingCount > 0, let note = stage.notes[task],
            note.failedOn.contains(workers[worker].id), let profile = record.profile
        else { return false }
        let failedAndPresent = note.failedOn.filter { name in
            workerByName[name].map { workers[$0].leasable && workers[$0].profile == profile } ?? false
        }
        return profiles[profile].workers > failedAndPresent.count
    }

    private mutating func lease(_ task: UInt32, _ job: Int, to worker: Int) {
        guard let attempt = newAttempt(task, job, worker) else { return }
        jobs[job]?.stage?.move(task, to: .leased)
        jobs[job]?.stage?.live[task] = LiveAttempts(first: attempt)
        jobs[job]?.stage?.rememberLease(attempt, of: task)
        refreshReady(job)
        if jobs[job]?.stage?.notes[task] != nil,
            let id = jobs[job].flatMap({ record in record.stage.map { (record.id, $0.plan) } })
        {
            let name = workers[worker].id
            note(TaskID(job: id.0, plan: id.1, index: task), job) { $0.add(.leased, attempt: attempt, worker: name, at: $1) }
        }
    }

    /// Makes an attempt, counts it against the worker's credit and sends it.
    mutating func newAttempt(_ task: UInt32, _ job: Int, _ worker: Int, state: Attempt.State = .live) -> AttemptID? {
        guard let peer = workers[worker].peer, let record = jobs[job], let stage = record.stage else { return nil }
        var id: AttemptID
        repeat {
            lastAttemptSerial += 1
            id = AttemptID(epoch: planted(.epochIgnored) ? Epoch(0) : epoch, serial: lastAttemptSerial)
            // Taken only if a worker claimed to have it in hand before it existed.
        } while attempts[id] != nil
        let taskID = TaskID(job: record.id, plan: stage.plan, index: task)
        attempts[id] = Attempt(task: taskID, worker: worker, leasedAt: now, state: state)
        workers[worker].outstanding.append(id)
        workers[worker].lastSent = now
        if let groups = stage.grid?.groups(ofTask: Int(task)) {
            workers[worker].recent.touch(RecentGroups.key(job: record.id, group: groups.row))
            workers[worker].recent.touch(RecentGroups.key(job: record.id, group: groups.column))
        }
        counters.leases += 1
        effects.append(.lease(peer, Lease(ref: AttemptRef(task: taskID, attempt: id), kind: stage.kind)))
        refresh(worker)
        return id
    }
}
