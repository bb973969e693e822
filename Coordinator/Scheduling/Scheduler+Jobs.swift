import ClusterModel
import DequeModule

// Jobs come stage by stage, and go.

extension Scheduler {
    mutating func submit(_ submission: StageSubmission) {
        if let sentence = refusal(of: submission) {
            if let job = jobByID[submission.job] {
                failJob(job, sentence)
            } else {
                effects.append(.jobFailed(submission.job, reason: sentence))
            }
            return
        }
        let job = jobByID[submission.job] ?? addJob(submission)
        // The same stage submitted twice is one stage.
        if jobs[job]?.stage?.plan == submission.plan { return }
        if jobs[job]?.profile == nil, let profile = submission.profile {
            let slot = referProfile(profile)
            jobs[job]?.profile = slot
        }
        var submission = submission
        if planted(.mergedListIgnored) { submission.merged = [] }
        jobs[job]?.stage = Stage(submission, at: now)
        refreshReady(job)
        completeStageIfDone(job)
    }

    private func refusal(of submission: StageSubmission) -> String? {
        let what = "stage \(submission.stageName) of job \(submission.job)"
        guard (0...Limits.tasksPerStageMax).contains(submission.taskCount) else {
            return "\(what) has \(submission.taskCount) tasks: expected 0 to \(Limits.tasksPerStageMax)"
        }
        if let grid = submission.grid, grid.taskCount != submission.taskCount {
            return "\(what) has \(submission.taskCount) tasks and a grid of \(grid.taskCount)"
        }
        if let task = submission.merged.first(where: { $0 >= submission.taskCount }) {
            return "\(what) has \(submission.taskCount) tasks, so its task \(task) cannot have been merged"
        }
        if let profile = submission.profile, profileSlot(of: profile) == nil {
            return "\(what) has the numeric profile \(profile), and \(Limits.numericProfilesMax) others are known already"
        }
        guard let job = jobByID[submission.job] else {
            return jobByID.count < Limits.jobsActiveMax
                ? nil : "\(Limits.jobsActiveMax) jobs are active, which is the most there can be"
        }
        if let open = jobs[job]?.stage, open.plan != submission.plan {
            return "\(what) was submitted while its stage \(open.name) was open"
        }
        return nil
    }

    private mutating func addJob(_ submission: StageSubmission) -> Int {
        let record = JobRecord(id: submission.job, priority: submission.priority, isPaused: submission.isPaused)
        let slot: Int
        if let vacant = jobs.firstIndex(where: { $0 == nil }) {
            slot = vacant
            jobs[slot] = record
        } else {
            slot = jobs.count
            jobs.append(record)
        }
        jobByID[submission.job] = slot
        insert(slot, into: \.runOrder)
        return slot
    }

    mutating func setPriority(of id: JobID, to priority: Int) {
        guard let job = jobByID[id] else { return }
        jobs[job]?.priority = priority
        runOrder.removeAll { $0 == job }
        readyOrder.removeAll { $0 == job }
        insert(job, into: \.runOrder)
        refreshReady(job)
    }

    mutating func setPaused(_ id: JobID, _ isPaused: Bool) {
        guard let job = jobByID[id], isPaused || !planted(.resumeIgnored) else { return }
        jobs[job]?.isPaused = isPaused
        refreshReady(job)
    }

    mutating func completeStageIfDone(_ job: Int) {
        guard let record = jobs[job], let stage = record.stage, stage.isComplete else { return }
        if stage.allMergedAt == nil { jobs[job]?.stage?.allMergedAt = now }
        giveUpVerifications(job)
        guard jobs[job]?.stage?.verifications.isEmpty == true else { return }
        jobs[job]?.stage = nil
        refreshReady(job)
        effects.append(.stageComplete(record.id, stage.plan))
    }

    mutating func finish(_ id: JobID) {
        if planted(.cancelIgnored) { return }
        if let job = jobByID[id] { drop(job) }
    }

    /// The job cannot end well. Whoever submitted it need not say `finish`, but may.
    mutating func failJob(_ job: Int, _ reason: String) {
        guard let id = jobs[job]?.id else { return }
        effects.append(.jobFailed(id, reason: reason))
        drop(job)
    }

