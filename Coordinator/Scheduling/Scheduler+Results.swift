import ClusterModel

// Answers of workers, and what the merger says of their partials.

extension Scheduler {
    mutating func result(
        _ result: TaskResult, payload: PayloadHandle?, checksum: UInt32?, from worker: Int
    ) {
        let ref = result.ref
        let known = attempts[ref.attempt]
        if workers[worker].isSuspect {
            drop(ref, payload, from: worker, isForeign: known.map { $0.worker != worker } ?? false)
            return
        }
        // Somebody else's attempt, or another task than leased, decides nothing.
        let isForeign = known.map { $0.worker != worker || $0.task != ref.task } ?? false
        guard !isForeign, let job = jobByID[ref.task.job], let state = taskState(ref.task, job), runs(worker, job) else {
            drop(ref, payload, from: worker, isForeign: isForeign)
            return
        }
        switch state {
        case .merging where jobs[job]?.stage?.merges[ref.task.index]?.attempt == ref.attempt:
            // Sent again because the acknowledgement waits for the merge.
            if let payload { effects.append(.discard(payload)) }
        case .merging:
            compare(checksum, ref, job, worker)
            drop(ref, payload, from: worker, isForeign: false)
        case .merged:
            compare(checksum, ref, job, worker)
            if planted(.doubleMerge), let payload { effects.append(.merge(ref, payload)) }
            drop(ref, planted(.doubleMerge) ? nil : payload, from: worker, isForeign: false)
        case .queued, .leased:
            if jobs[job]?.stage?.notes[ref.task.index]?.hasRejected(ref.attempt) == true {
                drop(ref, payload, from: worker, isForeign: false)
                return
            }
            guard let payload else {
                failed(TaskFailure(ref: ref, message: "it sent a result without a partial"), from: worker)
                return
            }
            accept(ref, known, payload, checksum, job, from: worker)
        }
    }

    /// Whether the worker computes with the job's numeric profile. An earlier coordinator may have chosen another one, or the
    /// present one none yet.
    private func runs(_ worker: Int, _ job: Int) -> Bool {
        planted(.lateProfileIgnored) || (jobs[job]?.profile != nil && jobs[job]?.profile == workers[worker].profile)
    }

    private mutating func accept(
        _ ref: AttemptRef, _ known: Attempt?, _ payload: PayloadHandle, _ checksum: UInt32?, _ job: Int,
        from worker: Int
    ) {
        guard mergesInFlight < configuration.mergesInFlightMax else {
            counters.resultsDeferred += 1
            effects.append(.discard(payload))
            return
        }
        let task = ref.task.index
        if let known, known.state == .live {
            let nanoseconds = now.nanoseconds - known.leasedAt.nanoseconds
            jobs[job]?.stage?.noteTurnaround(milliseconds: nanoseconds / 1_000_000)
        } else {
            // Another worker may compute the task again by now; its result has to agree with this one.
            counters.resultsLateAccepted += 1
            let name = workers[worker].id
            note(ref.task, job) { $0.add(.lateResult, attempt: ref.attempt, worker: name, at: $1) }
        }
        let others = jobs[job]?.stage?.live.removeValue(forKey: task)
        jobs[job]?.stage?.move(task, to: .merging)
        let answer = checksum.map { self.answer(of: worker, $0) }
        jobs[job]?.stage?.merges[task] = MergeInFlight(
            attempt: ref.attempt, worker: worker, incarnation: workers[worker].incarnation,
            workerName: workers[worker].id, answer: answer)
        mergesInFlight += 1
        jobs[job]?.contributors.insert(workers[worker].id)
        refreshReady(job)
        if known != nil { attempts[ref.attempt]?.state = .merging }
        effects.append(.merge(ref, payload))
        if planted(.acknowledgedEarly) { send(.ack(ref.attempt), to: worker) }
        if let others { cancelOthers(others, except: ref.attempt) }
        if let answer { verify(task, job, answer) }
    }

    private mutating func cancelOthers(_ others: LiveAttempts, except winner: AttemptID) {
        for id in [others.first, others.second] {
            guard let id, id != winner, let attempt = attempts[id], attempt.state == .live else { continue }
            attempts[id]?.state = .doomed
            send(.cancel([id]), to: attempt.worker)
        }
    }

    /// Nobody needs this result: the worker may forget it.
    private mutating func drop(
        _ ref: AttemptRef, _ payload: PayloadHandle?, from worker: Int, isForeign: Bool
    ) {
        counters.resultsDropped += 1
        if let payload { effects.append(.discard(payload)) }
        if planted(.dropNotAcknowledged) { return }
        settle(ref.attempt, of: worker, alsoLeased: !isForeign)
        send(.ack(ref.attempt), to: worker)
    }

