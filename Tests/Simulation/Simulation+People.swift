import ClusterModel
import Scheduling
import WorkerEngine

// What people do, strangers say, and how everything comes back.

extension Simulation {
    /// Somebody takes a job back, and asks again until it has ended one way or another.
    func jobIsCancelled(_ position: Int) {
        let job = scenario.jobs[position]
        if store.jobs[job.id]?.state.isFinal == true { return }
        agenda.add(.jobIsCancelled(position), at: after(1_000))
        guard let host = anyCoordinator(), coordinators[host].backlog == nil, let present = coordinators[host].jobs[job.id]
        else { return }
        // Its rows are just being written: too late.
        if present.phase == .publishing || present.phase == .ending { return }
        faults.add(.cancel)
        end(host, job.id, .cancelled)
    }

    /// By an operator through the coordinator, or by whoever stops the process.
    func drain(_ worker: Int) {
        if workers[worker].isRunning, random.chance(percent: 50) {
            tell(worker, .drainRequested)
        } else if let host = anyCoordinator(), coordinators[host].backlog == nil {
            tell(host, .drain(WorkerID(workers[worker].scenario.name)))
        }
    }

    /// Somebody pauses a job or resumes it. The former is asked for once, the latter until it is so; and after the faults it is
    /// looked after until the job ends, as what was asked for before may reach the database later.
    func jobIsPaused(_ position: Int, _ isPaused: Bool) {
        let job = scenario.jobs[position].id
        guard let row = store.jobs[job], !row.state.isFinal else { return }
        let isDone = (row.pausedAt != nil) == isPaused
        if !isPaused, !isDone || hasHealed { agenda.add(.jobIsResumed(position), at: after(1_000)) }
        if isDone { return }
        guard let host = anyCoordinator(), coordinators[host].backlog == nil, let present = coordinators[host].jobs[job],
            present.phase == .planning || present.phase == .running
        else { return }
        ask(host, .setPaused(job, isPaused))
    }

    /// It is in the database: now the scheduler may know. What the row says now counts, as the answers may come in any order.
    func pauseIsSaved(_ host: Int, _ job: JobID) {
        let isPaused = store.jobs[job]?.pausedAt != nil
        if isPaused { faults.add(.pause) }
        coordinators[host].jobs[job]?.isPaused = isPaused
        tell(host, .setPaused(job, isPaused))
    }

    /// A lease of a job that was paused before this coordinator began, and was not resumed since.
    func checkPause(_ host: Int, _ job: JobID) {
        guard coordinators[host].epoch == store.epoch, let pausedAt = store.jobs[job]?.pausedAt,
            pausedAt < coordinators[host].beganAt
        else { return }
        fail("a task of job \(job) was leased by a coordinator that found it paused")
    }

    /// By an operator, who now and then says until when.
    func orderToDrain(_ worker: Int) {
        guard let host = anyCoordinator(), coordinators[host].backlog == nil else { return }
        let deadline = coordinators[host].clock.read(now).advanced(milliseconds: Int64(random.int(0...3_000)))
        let isUrgent = random.chance(percent: 30)
        tell(host, .drain(WorkerID(workers[worker].scenario.name), deadline: isUrgent ? deadline : nil))
    }

    func takeBack(_ worker: Int) {
        guard let host = anyCoordinator(), coordinators[host].backlog == nil else { return }
        tell(host, .undrain(WorkerID(workers[worker].scenario.name)))
    }

    /// A task of some job, as somebody may know it who has read the logs.
    private func firstTask(_ index: UInt32) -> TaskID {
        let job = scenario.jobs[0]
        return TaskID(job: job.id, plan: ToyJob.plan(jobSeed: job.seed, stage: 0, carry: 0), index: index)
    }

    private func say(_ message: WorkerMessage, _ partial: ToyJob.Partial?, as peer: Peer) {
        for host in coordinators.indices { happen(.reachesCoordinator(host, peer, .message(message, partial))) }
    }

