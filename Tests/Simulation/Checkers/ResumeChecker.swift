import ClusterModel
import Scheduling

/// What a coordinator has acknowledged is not asked for again by the next one on the same host: a little later it is in a
/// file, as long as the disk takes and keeps what is written.
struct ResumeChecker: Checker {
    private struct Task: Hashable {
        let id: TaskID
        let profile: NumericProfile
    }
    /// When each task was acknowledged; nil until the event at hand is over.
    private var acknowledged: [Task: MonotonicTime] = [:]
    private var fresh: [Task] = []
    private var profiles: [JobID: NumericProfile] = [:]
    private var merging: [AttemptID: TaskID] = [:]

    mutating func coordinatorStarts() {
        profiles = [:]
        merging = [:]
    }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .submit(let stage): if let profile = stage.profile { profiles[stage.job] = profile }
        case .mergeRejected(let task, _): merging = merging.filter { $0.value != task }
        // Nobody needs the rest any more, and some are acknowledged without having been merged.
        case .finish(let job): forget(job)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .profileChosen(let job, let profile): profiles[job] = profile
        case .merge(let ref, _): merging[ref.attempt] = ref.task
        case .send(_, .ack(let attempt)):
            guard let task = merging.removeValue(forKey: attempt), let profile = profiles[task.job] else { return nil }
            fresh.append(Task(id: task, profile: profile))
        case .jobFailed(let job, _): forget(job)
        default: break
        }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        for task in fresh { acknowledged[task] = simulation.now }
        fresh = []
        return nil
    }

    /// What was acknowledged shortly before may be lost with the process.
    mutating func processEnded(at now: MonotonicTime) {
        fresh = []
        let written = now.advanced(milliseconds: -Int64(SimulatedDisk.delayMilliseconds) - 1)
        acknowledged = acknowledged.filter { $0.value < written }
    }

    mutating func replays(
        _ merged: Set<UInt32>, of plan: PlanHash, _ job: JobID, _ simulation: Simulation, _ host: Int
    ) -> String? {
        // One that is stopped for a while does not get round to writing.
        if simulation.diskTroubles.contains(simulation.disk(host)) || simulation.scenario.isOn(.coordinatorFreeze) { return nil }
        let profile = simulation.coordinators[host].jobs[job]?.profile
        let lost = acknowledged.keys.filter { task in
            task.id.job == job && task.id.plan == plan && task.profile == profile && !merged.contains(task.id.index)
        }
        guard let first = lost.map(\.id).min() else { return nil }
        return "task \(first) was acknowledged long before this coordinator and is not in its files"
    }

    private mutating func forget(_ job: JobID) {
        if !merging.isEmpty { merging = merging.filter { $0.value.job != job } }
    }
}