    mutating func failed(_ failure: TaskFailure, from worker: Int) {
        let id = failure.ref.attempt
        let attempt = attempts[id]
        let isForeign = attempt.map { $0.worker != worker || $0.task != failure.ref.task } ?? false
        // The partial is with the merger: what becomes of the attempt is decided there.
        if !isForeign, attempt?.state == .merging { return }
        if planted(.creditLeak) { attempts[id] = nil }
        settle(id, of: worker, alsoLeased: !isForeign)
        send(.ack(id), to: worker)
        if !isForeign, let attempt, attempt.state == .live {
            noteEnd(of: attempt.task, .failed, on: workers[worker].id, since: attempt.leasedAt)
        }
        if !isForeign, let attempt, attempt.state == .verifying {
            workers[worker].tasksFailed += 1
            unverified(id, attempt, failed: true)
        }
        guard !isForeign, let attempt, attempt.state == .live, let job = jobByID[attempt.task.job] else { return }
        requeue(attempt.task.index, job, without: id)
        workers[worker].tasksFailed += 1
        countFailure(.failed(failure.message.oneLine()), of: failure.ref, job, by: workers[worker].id)
    }

    // MARK: What the merger says

    mutating func merged(_ task: TaskID) {
        guard let job = jobByID[task.job], taskState(task, job) == .merging,
            let merge = jobs[job]?.stage?.merges.removeValue(forKey: task.index)
        else { return }
        mergesInFlight -= 1
        counters.tasksMerged += 1
        noteEnd(of: task, .merged, on: merge.workerName, since: attempts[merge.attempt]?.leasedAt)
        jobs[job]?.stage?.move(task.index, to: .merged)
        if jobs[job]?.stage?.notes[task.index] != nil {
            if (jobs[job]?.stage?.notes[task.index]?.failures ?? 0) > 0 { jobs[job]?.stage?.failingCount -= 1 }
            jobs[job]?.stage?.notes[task.index]?.answer = merge.answer
            jobs[job]?.stage?.notes[task.index]?.add(.merged, attempt: merge.attempt, worker: merge.workerName, at: now)
        }
        acknowledge(merge)
        if isPresent(merge) { workers[merge.worker].tasksDone += 1 }
        completeStageIfDone(job)
    }

    mutating func mergeRejected(_ task: TaskID, reason: String) {
        if planted(.rejectionIgnored) {
            merged(task)
            return
        }
        guard let job = jobByID[task.job], taskState(task, job) == .merging,
            let merge = jobs[job]?.stage?.merges.removeValue(forKey: task.index)
        else { return }
        mergesInFlight -= 1
        counters.partialsRejected += 1
        noteEnd(of: task, .failed, on: merge.workerName, since: attempts[merge.attempt]?.leasedAt)
        endVerification(of: task.index, job)
        jobs[job]?.stage?.move(task.index, to: .queued)
        counters.tasksRequeued += 1
        refreshReady(job)
        acknowledge(merge)
        if isPresent(merge) { workers[merge.worker].tasksFailed += 1 }
        let ref = AttemptRef(task: task, attempt: merge.attempt)
        countFailure(.rejected(reason.oneLine()), of: ref, job, by: merge.workerName)
    }

    /// Lets the worker forget a partial whose merge has ended, also if it has reconnected or was thought lost.
    mutating func acknowledge(_ merge: MergeInFlight) {
        guard isPresent(merge) else { return }
        settle(merge.attempt, of: merge.worker)
        send(.ack(merge.attempt), to: merge.worker)
    }

    /// Whether the process that made the partial still has its slot.
    private func isPresent(_ merge: MergeInFlight) -> Bool {
        workers[merge.worker].state != .vacant && workers[merge.worker].incarnation == merge.incarnation
    }

    private mutating func countFailure(
        _ what: TaskNote.Event.What, of ref: AttemptRef, _ job: Int, by worker: WorkerID
    ) {
        counters.tasksFailed += 1
        let task = ref.task.index
        if (jobs[job]?.stage?.notes[task]?.failures ?? 0) == 0 { jobs[job]?.stage?.failingCount += 1 }
        note(ref.task, job) { $0.addFailure(what, attempt: ref.attempt, worker: worker, at: $1) }
        if case .failed(let message) = what { jobs[job]?.lastFailure = "\(message) (on \(worker))" }
        if case .rejected(let message) = what { jobs[job]?.lastFailure = "\(message) (from \(worker))" }
        guard let note = jobs[job]?.stage?.notes[task] else { return }
        let subject = "task \(task) of stage \(stageName(job))"
        if note.failedOn.count >= configuration.distinctWorkersFailedMax {
            failJob(job, "\(subject) failed on \(note.failedOn.count) workers: \(storyText(ref.task, job))")
        } else if note.failures >= configuration.taskFailuresMax {
            failJob(job, "\(subject) failed \(note.failures) times: \(storyText(ref.task, job))")
        }
    }
}
