import ClusterModel
import Scheduling

/// While every worker computes what it should and nothing is corrupted on the way, nobody is alarmed.
struct AlarmChecker: Checker {
    private var alarm: String?

    mutating func did(_ effect: SchedulerEffect) -> String? {
        if case .alarm(let sentence, _, _) = effect { alarm = sentence }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        let causes: [Fault] = [.garbledPartial, .wrongBytes, .accomplices, .corruption, .truncation, .oversize, .wrongVersion]
        guard let alarm, !causes.contains(where: simulation.scenario.isOn) else { return nil }
        return "an alarm without a cause: \(alarm)"
    }
}
