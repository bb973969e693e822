import ClusterModel

// Which numeric profile a job gets, and which workers start again to have it.

extension Scheduler {
    /// How much more a profile must give before workers that run another one start again for it: measurements of a moment
    /// differ by a few percent from host to host, and a new start costs the block cache.
    private static let changeMarginFactor = 1.05

    /// A profile, and what the workers that run it or could run it would give together.
    private struct Offer {
        let profile: NumericProfile
        var gigaflopsPerSecond = 0.0
        /// Slots that need not be started again.
        var slotsRunning = 0
    }

    /// Fixes the profile of jobs without one: that which gives the present workers most GFLOP/s together.
    mutating func chooseProfiles() {
        guard leasableCount > 0, profilesSettledAt.map({ $0 <= now }) ?? true,
            readyOrder.contains(where: { jobs[$0]?.profile == nil }), let best = bestProfile()
        else { return }
        for job in readyOrder where jobs[job]?.profile == nil {
            guard let id = jobs[job]?.id else { continue }
            let slot = referProfile(best)
            jobs[job]?.profile = slot
            effects.append(.profileChosen(id, best))
        }
        nextChangeCheck = nil
    }

    /// Of those within the margin of the most GFLOP/s, the one that most slots run already; of equals the first by name.
    private func bestProfile() -> NumericProfile? {
        let offers = offers().filter { profileSlot(of: $0.profile) != nil }
        let most = offers.map(\.gigaflopsPerSecond).max() ?? 0
        let good = offers.filter { $0.gigaflopsPerSecond * Self.changeMarginFactor >= most }
        return good.max { a, b in
            if a.slotsRunning != b.slotsRunning { return a.slotsRunning < b.slotsRunning }
            if a.gigaflopsPerSecond != b.gigaflopsPerSecond { return a.gigaflopsPerSecond < b.gigaflopsPerSecond }
            return a.profile.description > b.profile.description
        }?.profile
    }

    private func offers() -> [Offer] {
        var offers: [Offer] = []
        func add(_ profile: NumericProfile, _ gigaflopsPerSecond: Double, _ slots: Int, isRunning: Bool) {
            var position = offers.firstIndex { $0.profile == profile }
            if position == nil, offers.count < Limits.numericProfilesMax {
                offers.append(Offer(profile: profile))
                position = offers.count - 1
            }
            guard let position else { return }
            offers[position].gigaflopsPerSecond += Double(slots) * gigaflopsPerSecond
            if isRunning { offers[position].slotsRunning += slots }
        }
        for worker in workers where worker.leasable {
            guard let present = worker.profile.map({ profiles[$0].profile }) else { continue }
            // Without a measurement a slot counts as one of 1 GFLOP/s, so that slots decide where nobody has measured.
            add(present, worker.peak(of: present)?.gigaflopsPerSecond ?? 1, worker.slots, isRunning: true)
            for other in worker.coreTypes where other.coreType != present.coreType {
                add(present.with(coreType: other.coreType), other.gigaflopsPerSecond, worker.slots, isRunning: false)
            }
        }
        return offers
    }

    // MARK: Changes

    /// Asks workers that have nothing in hand to start again with the profile of a job that has tasks for them. Those
    /// whose present profile another unfinished job needs that is not paused stay, so that workers do not go to and fro
    /// between two jobs.
    mutating func askForChanges() {
        guard !readyOrder.isEmpty, nextChangeCheck.map({ $0 <= now }) ?? true, !planted(.changeForgotten) else { return }
        nextChangeCheck = now.advanced(milliseconds: configuration.heartbeatMilliseconds)
        var isNeeded = [Bool](repeating: false, count: profiles.count)
        // A paused job takes the workers back when it is resumed.
        for record in jobs {
            if let record, let profile = record.profile, !record.isPaused {
                isNeeded[profile] = !planted(.presentProfileForgotten)
            }
        }
        var seen = [Bool](repeating: false, count: profiles.count)
        for job in readyOrder {
            guard let wanted = jobs[job]?.profile, !seen[wanted], profiles[wanted].workers < leasableCount else { continue }
            seen[wanted] = true
            ask(for: wanted, tasks: jobs[job]?.stage?.queued.count ?? 0, isNeeded)
        }
    }

    /// - Parameter tasks: tasks that wait; no more workers are asked than these could use.
    private mutating func ask(for wanted: Int, tasks: Int, _ isNeeded: [Bool]) {
        var tasksLeft = tasks
        for worker in workers.indices where tasksLeft > 0 {
            guard workers[worker].leasable, workers[worker].creditInUse == 0 || planted(.presentProfileForgotten),
                let present = workers[worker].profile, !isNeeded[present], canChange(worker, to: wanted)
            else { continue }
            tasksLeft -= workers[worker].slots
            // The request or its answer may be on the way.
            if let asked = workers[worker].askedToChangeAt,
                now < asked.advanced(milliseconds: configuration.leaseInFlightMilliseconds)
            {
                continue
            }
            workers[worker].askedToChangeAt = now
            counters.coreTypeChangesAsked += 1
            send(.changeCoreType(profiles[wanted].profile.coreType), to: worker)
            if planted(.askedCountsAsChanged) { move(worker, to: wanted) }
        }
    }

    /// Whether a worker that runs another profile has said that it can run this one.
    func canChange(_ worker: Int, to wanted: Int) -> Bool {
        guard let present = workers[worker].profile, present != wanted else { return false }
        let profile = profiles[wanted].profile
        return profiles[present].profile.with(coreType: profile.coreType) == profile
            && workers[worker].coreTypes.contains { $0.coreType == profile.coreType }
    }

    /// Only for the planted mistake.
    private mutating func move(_ worker: Int, to wanted: Int) {
        let state = workers[worker].state
        workers[worker].state = .unreachable
        refresh(worker)
        releaseProfile(workers[worker].profile)
        workers[worker].profile = referProfile(profiles[wanted].profile)
        workers[worker].state = state
        refresh(worker)
    }

    /// Workers of one profile must give the same bits. If two of them disagree about the fixed operands, their OpenBLAS is
    /// not the same although it says so.
    func answer(of worker: Int) -> String {
        workers[worker].profile.flatMap { workers[worker].peak(of: profiles[$0].profile)?.answer } ?? ""
    }

    mutating func compareAnswers(_ worker: Int) {
        let mine = answer(of: worker)
        guard !mine.isEmpty, let profile = workers[worker].profile else { return }
        let other = workers.indices.first { other in
            other != worker && workers[other].leasable && workers[other].profile == profile && !answer(of: other).isEmpty
        }
        guard let other, answer(of: other) != mine else { return }
        alarm(
            "worker \(workers[worker].id) computes other bits than \(workers[other].id) although both run "
                + "\(profiles[profile].profile): install the same OpenBLAS on all hosts", worker: workers[worker].id)
    }
}

extension WorkerRecord {
    /// What it measured of the profile it runs.
    func peak(of present: NumericProfile) -> CoreTypeSpeed? { coreTypes.first { $0.coreType == present.coreType } }
}

extension NumericProfile {
    /// The same programs with another core type.
    func with(coreType: String) -> NumericProfile {
        NumericProfile(blasVersion: blasVersion, coreType: coreType, epilogueVersion: epilogueVersion)
    }
}
