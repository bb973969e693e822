import ClusterModel
import Scheduling

/// A worker is asked to change its core type only to one it said it can run and that a job with queued tasks has, while it
/// has nothing in hand and no unfinished job that is not paused needs the one it has.
struct CoreTypeChecker: Checker {
    private var hellos: [Peer: Hello] = [:]
    private var profiles: [JobID: NumericProfile] = [:]
    private var paused: Set<JobID> = []
    private var known: Set<JobID> = []
    /// Leases without an answer; those that a hello does not list may be on the way and count all the same.
    private var inHand: [WorkerID: Set<AttemptID>] = [:]
    private var asked: [(Hello, String)] = []
    /// Counts once it is welcomed; a rival's is refused.
    private var greeting: (Peer, Hello)?

    mutating func coordinatorStarts() {
        hellos = [:]
        profiles = [:]
        paused = []
        known = []
        inHand = [:]
    }

    mutating func told(_ event: SchedulerEvent) {
        greeting = nil
        switch event {
        case .received(let peer, .hello(let hello), _, _): greeting = (peer, hello)
        case .submit(let stage):
            if profiles[stage.job] == nil { profiles[stage.job] = stage.profile }
            // Later stages of a job are as paused as it was before.
            if known.insert(stage.job).inserted, stage.isPaused { paused.insert(stage.job) }
        case .setPaused(let job, let isPaused): if isPaused { paused.insert(job) } else { paused.remove(job) }
        case .finish(let job): profiles[job] = nil
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .send(_, .welcome):
            if let (peer, hello) = greeting {
                hellos[peer] = hello
                inHand[hello.worker] = Set(hello.inHand.map(\.attempt))
            }
        case .profileChosen(let job, let profile): profiles[job] = profile
        case .jobFailed(let job, _): profiles[job] = nil
        case .lease(let peer, let lease):
            if let name = hellos[peer]?.worker { inHand[name, default: []].insert(lease.ref.attempt) }
        case .send(let peer, .ack(let attempt)):
            if let name = hellos[peer]?.worker { inHand[name]?.remove(attempt) }
        case .workerLost(let name, _), .workerLeft(let name): inHand[name] = nil
        case .send(let peer, .changeCoreType(let core)):
            guard let hello = hellos[peer] else { return "a stranger is asked to change its core type" }
            asked.append((hello, core))
            if !(inHand[hello.worker] ?? []).isEmpty { return "\(hello.worker) shall change its core type with tasks in hand" }
        default: break
        }
        return nil
    }

    mutating func verdict(_ simulation: Simulation, _ host: Int) -> String? {
        defer { asked = [] }
        for (hello, core) in asked {
            let wanted = NumericProfile(
                blasVersion: hello.profile.blasVersion, coreType: core, epilogueVersion: hello.profile.epilogueVersion)
            if core == hello.profile.coreType || !hello.coreTypes.contains(where: { $0.coreType == core }) {
                return "\(hello.worker) is asked to change to \(core), which it does not offer"
            }
            if profiles.contains(where: { $1 == hello.profile && !paused.contains($0) }) {
                return "\(hello.worker) is asked to change although a job needs \(hello.profile)"
            }
            if !profiles.values.contains(wanted) { return "\(hello.worker) is asked to change to \(core), which no job needs" }
        }
        return nil
    }
}
