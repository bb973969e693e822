import ClusterModel
import Scheduling
import WorkerEngine

// When the faults that a seed has drawn begin and end.

extension Simulation {
    func planFaults() {
        for fault in scenario.faults {
            switch fault {
            case .crash, .freeze, .flap, .partition, .oneWayPartition: plan(fault, times: 1...3)
            case .slowness, .taskFailure, .garbledPartial, .drain, .rival, .coordinatorRestart, .coordinatorFreeze, .liar:
                plan(fault, times: 1...1)
            case .stranger, .wrongVersion, .priorityChange: plan(fault, times: 1...3)
            case .departure: planDeparture()
            case .onDemand, .smallMergeQueue: faults.add(fault)
            case .loss, .duplication, .delay, .reordering, .corruption, .poisonTask, .slowMerge, .cancel: break
            }
        }
    }

    private func plan(_ fault: Fault, times: ClosedRange<Int>) {
        let originals = scenario.workers.filter { !$0.isRival }.count
        for _ in 0..<random.int(times) {
            let worker = fault == .rival ? workers.count - 1 : random.int(0...(originals - 1))
            let begin = random.int(0...Int(scenario.healAt - 1))
            agenda.add(.faultBegins(fault, worker: worker), at: after(begin))
            agenda.add(.faultEnds(fault, worker: worker), at: after(begin + random.int(50...5_000)))
        }
    }

    /// Of a worker whose every profile somebody else can run too, since a job of that profile could never end otherwise.
    private func planDeparture() {
        let originals = workers.indices.filter { !workers[$0].scenario.isRival }
        let leaver = originals.first { one in
            workers[one].scenario.runnable.allSatisfy { core in
                originals.contains { $0 != one && workers[$0].scenario.runnable.contains(core) }
            }
        }
        guard let leaver else { return }
        agenda.add(.faultBegins(.departure, worker: leaver), at: after(random.int(0...Int(scenario.healAt - 1))))
    }

    func begin(_ fault: Fault, _ worker: Int) {
        guard !hasHealed, !workers[worker].hasDeparted else { return }
        trace.add(
            now, 5, UInt64(fault.position), UInt64(worker), "fault begins: \(fault.rawValue) of \(workers[worker].scenario.name)")
        faults.add(fault)
        switch fault {
        case .crash: stopWorker(worker, silently: random.chance(percent: 30))
        case .departure:
            stopWorker(worker, silently: random.chance(percent: 50))
            workers[worker].hasDeparted = true
        case .freeze: if workers[worker].isRunning { workers[worker].backlog = [] }
        case .flap: if workers[worker].peer != nil { openConnection(worker) }
        case .partition:
            workers[worker].cutToCoordinator = true
            workers[worker].cutToWorker = true
        case .oneWayPartition:
            if random.chance(percent: 50) { workers[worker].cutToCoordinator = true } else { workers[worker].cutToWorker = true }
        case .slowness: workers[worker].slowness = random.int(5...40)
        case .taskFailure: workers[worker].failsPercent = random.int(5...100)
        case .garbledPartial: workers[worker].garblesPercent = random.int(5...100)
        case .drain: drain(worker)
        case .rival: startWorker(worker)
        case .coordinatorRestart: stopCoordinator()
        case .coordinatorFreeze: if coordinator.scheduler != nil { coordinator.backlog = coordinator.backlog ?? [] }
        case .stranger: strangerSpeaks()
        case .liar: liarSpeaks(worker)
        case .wrongVersion: happen(.reachesCoordinator(Peer(1 << 40), .otherVersion(99)))
        case .priorityChange:
            let job = scenario.jobs[random.int(0...(scenario.jobs.count - 1))].id
            if coordinator.backlog == nil { tell(.setPriority(job, random.int(-1...2))) }
        default: break
        }
    }

