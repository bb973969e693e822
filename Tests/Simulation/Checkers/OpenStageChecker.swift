import ClusterModel
import Scheduling

/// Only tasks of the stage a job has open are leased and merged; of a job that is over, none; and a stage is complete
/// when all its tasks are merged.
struct OpenStageChecker: Checker {
    private struct Stage {
        let plan: PlanHash
        let taskCount: Int
        var merged: Set<UInt32> = []
    }
    private var open: [JobID: Stage] = [:]

    mutating func coordinatorStarts() { open = [:] }

    mutating func told(_ event: SchedulerEvent) {
        switch event {
        case .submit(let stage): open[stage.job] = Stage(plan: stage.plan, taskCount: stage.taskCount, merged: Set(stage.merged))
        case .finish(let job): open[job] = nil
        case .merged(let task) where open[task.job]?.plan == task.plan: open[task.job]?.merged.insert(task.index)
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .lease(_, let lease): return verdict(lease.ref.task, "leased")
        case .merge(let ref, _): return verdict(ref.task, "merged")
        case .stageComplete(let job, let plan):
            guard let stage = open[job], stage.plan == plan else { return "job \(job) completes a stage that is not open" }
            open[job] = nil
            if stage.merged.count != stage.taskCount {
                return "job \(job) completes a stage with \(stage.merged.count) of \(stage.taskCount) tasks merged"
            }
        case .jobFailed(let job, _): open[job] = nil
        default: break
        }
        return nil
    }

    private func verdict(_ task: TaskID, _ what: String) -> String? {
        guard let stage = open[task.job] else { return "task \(task) is \(what), but its job has no open stage" }
        if stage.plan != task.plan { return "task \(task) is \(what), but the open stage is \(stage.plan)" }
        return task.index < stage.taskCount ? nil : "task \(task) is \(what), but the stage has \(stage.taskCount) tasks"
    }
}
