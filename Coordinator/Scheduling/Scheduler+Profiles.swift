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
            && !workers[worker].isSuspect
        if isLeasable != workers[worker].leasable {
            workers[worker].leasable = isLeasable
            profiles[slot].workers += isLeasable ? 1 : -1
            profiles[slot].slots += isLeasable ? workers[worker].slots : -workers[worker].slots
            leasableCount += isLeasable ? 1 : -1
        }
        let held = workers[worker].creditInUse
        let credit = planted(.creditIgnored) ? workers[worker].credit + 2 : workers[worker].credit
        let isIdle = isLeasable && held < workers[worker].slots
        let canTopUp = isLeasable && !isIdle && held < credit
        if isIdle { profiles[slot].idle.insert(worker) } else { profiles[slot].idle.remove(worker) }
        if canTopUp { profiles[slot].topUp.insert(worker) } else { profiles[slot].topUp.remove(worker) }
    }
}