    /// Somebody who never said hello, with answers to leases of others.
    func strangerSpeaks() {
        let ref = AttemptRef(task: firstTask(0), attempt: AttemptID(UInt64(random.int(1...50)) | 1 << 40))
        let messages: [WorkerMessage] = [
            .heartbeat(Heartbeat()), .goodbye, .failed(TaskFailure(ref: ref, message: "made up")),
            .result(TaskResult(ref: ref, computeSeconds: 0, flops: 0)),
        ]
        let message = messages[random.int(0...(messages.count - 1))]
        say(message, ToyJob.Partial(value: 1), as: Peer(1 << 40 + UInt64(random.int(1...1_000))))
    }

    /// A worker that claims the attempts which the coordinator is about to hand out, and others' results.
    func liarSpeaks(_ worker: Int) {
        let claims = (0..<random.int(1...6)).map { index in
            AttemptRef(
                task: firstTask(UInt32(index)), attempt: AttemptID(epoch: store.epoch, serial: UInt64(random.int(1...60))))
        }
        greet("liar", worker, as: Peer(1 << 41), claims)
    }

    private func greet(_ name: String, _ worker: Int, as peer: Peer, _ inHand: [AttemptRef] = []) {
        let hello = Hello(
            worker: WorkerID(name), incarnation: peer.rawValue, slots: 1, credit: 2, memoryBytes: 1,
            profile: workers[worker].scenario.profile, host: "nowhere", processID: 1, version: "1", inHand: inHand)
        say(.hello(hello), nil, as: peer)
    }

    /// Every connection breaks, and a crowd comes by new ones that is not heard of again.
    func connectionsStorm() {
        for worker in workers.indices where workers[worker].peer != nil { openConnection(worker) }
        for number in 0..<random.int(1...8) {
            greet("crowd-\(number)", 0, as: Peer(1 << 42 + UInt64(random.int(1...1_000_000))))
        }
    }

    // MARK: Coming back

    /// Once the trouble is over, somebody looks after the machines that are said to compute wrongly.
    func restartSuspects(_ host: Int) {
        let views = coordinators[host].scheduler?.workerViews(at: now) ?? []
        for view in views where view.state == "suspect" {
            guard let worker = workers.firstIndex(where: { $0.scenario.name == view.worker && $0.engine != nil }) else {
                continue
            }
            stopWorker(worker, silently: false)
            startWorker(worker)
        }
    }

    /// The process goes on with everything that came in meanwhile.
    func thaw(_ worker: Int) {
        guard let backlog = workers[worker].backlog else { return }
        workers[worker].backlog = nil
        for happening in backlog { happens(happening, toWorker: worker) }
        if workers[worker].engine != nil { tell(worker, WorkerEvent.tick) }
    }

    func thawCoordinator(_ host: Int) {
        guard let backlog = coordinators[host].backlog else { return }
        coordinators[host].backlog = nil
        // Its timers run first, as a loop that asks the clock before the sockets would.
        tell(host, SchedulerEvent.tick)
        for happening in backlog { happensToCoordinator(happening) }
    }

    /// The faults are over: everybody comes back, and from here on everything has to end.
    func heal() {
        hasHealed = true
        trace.add(now, 7, 0, 0, "the faults are over")
        store.health = .well
        store.isSlow = false
        for host in coordinators.indices {
            disks[disk(host)].isFull = false
            coordinators[host].isCutFromStore = false
            coordinators[host].clock.goOn(now, catchesUp: false)
            thawCoordinator(host)
            startCoordinator(host, asStandby: host > 0)
        }
        for worker in workers.indices {
            workers[worker].slowness = 1
            workers[worker].cutToCoordinator = false
            workers[worker].cutToWorker = false
            workers[worker].clock.goOn(now, catchesUp: false)
            thaw(worker)
            if workers[worker].scenario.isRival {
                if workers[worker].engine != nil { stopWorker(worker, silently: false) }
            } else {
                startWorker(worker)
            }
        }
        for host in coordinators.indices { restartSuspects(host) }
        for position in scenario.jobs.indices { agenda.add(.jobIsResumed(position), at: after(500)) }
    }
}
