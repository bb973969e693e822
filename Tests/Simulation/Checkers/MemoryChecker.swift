import ClusterModel
import Scheduling

/// The coordinator keeps no partial that is not being merged: what it holds is bounded by the merge queue.
struct MemoryChecker: Checker {
    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        let kept = simulation.coordinators[host].payloads.count
        let bound = simulation.configuration.mergesInFlightMax
        // Partials of jobs that ended while merging wait for the merger, which drops them.
        let ended = simulation.scenario.jobs.reduce(0) { sum, job in
            simulation.coordinators[host].jobs[job.id]?.phase != .running ? sum + job.stages.reduce(0) { $0 + $1.taskCount } : sum
        }
        return kept > bound + ended ? "the coordinator keeps \(kept) partials, \(bound) may be merging" : nil
    }
}
