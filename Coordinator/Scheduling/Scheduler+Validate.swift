import ClusterModel
import DequeModule
import HeapModule

// The invariants, written once; tests and the simulation check them after every event.

extension Scheduler {
    /// What does not add up, as sentences; empty when all is well. Looks at everything, so it is for tests.
    package func validate() -> [String] {
        var wrong: [String] = []
        for record in jobs { if let record { wrong += validate(record) } }
        for worker in workers.indices { wrong += validateWorker(worker) }
        for slot in profiles.indices { wrong += validateProfile(slot) }
        let held = workers.reduce(0) { $0 + $1.outstanding.count }
        if held != attempts.count { wrong.append("workers hold \(held) attempts, the table has \(attempts.count)") }
        let merging = jobs.reduce(0) { $0 + ($1?.stage?.merges.count ?? 0) }
        if merging != mergesInFlight { wrong.append("\(merging) tasks are merging, counted as \(mergesInFlight)") }
        if mergesInFlight > configuration.mergesInFlightMax { wrong.append("\(mergesInFlight) merges are in flight") }
        let verifying = jobs.reduce(0) { $0 + ($1?.stage?.verifications.count ?? 0) }
        if verifying != verificationsOpen { wrong.append("\(verifying) tasks are verified, counted as \(verificationsOpen)") }
        let leasable = workers.count { $0.leasable }
        if leasable != leasableCount { wrong.append("\(leasable) workers can take leases, counted as \(leasableCount)") }
        if noteOrder.count > Limits.taskNotesMax { wrong.append("\(noteOrder.count) notes are kept") }
        if timers.count > 4 * workers.count + 64 { wrong.append("\(timers.count) timers for \(workers.count) workers") }
        let ready = jobs.indices.filter { mayLease($0) && !(jobs[$0]?.stage?.queued.isEmpty ?? true) }
        if Set(ready) != Set(readyOrder) { wrong.append("jobs with queued tasks that are not paused are not those in the queue") }
        return wrong
    }

    /// With every job finished and nothing in a worker's hands, nothing may be left; what is left, as sentences.
    package func emptinessCheck() -> [String] {
        var left: [String] = []
        if !jobByID.isEmpty || jobs.contains(where: { $0 != nil }) { left.append("\(jobByID.count) jobs") }
        if !runOrder.isEmpty || !readyOrder.isEmpty { left.append("jobs in the queue") }
        let held = workers.reduce(0) { $0 + $1.creditInUse }
        if !attempts.isEmpty || held > 0 { left.append("\(held) attempts") }
        if verificationsOpen != 0 { left.append("\(verificationsOpen) verifications") }
        if mergesInFlight != 0 { left.append("\(mergesInFlight) merges") }
        return left
    }

    private func validate(_ record: JobRecord) -> [String] {
        guard let stage = record.stage else { return [] }
        var wrong: [String] = []
        var counts = [0, 0, 0, 0]
        for (index, state) in stage.states.enumerated() {
            counts[Int(state.rawValue)] += 1
            let task = UInt32(index)
            if stage.queued.contains(index) != (state == .queued) {
                wrong.append("task \(task) is \(state) and its queue bit differs")
            }
            if (stage.live[task] != nil) != (state == .leased) {
                wrong.append("task \(task) is \(state) and its live attempts differ")
            }
            if (stage.merges[task] != nil) != (state == .merging) {
                wrong.append("task \(task) is \(state) and its merge differs")
            }
        }
        if counts[Int(TaskState.queued.rawValue)] != stage.queued.count { wrong.append("queued tasks do not add up") }
        if counts[Int(TaskState.leased.rawValue)] != stage.live.count { wrong.append("leased tasks do not add up") }
        if counts[Int(TaskState.merging.rawValue)] != stage.merges.count { wrong.append("merging tasks do not add up") }
        if counts[Int(TaskState.merged.rawValue)] != stage.mergedCount { wrong.append("merged tasks do not add up") }
        for (task, live) in stage.live {
            for id in [live.first, live.second] {
                guard let id else { continue }
                guard let attempt = attempts[id], attempt.state == .live, attempt.task.index == task,
                    attempt.task.job == record.id
                else {
                    wrong.append("task \(task) has an attempt \(id) that is not live")
                    continue
                }
            }
        }
        for (task, verification) in stage.verifications {
            let isQueued = stage.verificationQueue.contains(task)
            let isLeased = verification.attempt.map { attempts[$0]?.state == .verifying && attempts[$0]?.task.index == task }
            if isLeased == false || isQueued != (isLeased == nil) { wrong.append("task \(task) is verified by nobody") }
            if stage.states[Int(task)] != .merging, stage.states[Int(task)] != .merged {
                wrong.append("task \(task) is verified without a result")
            }
        }
        if stage.verificationQueue.count > stage.verifications.count { wrong.append("tasks wait twice to be verified") }
        let failing = stage.notes.filter { $0.value.failures > 0 && stage.states[Int($0.key)] != .merged }.count
        if failing != stage.failingCount { wrong.append("\(failing) tasks have failed, counted as \(stage.failingCount)") }
        if stage.leaseOrder.count > 4 * stage.live.count + 256 { wrong.append("\(stage.leaseOrder.count) leases are remembered") }
        return wrong.map { "job \(record.id), stage \(stage.name): \($0)" }
    }

