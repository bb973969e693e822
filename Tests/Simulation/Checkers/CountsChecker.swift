import ClusterModel
import Scheduling

/// Progress adds up to the number of tasks and never goes back.
struct CountsChecker: Checker {
    private var merged: [PlanHash: Int] = [:]

    mutating func coordinatorStarts() { merged = [:] }

    mutating func verdict(_ simulation: Simulation) -> String? {
        guard let scheduler = simulation.coordinator.scheduler else { return nil }
        for job in simulation.scenario.jobs {
            guard let progress = scheduler.progress(of: job.id) else { continue }
            let sum = progress.queued + progress.leased + progress.merging + progress.merged
            if sum != progress.total { return "job \(job.id) has \(progress.total) tasks, its progress says \(sum)" }
            if progress.merged < merged[progress.plan] ?? 0 { return "job \(job.id) has fewer merged tasks than before" }
            merged[progress.plan] = progress.merged
        }
        return nil
    }
}
