import ClusterModel

/// What the shell has to do, in this order, after an event.
package enum SchedulerEffect: Equatable, Sendable {
    case send(Peer, CoordinatorMessage)
    /// Send the lease with the task's payload.
    case lease(Peer, Lease)
    /// Merge this partial into the job's state, then say `merged` or `mergeRejected` of its task.
    case merge(AttemptRef, PayloadHandle)
    /// Nobody needs these bytes.
    case discard(PayloadHandle)

    /// From the first lease on all results of the job will have this profile. Record it.
    case profileChosen(JobID, NumericProfile)
    /// Every task of the stage is merged.
    case stageComplete(JobID, PlanHash)
    /// The job cannot end well; its tasks are already dropped. The reason is a sentence, with the task's story.
    case jobFailed(JobID, reason: String)

    case workerJoined(WorkerID)
    /// Not heard of for too long; so many attempts went back to the queue.
    case workerLost(WorkerID, attemptsReturned: Int)
    /// Said goodbye.
    case workerLeft(WorkerID)
    /// Something that must not happen and that a person should look at, as one sentence; whom and what it is about, for logs.
    case alarm(String, worker: WorkerID? = nil, task: TaskID? = nil)
    /// The connection of a worker that has left or was forgotten, or has come back by another one: nobody waits for it.
    case forget(Peer)
}
