import ClusterModel

// Which numeric profiles are there, and which workers of each could take a lease.

extension Scheduler {
    /// The slot a profile has or could get; nil when there are too many different ones.
    func profileSlot(of profile: NumericProfile) -> Int? {
        if let known = profiles.firstIndex(where: { $0.references > 0 && $0.profile == profile }) { return known }
        if let unused = profiles.firstIndex(where: { $0.references == 0 }) { return unused }
        return profiles.count < Limits.numericProfilesMax ? profiles.count : nil
    }

    /// - Precondition: `profileSlot(of:)` is not nil.
    mutating func referProfile(_ profile: NumericProfile) -> Int {
        guard let slot = profileSlot(of: profile) else { preconditionFailure("too many numeric profiles") }
        let capacity = max(64, workers.capacity)
        if slot == profiles.count {
            profiles.append(
                ProfileRecord(
                    profile: profile, idle: NumberSet(capacity: capacity), topUp: NumberSet(capacity: capacity)))
            growHungrySets()
        }
        profiles[slot].profile = profile
        profiles[slot].references += 1
        return slot
    }

    mutating func releaseProfile(_ slot: Int?) {
        if let slot { profiles[slot].references -= 1 }
    }

    /// Gives the sets room for every worker slot; doubling, so that it is rare.
    mutating func growHungrySets() {
        for slot in profiles.indices where profiles[slot].idle.capacity < workers.count {
            let capacity = max(64, workers.count * 2)
            profiles[slot].idle.grow(to: capacity)
            profiles[slot].topUp.grow(to: capacity)
        }
    }

    /// Puts a worker where it belongs after anything that decides whether it can take a lease has changed.
    mutating func refresh(_ worker: Int) {
        guard let slot = workers[worker].profile else { return }
        let isLeasable =
            workers[worker].state == .connected && (!workers[worker].draining || planted(.drainIgnored))
        if isLeasable != workers[worker].leasable {
            workers[worker].leasable = isLeasable
            profiles[slot].workers += isLeasable ? 1 : -1
            profiles[slot].slots += isLeasable ? workers[worker].slots : -workers[worker].slots
        }
        let held = workers[worker].creditInUse
        let credit = planted(.creditIgnored) ? workers[worker].credit + 2 : workers[worker].credit
        let isIdle = isLeasable && held < workers[worker].slots
        let canTopUp = isLeasable && !isIdle && held < credit
        if isIdle { profiles[slot].idle.insert(worker) } else { profiles[slot].idle.remove(worker) }
        if canTopUp { profiles[slot].topUp.insert(worker) } else { profiles[slot].topUp.remove(worker) }
    }

    /// Fixes the profile of a job at its first lease: the one with the most slots; of equals the first by name.
    mutating func chooseProfile(ofJob job: Int) {
        let candidates = profiles.indices.filter { profiles[$0].references > 0 && profiles[$0].workers > 0 }
        let best = candidates.max { a, b in
            profiles[a].slots != profiles[b].slots
                ? profiles[a].slots < profiles[b].slots
                : profiles[a].profile.description > profiles[b].profile.description
        }
        guard let best, let id = jobs[job]?.id else { return }
        jobs[job]?.profile = best
        profiles[best].references += 1
        effects.append(.profileChosen(id, profiles[best].profile))
    }
}
