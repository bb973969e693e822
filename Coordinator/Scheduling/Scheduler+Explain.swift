import ClusterModel

extension Scheduler {
    /// What the job waits for, to go behind "it waits"; nil while something of it is being computed or it has no tasks here.
    ///
    /// - Parameter drained: workers that have left because somebody drained them, of whom the scheduler knows nothing any more.
    package func wait(of id: JobID, at now: MonotonicTime, drained: Int = 0) -> String? {
        guard let slot = jobByID[id], let record = jobs[slot], let stage = record.stage, !stage.isComplete,
            stage.live.isEmpty, stage.merges.isEmpty
        else { return nil }
        return reasonToWait(slot, record, drained)
    }

    /// One sentence about what the job is doing or waiting for.
    package func explain(_ id: JobID, at now: MonotonicTime, drained: Int = 0) -> String {
        guard let slot = jobByID[id], let record = jobs[slot] else { return "job \(id) has no tasks here" }
        guard let stage = record.stage else { return "job \(id) is between two stages" }
        let subject = "job \(id), stage \(stage.name)"
        let progress = "\(stage.mergedCount) of \(stage.taskCount) tasks are done"
        let failure = record.lastFailure.map { "; last failure: \($0)" } ?? ""
        if stage.isComplete {
            let count = stage.verifications.count
            let some = "\(count) of them \(count == 1 ? "is" : "are")"
            return "\(subject): \(progress), and \(some) compared with a second worker's result"
        }
        if !stage.live.isEmpty || !stage.merges.isEmpty {
            let pause = record.isPaused ? " until it is resumed" : ""
            return "\(subject): \(progress), \(stage.leasedCount) are with workers, \(stage.queued.count) wait\(pause)\(failure)"
        }
        return "\(subject): \(progress), and it waits \(reasonToWait(slot, record, drained))\(failure)"
    }

    private func reasonToWait(_ slot: Int, _ record: JobRecord, _ drained: Int) -> String {
        if record.isPaused { return "to be resumed: it is paused" }
        let connected = workers.filter { $0.state == .connected || $0.state == .unreachable }
        if !connected.contains(where: \.leasable) { return "for a worker: \(wantOfWorkers(connected, drained))" }
        if let profile = record.profile, profiles[profile].workers == 0 {
            let others = Set(connected.filter(\.leasable).compactMap { $0.profile.map { profiles[$0].profile.description } })
            let able = workers.indices.filter { workers[$0].leasable && canChange($0, to: profile) }.count
            return "for a worker of its numeric profile \(profiles[profile].profile): "
                + "the connected ones run \(others.sorted().joined(separator: ", "))"
                + (able > 0 ? "; \(able) will change to it as soon as no other job needs them" : "")
        }
        if record.profile == nil, let profilesSettledAt, now < profilesSettledAt {
            return "a moment for more workers before its numeric profile is chosen"
        }
        if let first = readyOrder.first, first != slot, let ahead = jobs[first] {
            return "behind job \(ahead.id) of priority \(ahead.priority)"
        }
        return "for a worker with a free slot"
    }

    /// Why nobody takes work, and what brings somebody back.
    private func wantOfWorkers(_ connected: [WorkerRecord], _ drained: Int) -> String {
        let ordered = drained + connected.filter(\.drainOrdered).count
        let next =
            ordered == 0
            ? connected.isEmpty ? "; 'alphagrid-worker --connect' starts one" : ""
            : "; 'alphagrid workers undrain all' takes \(ordered == 1 ? "it" : "them") back"
        let left = drained == 1 ? "1 was drained and has left" : "\(drained) were drained and have left"
        if connected.isEmpty { return "none is connected" + (drained > 0 ? ", as \(left)" : "") + next }
        let reason = connected.contains(where: \.isSuspect) ? "draining or suspect" : "draining"
        let who = connected.count == 1 ? "the only connected one is" : "all \(connected.count) connected ones are"
        return "\(who) \(reason)" + (drained > 0 ? ", and \(left)" : "") + next
    }

    /// Where a task of the job's present stage is, and what happened to it; nil when the stage has no such task.
    package func explain(_ id: JobID, task index: Int) -> ExplainView.Task? {
        guard let slot = jobByID[id], let stage = jobs[slot]?.stage, stage.states.indices.contains(index) else { return nil }
        let task = TaskID(job: id, plan: stage.plan, index: UInt32(index))
        var story = story(of: task)
        if story.isEmpty, let live = stage.live[task.index], let attempt = attempts[live.first] {
            let seconds = max(0, attempt.leasedAt.seconds(since: stage.beganAt))
            let worker = workers[attempt.worker]
            story = ["\((seconds * 10).rounded() / 10) s: leased to \(worker.id) (attempt \(live.first))"]
        }
        return ExplainView.Task(task: index, stage: stage.name, state: "\(stage.states[index])", story: story)
    }
}
