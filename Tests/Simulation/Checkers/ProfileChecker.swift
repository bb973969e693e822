import ClusterModel
import Scheduling

/// All leases of a job go to workers of one numeric profile, the one the scheduler said, and only their results are merged.
struct ProfileChecker: Checker {
    private var profileByPeer: [Peer: NumericProfile] = [:]
    private var profileByJob: [JobID: NumericProfile] = [:]
    private var sender: Peer?

    mutating func coordinatorStarts() {
        // Another coordinator may have chosen, and published with, another one meanwhile.
        profileByPeer = [:]
        profileByJob = [:]
    }

    mutating func told(_ event: SchedulerEvent) {
        sender = nil
        switch event {
        case .received(let peer, let message, _, _):
            sender = peer
            if case .hello(let hello) = message { profileByPeer[peer] = hello.profile }
        case .submit(let stage):
            if let profile = stage.profile, profileByJob[stage.job] == nil { profileByJob[stage.job] = profile }
        default: break
        }
    }

    mutating func did(_ effect: SchedulerEffect) -> String? {
        switch effect {
        case .profileChosen(let job, let profile):
            if let before = profileByJob[job] { return "job \(job) changes its profile from \(before) to \(profile)" }
            profileByJob[job] = profile
        case .lease(let peer, let lease):
            let job = lease.ref.task.job
            guard let wanted = profileByJob[job] else { return "job \(job) has a lease and no profile" }
            if profileByPeer[peer] != wanted { return "a task of job \(job) went to a worker of another profile" }
        case .merge(let ref, _):
            guard let sender, profileByPeer[sender] == profileByJob[ref.task.job] else {
                return "a partial of another profile is merged into job \(ref.task.job)"
            }
        default: break
        }
        return nil
    }
}
