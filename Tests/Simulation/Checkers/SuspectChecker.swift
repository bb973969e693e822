import ClusterModel
import Scheduling

/// Nobody is found to compute wrongly who always computed what it should, whoever agrees against it.
struct SuspectChecker: Checker {
    private var suspect: WorkerID?

    mutating func did(_ effect: SchedulerEffect) -> String? {
        if case .alarm(let sentence, let worker, _) = effect, sentence.hasSuffix(": it gets no more leases") { suspect = worker }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        guard let worker = suspect else { return nil }
        suspect = nil
        return simulation.erred.contains(worker) ? nil : "\(worker) is suspect, and has never computed wrongly"
    }
}
