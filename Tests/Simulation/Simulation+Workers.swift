import ClusterModel
import WorkerEngine

// The workers' shells: do what the engines say.

extension Simulation {
    /// - Parameter profile: what it computes with; its usual one unless it was asked to change.
    func startWorker(_ worker: Int, profile: NumericProfile? = nil) {
        guard workers[worker].engine == nil, !workers[worker].hasDeparted else { return }
        incarnations += 1
        let scenario = workers[worker].scenario
        workers[worker].incarnation = incarnations
        workers[worker].profile = profile ?? scenario.profile
        workers[worker].engine = WorkerEngine(
            hello: Hello(
                worker: WorkerID(scenario.name), incarnation: incarnations, slots: UInt32(scenario.slots),
                credit: UInt32(scenario.credit), memoryBytes: 1 << 30, profile: workers[worker].profile,
                coreTypes: scenario.coreTypes, host: workers[worker].scenario.host, processID: Int32(worker), version: "1"),
            configuration: workerConfiguration)
        trace.add(now, 3, UInt64(worker), incarnations, "\(scenario.name) starts, process \(incarnations)")
        openConnection(worker)
        agenda.add(.workerConnects(worker, incarnation: incarnations), at: after(random.int(1...20)))
    }

    /// - Parameter silently: its host is gone, so nobody closes the connection.
    func stopWorker(_ worker: Int, silently: Bool) {
        trace.add(now, 4, UInt64(worker), 0, "\(workers[worker].scenario.name) is killed")
        workers[worker].stop()
        if silently { workers[worker].isHalfOpen = true } else { workers[worker].peer = nil }
    }

    func happens(_ happening: Happening, toWorker worker: Int) {
        switch happening {
        case .reachesWorker(_, let peer, let message, let task):
            guard workers[worker].engine != nil, workers[worker].peer == peer else { return }
            let handle = task.map { workers[worker].keep($0) }
            tell(worker, .received(message, payload: handle))
        case .workerTick:
            guard workers[worker].tickAt.map({ $0 <= now }) ?? false else { return }
            workers[worker].tickAt = nil
            tell(worker, .tick)
        case .workerConnects(_, let incarnation):
            if workers[worker].incarnation == incarnation { tell(worker, .connected) }
        case .computed(_, let incarnation, let ref, let task):
            guard workers[worker].incarnation == incarnation, workers[worker].computing.remove(ref.attempt) != nil
            else { return }
            computed(worker, ref, task)
        default:
            break
        }
    }

    private func computed(_ worker: Int, _ ref: AttemptRef, _ task: ToyJob.Task) {
        let job = scenario.jobs.first { $0.id == ref.task.job }
        if task.stage == 0, job?.poison == task.index {
            faults.add(.poisonTask)
            tell(worker, .failedToCompute(ref, message: "this task always fails"))
            return
        }
        if !hasHealed, random.chance(percent: workers[worker].failsPercent) {
            faults.add(.taskFailure)
            tell(worker, .failedToCompute(ref, message: "out of luck"))
            return
        }
        var partial = ToyJob.compute(task)
        partial.coreType = workers[worker].profile.coreType
        if !hasHealed, random.chance(percent: workers[worker].garblesPercent) {
            faults.add(.garbledPartial)
            partial.isGarbled = true
        }
        if !hasHealed, random.chance(percent: workers[worker].errsPercent) {
            faults.add(.wrongBytes)
            partial.isWrong = true
            partial.value ^= random.next() | 1
        } else if !hasHealed, mix(partial.value) % 100 < UInt64(workers[worker].errsAlikePercent) {
            faults.add(.accomplices)
            partial.isWrong = true
            partial.value ^= 1
        }
        if partial.isWrong || partial.isGarbled { erred.insert(WorkerID(workers[worker].scenario.name)) }
        tell(worker, .finished(ref, payload: workers[worker].keep(partial), computeSeconds: 0.1, flops: 1e9))
    }

    func tell(_ worker: Int, _ event: WorkerEvent) {
        guard workers[worker].engine != nil else { return }
        trace.add(event, worker, now)
        let local = workers[worker].clock.read(now)
        let effects = workers[worker].engine?.handle(event, at: local) ?? []
        for effect in effects { perform(effect, worker) }
        checkBounds(worker)
        guard let deadline = workers[worker].engine?.nextDeadline else { return }
        let moment = workers[worker].clock.moment(of: deadline, now)
        if let planned = workers[worker].tickAt, planned <= moment { return }
        let at = max(moment, MonotonicTime(nanoseconds: now.nanoseconds + 1))
        workers[worker].tickAt = at
        agenda.add(.workerTick(worker), at: at)
    }

    private func perform(_ effect: WorkerEffect, _ worker: Int) {
        switch effect {
        case .send(let message, let handle):
            var partial: ToyJob.Partial?
            if let handle {
                partial = workers[worker].partials[handle]
                if partial == nil { fail("\(workers[worker].scenario.name) sends \(handle), which is released") }
            }
            send(message, partial, from: worker)
        case .start(let ref, _, let handle):
            guard let task = workers[worker].tasks[handle] else {
                fail("\(workers[worker].scenario.name) starts \(ref.task) without its bytes")
                return
            }
            workers[worker].computing.insert(ref.attempt)
            let stages = scenario.jobs.first { $0.id == ref.task.job }?.stages ?? []
            let usual = stages.indices.contains(task.stage) ? stages[task.stage].taskMilliseconds : 1
            let milliseconds = random.int((usual / 2)...(usual * 3 / 2)) * workers[worker].slowness
            agenda.add(
                .computed(worker, incarnation: workers[worker].incarnation, ref, task), at: after(milliseconds))
        case .release(let handle):
            if !workers[worker].release(handle) { fail("\(workers[worker].scenario.name) released \(handle) twice") }
        case .reconnect:
            // Silence may mean that another coordinator has taken over.
            if options.shellBug != .oneAddressOnly {
                workers[worker].address = (workers[worker].address + 1) % coordinators.count
            }
            openConnection(worker)
            agenda.add(.workerConnects(worker, incarnation: workers[worker].incarnation), at: after(random.int(1...50)))
        case .exit(let reason):
            if !workers[worker].tasks.isEmpty || !workers[worker].partials.isEmpty {
                fail("\(workers[worker].scenario.name) left without releasing its payloads")
            }
            stopWorker(worker, silently: false)
            if case .changeCoreType(let core) = reason {
                if !workers[worker].scenario.runnable.contains(core) {
                    fail("\(workers[worker].scenario.name) cannot run \(core)")
                }
                startWorker(worker, profile: Scenario.profile(core))
                return
            }
            // A supervisor starts it again once the trouble is over.
            if hasHealed, !workers[worker].scenario.isRival { startWorker(worker) }
        }
    }

    private func checkBounds(_ worker: Int) {
        guard let engine = workers[worker].engine else { return }
        let (name, slots, credit) = (
            workers[worker].scenario.name, workers[worker].scenario.slots, workers[worker].scenario.credit
        )
        if workers[worker].computing.count > slots {
            fail("\(name) computes \(workers[worker].computing.count) tasks in \(slots) slots")
        }
        if engine.runningCount + engine.queuedCount > credit { fail("\(name) took more leases than its credit of \(credit)") }
        if engine.unacknowledgedCount > 2 * credit { fail("\(name) keeps \(engine.unacknowledgedCount) answers") }
    }
}
