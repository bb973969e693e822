import ClusterModel
import Scheduling

/// Who has not said hello is asked who it is, and nothing it says counts.
struct StrangerChecker: Checker {
    private var known: Set<Peer> = []
    private var stranger: Peer?

    mutating func coordinatorStarts() { known = [] }

    mutating func told(_ event: SchedulerEvent) {
        stranger = nil
        guard case .received(let peer, let message, _, _) = event else { return }
        if case .hello = message { known.insert(peer) } else if !known.contains(peer) { stranger = peer }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        guard let stranger else { return nil }
        switch effect {
        case .merge(let ref, _): return "the result of \(ref.task) was taken from a stranger, \(stranger)"
        case .send(stranger, .whoAreYou): return nil
        case .send(stranger, let message): return "\(stranger) never said hello and was told \(message)"
        case .lease(stranger, _): return "\(stranger) never said hello and got a lease"
        default: return nil
        }
    }
}