    private func validateWorker(_ index: Int) -> [String] {
        let worker = workers[index]
        var wrong: [String] = []
        for id in worker.outstanding {
            guard let attempt = attempts[id] else {
                wrong.append("attempt \(id) is not known")
                continue
            }
            if attempt.worker != index { wrong.append("attempt \(id) is another worker's") }
            if attempt.state == .verifying,
                jobByID[attempt.task.job].flatMap({ jobs[$0]?.stage })?
                    .verifications[attempt.task.index]?.attempt != id
            {
                wrong.append("attempt \(id) verifies nothing")
            }
            if attempt.state == .live, !isLive(attempt, id) { wrong.append("attempt \(id) is live, its task does not have it") }
        }
        let live = worker.outstanding.count { attempts[$0]?.state == .live || attempts[$0]?.state == .verifying }
        if live > worker.credit { wrong.append("\(live) attempts are live, its credit is \(worker.credit)") }
        if worker.unwanted.count > Limits.creditPerWorkerMax {
            wrong.append("\(worker.unwanted.count) unwanted attempts are kept")
        }
        if worker.state == .vacant || worker.state == .lost, worker.creditInUse > 0 {
            wrong.append("it is gone and holds attempts")
        }
        if worker.state == .vacant { return wrong.map { "vacant worker slot \(index): \($0)" } }
        if let peer = worker.peer, workerByPeer[peer] != index { wrong.append("its connection is another's") }
        if worker.state == .connected, worker.peer == nil { wrong.append("it is connected without a connection") }
        if workerByName[worker.id] != index { wrong.append("its name is another's") }
        return wrong.map { "worker \(worker.id): \($0)" }
    }

    private func isLive(_ attempt: Attempt, _ id: AttemptID) -> Bool {
        guard let job = jobByID[attempt.task.job], let stage = jobs[job]?.stage, stage.plan == attempt.task.plan,
            let live = stage.live[attempt.task.index]
        else { return false }
        return live.first == id || live.second == id
    }

    private func validateProfile(_ slot: Int) -> [String] {
        let profile = profiles[slot]
        let members = workers.indices.filter { workers[$0].profile == slot }
        let leasable = members.filter { workers[$0].leasable }
        var wrong: [String] = []
        if profile.workers != leasable.count { wrong.append("\(leasable.count) workers, counted as \(profile.workers)") }
        let slots = leasable.reduce(0) { $0 + workers[$1].slots }
        if profile.slots != slots { wrong.append("\(slots) slots, counted as \(profile.slots)") }
        let references = members.count + jobs.filter { $0?.profile == slot }.count
        if profile.references != references { wrong.append("\(references) references, counted as \(profile.references)") }
        for worker in workers.indices {
            let held = workers[worker].creditInUse
            let isMine = workers[worker].profile == slot && workers[worker].leasable
            let isIdle = isMine && held < workers[worker].slots
            let canTopUp = isMine && !isIdle && held < workers[worker].credit
            if profile.idle.contains(worker) != isIdle || profile.topUp.contains(worker) != canTopUp {
                wrong.append("worker \(workers[worker].id) is in the wrong set")
            }
        }
        return wrong.map { "profile \(profile.profile): \($0)" }
    }
}