    func end(_ fault: Fault, _ worker: Int) {
        guard !hasHealed else { return }
        trace.add(
            now, 6, UInt64(fault.position), UInt64(worker), "fault ends: \(fault.rawValue) of \(workers[worker].scenario.name)")
        switch fault {
        case .crash: startWorker(worker)
        case .freeze: thaw(worker)
        case .partition, .oneWayPartition:
            workers[worker].cutToCoordinator = false
            workers[worker].cutToWorker = false
        case .slowness: workers[worker].slowness = 1
        case .coordinatorFreeze: thawCoordinator()
        case .coordinatorRestart: if coordinator.scheduler == nil { startCoordinator() }
        default: break
        }
    }

    /// The process goes on with everything that came in meanwhile.
    private func thaw(_ worker: Int) {
        guard let backlog = workers[worker].backlog else { return }
        workers[worker].backlog = nil
        for happening in backlog { happens(happening, toWorker: worker) }
        if workers[worker].engine != nil { tell(worker, .tick) }
    }

    /// Somebody who never said hello, with answers to leases of others.
    private func strangerSpeaks() {
        let peer = Peer(1 << 40 + UInt64(random.int(1...1_000)))
        let job = scenario.jobs[0]
        let task = TaskID(job: job.id, plan: ToyJob.plan(jobSeed: job.seed, stage: 0, carry: 0), index: 0)
        let ref = AttemptRef(task: task, attempt: AttemptID(UInt64(random.int(1...50)) | 1 << 40))
        let messages: [WorkerMessage] = [
            .heartbeat(Heartbeat()), .goodbye, .failed(TaskFailure(ref: ref, message: "made up")),
            .result(TaskResult(ref: ref, computeSeconds: 0, flops: 0)),
        ]
        let message = messages[random.int(0...(messages.count - 1))]
        happen(.reachesCoordinator(peer, .message(message, ToyJob.Partial(value: 1))))
    }

    /// A worker that claims the attempts which the coordinator is about to hand out, and others' results.
    private func liarSpeaks(_ worker: Int) {
        let job = scenario.jobs[0]
        let plan = ToyJob.plan(jobSeed: job.seed, stage: 0, carry: 0)
        let claims = (0..<random.int(1...6)).map { index in
            AttemptRef(
                task: TaskID(job: job.id, plan: plan, index: UInt32(index)),
                attempt: AttemptID(epoch: store.epoch, serial: UInt64(random.int(1...60))))
        }
        let hello = Hello(
            worker: WorkerID("liar"), incarnation: 1, slots: 1, credit: 2, memoryBytes: 1,
            profile: workers[worker].scenario.profile, host: "nowhere", processID: 1, version: "1", inHand: claims)
        happen(.reachesCoordinator(Peer(1 << 41), .message(.hello(hello), nil)))
    }

    /// By an operator through the coordinator, or by whoever stops the process.
    private func drain(_ worker: Int) {
        if workers[worker].isRunning, random.chance(percent: 50) {
            tell(worker, .drainRequested)
        } else if coordinator.backlog == nil {
            tell(.drain(WorkerID(workers[worker].scenario.name)))
        }
    }

    private func thawCoordinator() {
        guard let backlog = coordinator.backlog else { return }
        coordinator.backlog = nil
        // Its timers run first, as a loop that asks the clock before the sockets would.
        tell(.tick)
        for happening in backlog { happensToCoordinator(happening) }
    }

    /// The faults are over: everybody comes back, and from here on everything has to end.
    func heal() {
        hasHealed = true
        trace.add(now, 7, 0, 0, "the faults are over")
        if coordinator.scheduler == nil { startCoordinator() }
        thawCoordinator()
        for worker in workers.indices {
            workers[worker].slowness = 1
            workers[worker].cutToCoordinator = false
            workers[worker].cutToWorker = false
            thaw(worker)
            if workers[worker].scenario.isRival {
                if workers[worker].engine != nil { stopWorker(worker, silently: false) }
            } else {
                startWorker(worker)
            }
        }
    }
}
