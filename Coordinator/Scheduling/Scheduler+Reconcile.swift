import ClusterModel

// What a worker has in hand, set against what it was given. Leases, answers and acknowledgements can all get lost;
// a hello that lists everything puts both sides right again.

extension Scheduler {
    mutating func reconcile(_ worker: Int, _ hello: Hello, isSameConnection: Bool) {
        let listed = hello.inHand.prefix(Limits.creditPerWorkerMax)
        dropUnlisted(listed, worker, mayBeOnTheWay: isSameConnection && !hello.draining)
        workers[worker].greetedAt = now
        workers[worker].unwanted = []
        var cancels: [AttemptID] = []
        for ref in listed {
            let known = attempts[ref.attempt]
            if known?.worker == worker {
                // A cancel that is not followed by an answer may have been lost itself.
                if known?.state == .doomed { cancels.append(ref.attempt) }
            } else if known != nil || !takeUp(ref, worker) {
                workers[worker].unwanted.append(ref.attempt)
                if !isBeingMerged(ref) { cancels.append(ref.attempt) }
            }
        }
        if !cancels.isEmpty { send(.cancel(cancels), to: worker) }
        refresh(worker)
    }

    /// Gives up what the worker was given and does not have.
    private mutating func dropUnlisted(
        _ listed: ArraySlice<AttemptRef>, _ worker: Int, mayBeOnTheWay: Bool
    ) {
        if planted(.lostLeaseForgotten) { return }
        let inHand = Set(listed.map(\.attempt))
        let young = now.advanced(milliseconds: -configuration.leaseInFlightMilliseconds)
        for id in workers[worker].outstanding where !inHand.contains(id) {
            guard let attempt = attempts[id], attempt.state != .merging else { continue }
            if mayBeOnTheWay, attempt.leasedAt > young { continue }
            settle(id, of: worker)
            switch attempt.state {
            case .live: giveBack(id, attempt, because: .leaseLost)
            case .verifying: unverified(id, attempt, failed: false)
            case .merging, .doomed: break
            }
        }
    }

    /// Takes up an attempt nobody knew of: the worker was thought lost, or was leased it by an earlier coordinator.
    /// - Returns: false when the worker shall forget it.
    private mutating func takeUp(_ ref: AttemptRef, _ worker: Int) -> Bool {
        guard let job = jobByID[ref.task.job], taskState(ref.task, job) == .queued,
            !workers[worker].isSuspect, jobs[job]?.profile != nil, jobs[job]?.profile == workers[worker].profile,
            workers[worker].creditInUse < workers[worker].credit,
            jobs[job]?.stage?.notes[ref.task.index]?.hasRejected(ref.attempt) != true
        else { return false }
        attempts[ref.attempt] = Attempt(task: ref.task, worker: worker, leasedAt: now, state: .live)
        workers[worker].outstanding.append(ref.attempt)
        jobs[job]?.stage?.move(ref.task.index, to: .leased)
        jobs[job]?.stage?.live[ref.task.index] = LiveAttempts(first: ref.attempt)
        jobs[job]?.stage?.rememberLease(ref.attempt, of: ref.task.index)
        let name = workers[worker].id
        note(ref.task, job) { $0.add(.adopted, attempt: ref.attempt, worker: name, at: $1) }
        refreshReady(job)
        counters.attemptsAdopted += 1
        return true
    }

    private func isBeingMerged(_ ref: AttemptRef) -> Bool {
        guard let job = jobByID[ref.task.job], taskState(ref.task, job) == .merging else { return false }
        return jobs[job]?.stage?.merges[ref.task.index]?.attempt == ref.attempt
    }

    /// A lease or an answer was lost if the worker has fewer attempts than it was given some time ago, and something
    /// is amiss if it has more than it was given at all.
    mutating func askWhenCountsDiffer(_ heartbeat: Heartbeat, _ worker: Int) {
        if planted(.lostLeaseForgotten) { return }
        let held = Int(heartbeat.running) + Int(heartbeat.queued)
        let most = workers[worker].creditInUse
        if held == most { return }
        let young = now.advanced(milliseconds: -configuration.leaseInFlightMilliseconds)
        var least = workers[worker].greetedAt > young ? 0 : workers[worker].unwanted.count
        for id in workers[worker].outstanding {
            guard let attempt = attempts[id], attempt.state != .merging, attempt.leasedAt <= young else { continue }
            least += 1
        }
        if held < least || held > most { askAgain(worker) }
    }

    // MARK: Giving back

    /// Takes every attempt from a worker that is gone.
    /// - Parameter blame: whether the tasks it was probably computing had a part in it.
    /// - Returns: how many live attempts went back.
    @discardableResult
    mutating func giveBackAttempts(
        of worker: Int, because what: TaskNote.Event.What, blame: Bool
    ) -> Int {
        let held = workers[worker].outstanding
        // Workers start leases in the order they get them, so the first ones fill the slots.
        let running = blame ? workers[worker].slots : 0
        workers[worker].outstanding = []
        workers[worker].unwanted = []
        var returned = 0
        for (position, id) in held.enumerated() {
            guard let attempt = attempts.removeValue(forKey: id) else { continue }
            if attempt.state == .verifying { unverified(id, attempt, failed: false) }
            guard attempt.state == .live else { continue }
            returned += 1
            giveBack(id, attempt, because: what, wasRunning: position < running)
        }
        refresh(worker)
        return returned
    }

    /// A live attempt has ended without an answer; its task is queued again unless another attempt is at it.
    mutating func giveBack(
        _ id: AttemptID, _ attempt: Attempt, because what: TaskNote.Event.What, wasRunning: Bool = false
    ) {
        guard let job = jobByID[attempt.task.job] else { return }
        let name = workers[attempt.worker].id
        noteEnd(of: attempt.task, .lost, on: name, since: attempt.leasedAt)
        note(attempt.task, job) { note, now in
            if wasRunning {
                note.addLoss(what, attempt: id, worker: name, at: now)
            } else {
                note.add(what, attempt: id, worker: name, at: now)
            }
        }
        requeue(attempt.task.index, job, without: id)
        let losses = jobs[job]?.stage?.notes[attempt.task.index]?.losses ?? 0
        if losses >= configuration.taskLossesMax {
            let subject = "task \(attempt.task.index) of stage \(stageName(job))"
            failJob(job, "\(subject) was lost with \(losses) workers: \(storyText(attempt.task, job))")
        }
    }

    /// Queues a task whose attempt has ended, unless another one is at it.
    mutating func requeue(_ task: UInt32, _ job: Int, without attempt: AttemptID) {
        let rest = jobs[job]?.stage?.live[task]?.without(attempt)
        jobs[job]?.stage?.live[task] = rest
        guard rest == nil else { return }
        jobs[job]?.stage?.move(task, to: .queued)
        counters.tasksRequeued += 1
        refreshReady(job)
    }

    /// An answer is settled: the attempt no longer occupies credit.
    /// - Parameter alsoLeased: false when the worker answered for an attempt that is not its own.
    mutating func settle(_ id: AttemptID, of worker: Int, alsoLeased: Bool = true) {
        if !workers[worker].unwanted.isEmpty { workers[worker].unwanted.removeAll { $0 == id } }
        if alsoLeased, attempts[id]?.worker == worker {
            attempts[id] = nil
            workers[worker].outstanding.removeAll { $0 == id }
        }
        refresh(worker)
    }
}
