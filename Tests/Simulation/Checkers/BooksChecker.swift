import ClusterModel
import Scheduling

/// The scheduler's own books agree with each other.
struct BooksChecker: Checker {
    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        simulation.coordinators[host].scheduler?.validate().first
    }
}
