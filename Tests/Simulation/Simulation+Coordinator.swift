import ClusterModel
import DequeModule
import Scheduling

// The coordinator's shell: does what the scheduler says.

extension Simulation {
    func startCoordinator() {
        let epoch = store.takeOver()
        coordinator.scheduler = Scheduler(epoch: epoch, configuration: configuration, plantedBug: options.plantedBug)
        for position in checkers.indices { checkers[position].coordinatorStarts() }
        trace.add(now, 1, UInt64(bitPattern: epoch.rawValue), 0, "coordinator starts, \(epoch)")
        // The merged partials died with the coordinator before; its jobs begin again.
        for job in scenario.jobs where store.jobs[job.id]?.state == .running { begin(job) }
    }

    func stopCoordinator() {
        trace.add(now, 2, 0, 0, "coordinator is killed")
        if let scheduler = coordinator.scheduler { counters.append(scheduler.counters) }
        coordinator.stop()
        // The transport connects again by itself, and nobody tells the workers.
        for worker in workers.indices where workers[worker].peer != nil { openConnection(worker) }
    }

    func jobArrives(_ job: Scenario.Job) {
        guard store.write(job.id, as: store.epoch, { $0.state = .running }) else { return }
        begin(job)
    }

    func jobIsCancelled(_ job: Scenario.Job) {
        guard store.write(job.id, as: store.epoch, { $0.state = .cancelled }) else { return }
        faults.add(.cancel)
        coordinator.running[job.id] = nil
        tell(.finish(job.id))
    }

    private func begin(_ job: Scenario.Job) {
        guard coordinator.scheduler != nil else { return }
        let plan = ToyJob.plan(jobSeed: job.seed, stage: 0, carry: 0)
        coordinator.running[job.id] = SimulatedCoordinator.RunningJob(scenario: job, plan: plan)
        submitStage(of: job.id)
    }

    private func submitStage(of id: JobID) {
        guard let job = coordinator.running[id] else { return }
        let stage = job.scenario.stages[job.stage]
        tell(
            .submit(
                StageSubmission(
                    job: id, plan: job.plan, stageName: "stage-\(job.stage)", kind: "toy", taskCount: stage.taskCount,
                    grid: stage.grid, priority: job.scenario.priority, profile: store.jobs[id]?.profile)))
    }

    // MARK: Facts in

    func coordinatorReceives(_ parcel: Parcel, from peer: Peer) {
        guard coordinator.scheduler != nil else { return }
        switch parcel {
        case .message(let message, let partial):
            let handle = partial.map { coordinator.keep($0) }
            tell(.received(from: peer, message, payload: handle, checksum: partial?.checksum))
        case .garbage: tell(.undecodable(from: peer, reason: "it is not a message"))
        case .otherVersion(let version): tell(.unsupportedVersion(from: peer, version: version))
        }
    }

    func mergeEnds(_ generation: Int, _ ref: AttemptRef, _ handle: PayloadHandle) {
        guard generation == coordinator.generation, let partial = coordinator.payloads.removeValue(forKey: handle)
        else { return }
        if coordinator.running[ref.task.job] != nil {
            if partial.isGarbled {
                tell(.mergeRejected(ref.task, reason: "the partial is garbled"))
                return
            }
            if partial.coreType != store.jobs[ref.task.job]?.profile?.coreType {
                fail(
                    "a partial made with \(partial.coreType) is merged into job \(ref.task.job), which runs with another profile")
            }
            coordinator.running[ref.task.job]?.sum &+= partial.value
        }
        tell(.merged(ref.task))
    }

    /// Tells the scheduler a fact, does what it says, and checks everything.
    func tell(_ event: SchedulerEvent) {
        guard coordinator.scheduler != nil else { return }
        coordinator.pending.append(event)
        guard !coordinator.isTelling else { return }
        coordinator.isTelling = true
        defer { coordinator.isTelling = false }
        while violation == nil, let event = coordinator.pending.popFirst() {
            for position in checkers.indices { checkers[position].told(event) }
            trace.add(event, now)
            guard let effects = coordinator.scheduler?.handle(event, at: now) else { return }
            for effect in effects {
                trace.add(effect, now)
                for position in checkers.indices {
                    if let sentence = checkers[position].did(effect) { fail(sentence) }
                }
                perform(effect)
            }
            for position in checkers.indices {
                if let sentence = checkers[position].verdict(self) { fail(sentence) }
            }
        }
        planCoordinatorTick()
    }

    private func planCoordinatorTick() {
        guard let deadline = coordinator.scheduler?.nextDeadline else { return }
        if let planned = coordinator.tickAt, planned <= deadline { return }
        // Never in the past, and a little later each time, so that a wrong deadline shows as being stuck.
        let at = max(deadline, MonotonicTime(nanoseconds: now.nanoseconds + 1))
        coordinator.tickAt = at
        agenda.add(.coordinatorTick, at: at)
    }

    // MARK: Effects out

    private func perform(_ effect: SchedulerEffect) {
        switch effect {
        case .send(let peer, let message):
            if !send(message, nil, to: peer) { coordinator.pending.append(.unroutable(peer)) }
        case .lease(let peer, let lease):
            guard let job = scenario.jobs.first(where: { $0.id == lease.ref.task.job }) else {
                fail("a task of a job nobody submitted was leased")
                return
            }
            let running = coordinator.running[job.id]
            let task = ToyJob.Task(
                jobSeed: job.seed, stage: running?.stage ?? 0, index: lease.ref.task.index, carry: running?.carry ?? 0)
            if !send(.lease(lease), task, to: peer) { coordinator.pending.append(.unroutable(peer)) }
        case .merge(let ref, let handle):
            var milliseconds = random.int(0...2)
            if isFaulty(.slowMerge), random.chance(percent: 30) {
                faults.add(.slowMerge)
                milliseconds = random.int(10...1_500)
            }
            agenda.add(.mergeEnds(generation: coordinator.generation, ref, handle), at: after(milliseconds))
        case .discard(let handle):
            if coordinator.payloads.removeValue(forKey: handle) == nil { fail("\(handle) was discarded twice") }
        case .profileChosen(let job, let profile):
            store.write(job, as: store.epoch) { $0.profile = profile }
        case .stageComplete(let id, let plan):
            stageCompletes(id, plan)
        case .jobFailed(let id, let reason):
            coordinator.running[id] = nil
            store.write(id, as: store.epoch) { job in
                job.state = .failed
                job.reason = reason
            }
        case .workerJoined, .workerLost, .workerLeft, .alarm:
            break
        }
    }

    private func stageCompletes(_ id: JobID, _ plan: PlanHash) {
        guard var job = coordinator.running[id], job.plan == plan else { return }
        job.stage += 1
        job.carry = job.sum
        job.sum = 0
        if job.stage == job.scenario.stages.count {
            store.write(id, as: store.epoch) { stored in
                stored.state = .done
                stored.value = job.carry
            }
            coordinator.running[id] = nil
            tell(.finish(id))
        } else {
            job.plan = ToyJob.plan(jobSeed: job.scenario.seed, stage: job.stage, carry: job.carry)
            coordinator.running[id] = job
            submitStage(of: id)
        }
    }
}
