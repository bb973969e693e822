import ClusterModel
import DequeModule

// A task that takes far longer than its like, while others have nothing to do, is given to a second worker.

extension Scheduler {
    mutating func checkStragglers() {
        if attempts.isEmpty {
            nextStragglerCheck = nil
            return
        }
        let next = now.advanced(milliseconds: configuration.heartbeatMilliseconds)
        guard let due = nextStragglerCheck else {
            nextStragglerCheck = next
            return
        }
        guard due <= now else { return }
        nextStragglerCheck = next
        for job in runOrder {
            guard let profile = jobs[job]?.profile, let stage = jobs[job]?.stage, !stage.live.isEmpty, mayLease(job),
                !profiles[profile].idle.isEmpty, !hasReadyJob(profile)
            else { continue }
            doubleStragglers(of: job, profile)
        }
    }

    private mutating func doubleStragglers(of job: Int, _ profile: Int) {
        let limit = stragglerMilliseconds(job)
        while let oldest = jobs[job]?.stage?.leaseOrder.first, jobs[job]?.stage?.isLive(oldest) == false {
            jobs[job]?.stage?.leaseOrder.removeFirst()
        }
        // Second leases are added at the end, where they are too young to matter.
        let records = jobs[job]?.stage?.leaseOrder.count ?? 0
        for position in 0..<records {
            guard let record = jobs[job]?.stage?.leaseOrder[position] else { return }
            guard let live = jobs[job]?.stage?.live[record.task], live.first == record.attempt else { continue }
            guard let attempt = attempts[record.attempt] else { continue }
            if now < attempt.leasedAt.advanced(milliseconds: limit) { return }
            if live.second != nil { continue }
            guard !profiles[profile].idle.isEmpty else { return }
            leaseAgain(record.task, live.first, attempt, job, profile)
        }
    }

    private mutating func leaseAgain(
        _ task: UInt32, _ first: AttemptID, _ attempt: Attempt, _ job: Int, _ profile: Int
    ) {
        let failedOn = jobs[job]?.stage?.notes[task]?.failedOn ?? []
        var candidate = profiles[profile].idle.next(from: 0)
        while let worker = candidate {
            if worker != attempt.worker, !failedOn.contains(workers[worker].id) { break }
            candidate = profiles[profile].idle.next(from: worker + 1)
        }
        guard let worker = candidate, let second = newAttempt(task, job, worker) else { return }
        jobs[job]?.stage?.live[task] = LiveAttempts(first: first, second: second)
        counters.speculativeLeases += 1
        let (holder, helper) = (workers[attempt.worker].id, workers[worker].id)
        note(attempt.task, job) { note, now in
            note.add(.leased, attempt: first, worker: holder, at: attempt.leasedAt)
            note.add(.leasedAgain, attempt: second, worker: helper, at: now)
        }
    }

    private func stragglerMilliseconds(_ job: Int) -> Int64 {
        guard let usual = jobs[job]?.stage?.usualMilliseconds else { return configuration.stragglerUnknownMilliseconds }
        let factor = min(1_000, max(1, configuration.stragglerFactor))
        return max(configuration.stragglerMilliseconds, Int64(Double(usual) * factor))
    }
}
