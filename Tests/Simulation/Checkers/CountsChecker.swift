import ClusterModel
import Scheduling

/// Progress adds up to the number of tasks and never goes back.
struct CountsChecker: Checker {
    private struct Stage: Hashable {
        let job: JobID
        let plan: PlanHash
    }
    private var merged: [Stage: Int] = [:]

    mutating func coordinatorStarts() { merged = [:] }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        guard let scheduler = simulation.coordinators[host].scheduler else { return nil }
        for job in simulation.scenario.jobs {
            guard let progress = scheduler.progress(of: job.id) else { continue }
            let sum = progress.queued + progress.leased + progress.merging + progress.merged
            if sum != progress.total { return "job \(job.id) has \(progress.total) tasks, its progress says \(sum)" }
            let stage = Stage(job: job.id, plan: progress.plan)
            if progress.merged < merged[stage] ?? 0 { return "job \(job.id) has fewer merged tasks than before" }
            merged[stage] = progress.merged
        }
        return nil
    }
}
