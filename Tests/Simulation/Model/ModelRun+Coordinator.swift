import ClusterModel
import DequeModule
import Jobs
import Scheduling
import WorkerEngine

// The coordinator's shell: does what the scheduler says, and merges.

extension ModelRun {
    func tell(_ event: SchedulerEvent) {
        events.append(event)
        guard !isTelling else { return }
        isTelling = true
        defer { isTelling = false }
        while let event = events.popFirst() {
            let begin = cpuSeconds()
            let effects = scheduler.handle(event, at: now)
            outcome.schedulerSeconds += cpuSeconds() - begin
            for effect in effects { perform(effect) }
        }
        guard let deadline = scheduler.nextDeadline else { return }
        if let planned = tickAt, planned <= deadline { return }
        let at = max(deadline, MonotonicTime(nanoseconds: now.nanoseconds + 1))
        tickAt = at
        expect(.coordinatorTick, at: at)
    }

    func perform(_ effect: SchedulerEffect) {
        switch effect {
        case .send(let peer, let message):
            send(.toHost(message), bytes: Self.messageBytes, from: 0, to: Int(peer.rawValue))
        case .lease(let peer, let lease):
            timeMaking(lease)
            let bytes = Self.messageBytes + (size(of: lease.ref.task)?.leaseBytes ?? 0)
            send(.toHost(.lease(lease)), bytes: bytes, from: 0, to: Int(peer.rawValue))
        case .merge(let ref, _): merge(ref.task)
        case .stageComplete: submitNext()
        case .jobFailed(_, let reason): failure = reason
        case .alarm(let sentence, _, _): failure = sentence
        case .discard, .profileChosen, .workerJoined, .workerLost, .workerLeft, .forget: break
        }
    }

    /// The thread of the scheduler also makes the payloads of leases; one in so many is made, to be timed.
    private func timeMaking(_ lease: Lease) {
        leasesMade += 1
        guard leasesMade % Self.leasesPerTimed == 0, let stage = stage(of: lease.ref.task) else { return }
        let begin = cpuSeconds()
        withExtendedLifetime(stage.stage.payload(Int(lease.ref.task.index))) {}
        outcome.leaseSeconds += (cpuSeconds() - begin) * Double(Self.leasesPerTimed)
    }

    func submitNext() {
        guard stagesBegun < stages.count else {
            isOver = true
            return
        }
        let stage = stages[stagesBegun].stage
        stagesBegun += 1
        lastMergeAt = now
        stageResultBytes = 0
        tell(.submit(submission(stage)))
    }

    func submission(_ stage: JobStage) -> StageSubmission {
        StageSubmission(
            job: JobID(1), plan: stage.plan, stageName: stage.name, kind: stage.kind, taskCount: stage.taskCount,
            grid: stage.grid)
    }

    /// One thread merges, in the order in which partials come.
    func merge(_ task: TaskID) {
        guard let size = size(of: task) else { return }
        let seconds = Double(size.partialBytes) / (settings.mergeGigabytesPerSecond * 1e9)
        outcome.mergingSeconds += seconds
        let begin = max(now, mergerIsFreeAt)
        mergerIsFreeAt = MonotonicTime(nanoseconds: begin.nanoseconds + Int64((seconds * 1e9).rounded()))
        expect(.mergeEnds(task, size), at: mergerIsFreeAt)
    }

    func mergeEnds(_ task: TaskID, _ size: TaskSize) {
        lastMergeAt = now
        if stage(of: task)?.isRedo == false { outcome.pairsMerged += size.pairCount }
        outcome.flopsMerged += flops(size)
        stageResultBytes += size.partialBytes
        outcome.stageResultBytes = max(outcome.stageResultBytes, Double(stageResultBytes))
        tell(.merged(task))
    }
}

/// A scheduler that has a stage of so many tasks and has given every host its full credit: the most it has to remember.
package func schedulerAtFullCredit(_ settings: ModelSettings, tasks: Int) -> Scheduler {
    let now = MonotonicTime(nanoseconds: 0)
    var scheduler = Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 5_711))
    for number in 0..<settings.hosts {
        var host = ModelHost(number: number, settings, blockCount: 0)
        for case .send(let hello, _) in host.engine.handle(.connected, at: now) {
            _ = scheduler.handle(.received(from: Peer(UInt64(number + 1)), hello), at: now)
        }
    }
    let stage = StageSubmission(
        job: JobID(1), plan: PlanHash(1), stageName: "tiles", kind: "correlation", taskCount: tasks)
    _ = scheduler.handle(.submit(stage), at: now)
    return scheduler
}
