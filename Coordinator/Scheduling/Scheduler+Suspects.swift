import ClusterModel

// A worker that was found to compute wrongly gets nothing more, and nothing it has computed is published.

extension Scheduler {
    /// Takes a worker out until its process is started anew, and fails the jobs it has contributed to: a partial cannot be
    /// taken out of what it was merged into.
    ///
    /// - Parameter task: what it computed wrongly.
    mutating func suspect(_ name: WorkerID, _ sentence: String, task: TaskID) {
        alarm("\(sentence): it gets no more leases", worker: name, task: task)
        if let worker = workerByName[name], !workers[worker].isSuspect {
            counters.workersSuspected += 1
            workers[worker].isSuspect = true
            withdrawAttempts(of: worker)
        }
        for job in runOrder where jobs[job]?.contributors.contains(name) == true {
            failJob(
                job,
                "\(sentence), so that nothing it computed for this job can be trusted: have its memory and CPU checked, "
                    + "and run the job again")
        }
    }

    /// Gives the tasks of a worker to others while it still has them in hand.
    private mutating func withdrawAttempts(of worker: Int) {
        var withdrawn: [AttemptID] = []
        for id in workers[worker].outstanding {
            guard let attempt = attempts[id], attempt.state == .live || attempt.state == .verifying else { continue }
            attempts[id]?.state = .doomed
            withdrawn.append(id)
            if attempt.state == .live {
                giveBack(id, attempt, because: .workerSuspect)
            } else {
                unverified(id, attempt, failed: false)
            }
        }
        if !withdrawn.isEmpty { send(.cancel(withdrawn), to: worker) }
        refresh(worker)
    }
}
