import ClusterModel
import DequeModule
import Scheduling

// A coordinator's shell: its process and its lease, facts in, effects out.

extension Simulation {
    // MARK: The process

    func startCoordinator(_ host: Int, asStandby: Bool = false) {
        guard !coordinators[host].isAlive else { return }
        coordinators[host].isAlive = true
        coordinators[host].isStandby = asStandby
        trace.add(now, 1, UInt64(host), 0, "coordinator of host \(host) starts\(asStandby ? " as standby" : "")")
        ask(host, asStandby ? .readLease : .takeOver(evicting: false))
    }

    func stopCoordinator(_ host: Int) {
        guard coordinators[host].isAlive else { return }
        trace.add(now, 2, UInt64(host), 0, "coordinator of host \(host) is killed")
        if let scheduler = coordinators[host].scheduler { counters.append(scheduler.counters) }
        let generation = coordinators[host].generation
        for position in checkers[host].indices { checkers[host][position].processEnded(at: now) }
        coordinators[host].stop()
        // The database notices that the connection is gone, unless nobody can tell it.
        if !coordinators[host].isCutFromStore {
            store.endSessions { $0.call.host == host && $0.call.process == generation }
        }
        // The transport connects again by itself, and nobody tells the workers.
        for worker in workers.indices where workers[worker].peer != nil && workers[worker].address == host {
            openConnection(worker)
        }
    }

    /// Takes a step of a job's work, unless this is where the seed kills the coordinator.
    /// - Returns: whether the process still lives.
    func reach(_ step: Step, _ host: Int, _ job: JobID? = nil) -> Bool {
        let count = steps.take(step)
        func isHere(_ kill: Scenario.Kill) -> Bool { kill.step == step && kill.occurrence == count }
        guard !hasHealed, scenario.kills.contains(where: isHere) || options.kills.contains(where: isHere) else { return true }
        steps.kill(step)
        faults.add(.killAtStep)
        trace.add(now, 9, UInt64(step.rawValue), UInt64(host), "killed at step \(step.name)")
        // It may have died while it wrote the record.
        if step == .partialLogged, let job, random.chance(percent: 50) { disks[disk(host)].tearLast(of: job) }
        stopCoordinator(host)
        let asStandby = coordinators.count > 1 && random.chance(percent: 50)
        agenda.add(.coordinatorStarts(host, asStandby: asStandby), at: after(random.int(20...2_000)))
        return false
    }

    // MARK: The lease

    func waitForLease(_ host: Int) {
        // Who waits looks more often than the leader shows itself.
        let pause = coordinators[host].epoch == nil ? 250 : SimulatedStore.renewMilliseconds
        agenda.add(.leaseIsDue(host, generation: coordinators[host].generation), at: after(pause))
    }

    /// Takes over when the leader has left in order, or has stood still for long by this host's own clock, whatever the
    /// database's clock says.
    func watchLease(_ host: Int, _ epoch: Epoch, _ renewals: Int) {
        let local = coordinators[host].clock.read(now)
        let isFree = renewals < 0 || epoch.rawValue == 0
        if let watched = coordinators[host].watched, watched.epoch == epoch, watched.renewals == renewals {
            let isStale = watched.since.advanced(milliseconds: SimulatedStore.staleMilliseconds) <= local
            if isStale || isFree { return ask(host, .takeOver(evicting: true)) }
        } else {
            coordinators[host].watched = (epoch, renewals, local)
            if isFree { return ask(host, .takeOver(evicting: true)) }
        }
        waitForLease(host)
    }

    /// Told to stop, it writes down what it has and gives the lease back.
    func leaveInOrder(_ host: Int) {
        guard coordinators[host].isAlive, coordinators[host].backlog == nil else { return }
        for job in coordinators[host].jobs.keys.sorted() where coordinators[host].isAlive { flushLog(host, job) }
        if coordinators[host].epoch != nil { ask(host, .release) }
        stopCoordinator(host)
    }

    func leaseIsDue(_ host: Int, _ generation: Int) {
        guard coordinators[host].isAlive, coordinators[host].generation == generation else { return }
        if coordinators[host].epoch == nil { return ask(host, .readLease) }
        ask(host, .renew)
        waitForLease(host)
    }

    /// It has the lease: from now on the writes of earlier ones are refused.
    func begin(_ host: Int, _ epoch: Epoch) {
        if coordinators[host].isStandby { faults.add(.standby) }
        if scenario.sharesDisk, host > 0 { faults.add(.sharedDisk) }
        coordinators[host].isStandby = false
        coordinators[host].epoch = epoch
        coordinators[host].beganAt = now
        coordinators[host].scheduler = Scheduler(epoch: epoch, configuration: configuration, plantedBug: options.plantedBug)
        for position in checkers[host].indices { checkers[host][position].coordinatorStarts() }
        guard reach(.tookLease, host) else { return }
        waitForLease(host)
        ask(host, .readJobs)
    }

    /// Another one has the lease. A supervisor starts this one again, to wait.
    func stepDown(_ host: Int) {
        stepDowns += 1
        for position in checkers[host].indices { checkers[host][position].heardOfSuccessor() }
        if options.shellBug == .stepDownIgnored { return }
        trace.add(now, 10, UInt64(host), 0, "coordinator of host \(host) steps down")
        stopCoordinator(host)
        agenda.add(.coordinatorStarts(host, asStandby: true), at: after(random.int(50...1_000)))
    }

