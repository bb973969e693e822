import ClusterModel
import DequeModule

/// The last tasks that ended, numbered as they did.
package struct TaskEnds: Sendable {
    /// How many ended in all.
    package private(set) var serial = 0
    /// At most `Limits.taskEventsMax`, oldest first.
    private var events: Deque<TaskEventView> = []

    package init() {}

    mutating func add(_ event: TaskEventView) {
        if events.count == Limits.taskEventsMax { events.removeFirst() }
        events.append(event)
        serial += 1
    }

    /// Those that ended when so many had, as far as they are remembered.
    package func events(after serial: Int) -> [TaskEventView] {
        serial >= self.serial ? [] : Array(events.suffix(self.serial - max(0, serial)))
    }
}

extension Scheduler {
    /// - Parameter leasedAt: nil where the lease is an earlier coordinator's.
    mutating func noteEnd(
        of task: TaskID, _ state: TaskEventView.State, on worker: WorkerID, since leasedAt: MonotonicTime?
    ) {
        guard let job = jobByID[task.job] else { return }
        let nanoseconds = leasedAt.map { max(0, now.nanoseconds - $0.nanoseconds) } ?? 0
        ends.add(
            TaskEventView(
                jobID: task.job, stage: stageName(job), task: Int(task.index), worker: worker.rawValue, state: state,
                milliseconds: Int(nanoseconds / 1_000_000)))
    }
}
