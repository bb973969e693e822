import ClusterModel
import Scheduling

/// A job fails for a reason only: a task failed on three workers, or too often, or was leased so often without an answer, or
/// came back as different bytes.
struct FailureChecker: Checker {
    private struct Record {
        var workers: Set<WorkerID> = []
        var failures = 0
        var leases = 0
        var checksums: Set<UInt32> = []
    }
    private var tasks: [TaskID: Record] = [:]
    private var nameByPeer: [Peer: WorkerID] = [:]
    private var mergingFrom: [TaskID: WorkerID] = [:]
    private var sender: Peer?

    mutating func told(_ event: SchedulerEvent) {
        sender = nil
        switch event {
        case .received(let peer, let message, _, let checksum):
            sender = peer
            if case .result(let result) = message, let checksum {
                tasks[result.ref.task, default: Record()].checksums.insert(checksum)
            }
            if case .hello(let hello) = message { nameByPeer[peer] = hello.worker }
            if case .failed(let failure) = message { count(failure.ref.task, nameByPeer[peer]) }
        case .mergeRejected(let task, _): count(task, mergingFrom[task])
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .lease(_, let lease): tasks[lease.ref.task, default: Record()].leases += 1
        case .merge(let ref, _): mergingFrom[ref.task] = sender.flatMap { nameByPeer[$0] }
        case .jobFailed(let job, let reason):
            let isJustified = tasks.contains { task, record in
                // Whoever computes wrongly fails all jobs it has helped with.
                if record.checksums.count > 1 { return true }
                return task.job == job
                    && (record.workers.count >= Limits.distinctWorkersFailedMax || record.failures >= Limits.taskFailuresMax
                        || record.leases >= Limits.taskLossesMax)
            }
            if !isJustified { return "job \(job) failed without a cause: \(reason)" }
        default: break
        }
        return nil
    }

    private mutating func count(_ task: TaskID, _ worker: WorkerID?) {
        tasks[task, default: Record()].failures += 1
        if let worker { tasks[task]?.workers.insert(worker) }
    }
}