    // MARK: Facts in

    func coordinatorReceives(_ parcel: Parcel, from peer: Peer, at host: Int) {
        guard coordinators[host].scheduler != nil else { return }
        switch parcel {
        case .message(let message, let partial):
            let handle = partial.map { coordinators[host].keep($0) }
            tell(host, .received(from: peer, message, payload: handle, checksum: partial?.checksum))
        case .garbage(let reason): tell(host, .undecodable(from: peer, reason: reason))
        case .otherVersion(let version): tell(host, .unsupportedVersion(from: peer, version: version))
        }
    }

    /// Tells the scheduler a fact, does what it says, and checks everything.
    func tell(_ host: Int, _ event: SchedulerEvent) {
        guard coordinators[host].scheduler != nil else { return }
        coordinators[host].pending.append(event)
        guard !coordinators[host].isTelling else { return }
        coordinators[host].isTelling = true
        defer { coordinators[host].isTelling = false }
        while violation == nil, let event = coordinators[host].pending.popFirst() {
            for position in checkers[host].indices { checkers[host][position].told(event) }
            trace.add(event, host, now)
            let local = coordinators[host].clock.read(now)
            let heard = coordinators[host].asHeard(event)
            guard let effects = coordinators[host].scheduler?.handle(heard, at: local) else { return }
            for effect in effects {
                trace.add(effect, host, now)
                for position in checkers[host].indices {
                    if let sentence = checkers[host][position].did(effect) { fail(sentence) }
                }
                perform(effect, host)
                // Killed in the middle of it: the rest does not happen any more.
                if coordinators[host].scheduler == nil { return }
            }
            for position in checkers[host].indices {
                if let sentence = checkers[host][position].verdict(self, host) { fail(sentence) }
            }
        }
        planCoordinatorTick(host)
    }

    /// The connection is closed, though what it brought may still wait to be read.
    private func cannotReach(_ peer: Peer, _ host: Int) {
        coordinators[host].pending.append(.unroutable(peer))
        if options.shellBug == .brokenConnectionForgotten {
            peerCount += 1
            coordinators[host].renamedPeers[peer] = Peer(peerCount)
        }
    }

    private func planCoordinatorTick(_ host: Int) {
        guard let deadline = coordinators[host].scheduler?.nextDeadline else { return }
        let moment = coordinators[host].clock.moment(of: deadline, now)
        if let planned = coordinators[host].tickAt, planned <= moment { return }
        // Never in the past, and a little later each time, so that a wrong deadline shows as being stuck.
        let at = max(moment, MonotonicTime(nanoseconds: now.nanoseconds + 1))
        coordinators[host].tickAt = at
        agenda.add(.coordinatorTick(host), at: at)
    }

    // MARK: Effects out

    private func perform(_ effect: SchedulerEffect, _ host: Int) {
        switch effect {
        case .send(let peer, let message):
            if !send(message, nil, to: peer, from: host) { cannotReach(peer, host) }
            if case .welcome = message {
                coordinators[host].keptPeers.insert(peer)
                // One that could not be reached when everything healed is only now seen to be a suspect.
                if hasHealed { restartSuspects(host) }
            }
            if case .ack = message { _ = reach(.resultAcknowledged, host) }
        case .lease(let peer, let lease):
            let id = lease.ref.task.job
            checkPause(host, id)
            guard let job = scenario.jobs.first(where: { $0.id == id }) else {
                return fail("a task of a job nobody submitted was leased")
            }
            let running = coordinators[host].jobs[id]
            let task = ToyJob.Task(
                jobSeed: job.seed, stage: running?.stage ?? 0, index: lease.ref.task.index, carry: running?.carry ?? 0)
            if !send(.lease(lease), task, to: peer, from: host) { cannotReach(peer, host) }
            _ = reach(.leaseSent, host)
        case .merge(let ref, let handle):
            guard reach(.resultReceived, host) else { return }
            var milliseconds = random.int(0...2)
            if isFaulty(.slowMerge), random.chance(percent: 30) {
                faults.add(.slowMerge)
                milliseconds = random.int(10...1_500)
            }
            agenda.add(.mergeEnds(host, generation: coordinators[host].generation, ref, handle), at: after(milliseconds))
        case .discard(let handle):
            if coordinators[host].payloads.removeValue(forKey: handle) == nil { fail("\(handle) was discarded twice") }
        case .profileChosen(let job, let profile): coordinators[host].jobs[job]?.profile = profile
        case .stageComplete(let id, let plan): stageCompletes(host, id, plan)
        case .jobFailed(let id, let reason):
            // What is found out while the rows are written comes too late.
            if coordinators[host].jobs[id]?.phase != .publishing { end(host, id, .failed, reason: reason) }
        case .alarm: if hasHealed { restartSuspects(host) }
        case .workerJoined, .workerLost, .workerLeft:
            break
        case .forget(let peer): coordinators[host].keptPeers.remove(peer)
        }
    }
}
