import ClusterModel

extension Scheduler {
    /// One sentence about what the job is doing or waiting for.
    package func explain(_ id: JobID, at now: MonotonicTime) -> String {
        guard let slot = jobByID[id], let record = jobs[slot] else { return "job \(id) has no tasks here" }
        guard let stage = record.stage else { return "job \(id) is between two stages" }
        let subject = "job \(id), stage \(stage.name)"
        let progress = "\(stage.mergedCount) of \(stage.taskCount) tasks are done"
        let failure = record.lastFailure.map { "; last failure: \($0)" } ?? ""
        if stage.isComplete {
            return "\(subject): \(progress), and \(stage.verifications.count) of them are compared with a second worker's result"
        }
        if !stage.live.isEmpty || !stage.merges.isEmpty {
            return "\(subject): \(progress), \(stage.leasedCount) are with workers, \(stage.queued.count) wait\(failure)"
        }
        return "\(subject): \(progress), and it waits \(reasonToWait(slot, record))\(failure)"
    }

    private func reasonToWait(_ slot: Int, _ record: JobRecord) -> String {
        let connected = workers.filter { $0.state == .connected || $0.state == .unreachable }
        if connected.isEmpty { return "for a worker: none is connected" }
        if !connected.contains(where: \.leasable) {
            let reason = connected.contains(where: \.isSuspect) ? "draining or suspect" : "draining"
            return "for a worker: all \(connected.count) connected ones are \(reason)"
        }
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
}