    private mutating func drop(_ job: Int) {
        guard let record = jobs[job] else { return }
        jobs[job] = nil
        jobByID[record.id] = nil
        runOrder.removeAll { $0 == job }
        readyOrder.removeAll { $0 == job }
        releaseProfile(record.profile)
        guard let stage = record.stage else { return }
        // Dictionaries have no order that repeats, so what comes out of them is sorted.
        for (_, merge) in stage.merges.sorted(by: { $0.key < $1.key }) {
            mergesInFlight -= 1
            acknowledge(merge)
        }
        verificationsOpen -= stage.verifications.count
        let live = stage.live.values.flatMap { [$0.first] + ($0.second.map { [$0] } ?? []) }
        cancel((live + stage.verifications.values.compactMap(\.attempt)).sorted())
    }

    /// Dooms live attempts, and tells each worker once.
    private mutating func cancel(_ live: [AttemptID]) {
        var byWorker: [Int: [AttemptID]] = [:]
        for id in live {
            guard let worker = attempts[id]?.worker else { continue }
            attempts[id]?.state = .doomed
            byWorker[worker, default: []].append(id)
        }
        for worker in byWorker.keys.sorted() {
            send(.cancel(byWorker[worker] ?? []), to: worker)
        }
    }

    // MARK: The order jobs run in

    /// Puts a job among those with queued tasks, or takes it out, as its stage is now.
    mutating func refreshReady(_ job: Int) {
        let isReady = mayLease(job) && !(jobs[job]?.stage?.queued.isEmpty ?? true)
        let position = readyOrder.firstIndex(of: job)
        if isReady, position == nil { insert(job, into: \.readyOrder) }
        if !isReady, let position { readyOrder.remove(at: position) }
    }

    /// Whether the job is not paused.
    func mayLease(_ job: Int) -> Bool { jobs[job]?.isPaused == false || planted(.pauseIgnored) }

    private mutating func insert(_ job: Int, into order: WritableKeyPath<Scheduler, [Int]>) {
        guard let record = jobs[job] else { return }
        let position = self[keyPath: order].firstIndex { other in
            jobs[other].map { runsBefore(record, $0) } ?? false
        }
        self[keyPath: order].insert(job, at: position ?? self[keyPath: order].count)
    }

    private func runsBefore(_ a: JobRecord, _ b: JobRecord) -> Bool {
        planted(.priorityIgnored) ? a.id < b.id : JobRecord.runsBefore(a, b)
    }

    // MARK: Tasks

    /// Where a task is; nil when it belongs to no open stage of the job.
    func taskState(_ task: TaskID, _ job: Int) -> TaskState? {
        guard let stage = jobs[job]?.stage else { return nil }
        guard stage.plan == task.plan || planted(.otherPlanAccepted), task.index < stage.taskCount else { return nil }
        return stage.states[Int(task.index)]
    }

    func stageName(_ job: Int) -> String { jobs[job]?.stage?.name ?? "" }

    /// Adds to the note of a task of the open stage, beginning it if there is none.
    mutating func note(_ task: TaskID, _ job: Int, _ change: (inout TaskNote, MonotonicTime) -> Void) {
        guard jobs[job]?.stage != nil else { return }
        if jobs[job]?.stage?.notes[task.index] == nil {
            makeRoomForNote()
            noteOrder.append(task)
            jobs[job]?.stage?.notes[task.index] = TaskNote()
        }
        if let index = jobs[job]?.stage?.notes.index(forKey: task.index) {
            change(&jobs[job]!.stage!.notes.values[index], now)
        }
    }

    private mutating func makeRoomForNote() {
        guard noteOrder.count >= Limits.taskNotesMax, let oldest = noteOrder.popFirst(), let job = jobByID[oldest.job],
            jobs[job]?.stage?.plan == oldest.plan,
            let note = jobs[job]?.stage?.notes.removeValue(forKey: oldest.index)
        else { return }
        // Forgetting that a task keeps failing could keep its job going for ever.
        if note.failures > 0, taskState(oldest, job) != .merged {
            jobs[job]?.stage?.notes[oldest.index] = note
            failJob(job, "more than \(Limits.taskNotesMax) tasks have failed; the oldest: \(storyText(oldest, job))")
        }
    }

    /// The story as one sentence part.
    func storyText(_ task: TaskID, _ job: Int) -> String {
        guard let stage = jobs[job]?.stage, let note = stage.notes[task.index] else { return "" }
        return note.story(since: stage.beganAt).joined(separator: "; ")
    }
}
