import ClusterModel
import Scheduling
import WorkerEngine

// When the faults that a seed has drawn begin and end.

extension Simulation {
    func planFaults() {
        for fault in scenario.faults {
            switch fault {
            case .crash, .freeze, .flap, .partition, .oneWayPartition, .flappingPartition, .stranger, .priorityChange,
                .reconnectStorm, .clockJump, .clockStall, .databaseRestart, .databaseCut, .wallClockJump, .pause, .undrain,
                .hangUp:
                plan(fault, times: 1...3)
            case .slowness, .taskFailure, .garbledPartial, .wrongBytes, .drain, .rival, .coordinatorRestart, .coordinatorStop,
                .powerLoss,
                .coordinatorFreeze, .liar, .secondCoordinator, .stateDiskFull, .databaseSlow, .databaseReadOnly, .databaseFull:
                plan(fault, times: 1...1)
            case .departure: planDeparture()
            // Without a draw, so that it changes nothing for the others.
            case .accomplices: agenda.add(.faultBegins(fault, 0), at: after(Int(scenario.healAt / 16)))
            case .onDemand, .smallMergeQueue, .creditLie: faults.add(fault)
            case .loss, .duplication, .delay, .reordering, .corruption, .truncation, .oversize, .wrongVersion, .poisonTask,
                .slowMerge, .cancel, .commitLost, .killAtStep, .standby, .sharedDisk:
                break
            }
        }
    }

    private func plan(_ fault: Fault, times: ClosedRange<Int>) {
        let originals = scenario.workers.filter { !$0.isRival }.count
        for _ in 0..<random.int(times) {
            let place: Int
            switch fault.place {
            case .worker: place = fault == .rival ? workers.count - 1 : random.int(0...(originals - 1))
            case .coordinator: place = random.int(0...(coordinators.count - 1))
            case .anyMachine: place = random.int(0...(originals + coordinators.count - 1))
            case .job: place = random.int(0...(scenario.jobs.count - 1))
            case .nowhere: place = 0
            }
            let begin = random.int(0...Int(scenario.healAt - 1))
            let end = begin + random.int(50...5_000)
            agenda.add(.faultBegins(fault, place), at: after(begin))
            agenda.add(.faultEnds(fault, place), at: after(end))
            if fault == .flappingPartition { planFlapping(place, begin, end) }
        }
    }

    private func planFlapping(_ worker: Int, _ begin: Int, _ end: Int) {
        var at = begin
        while at < end {
            agenda.add(.faultBegins(.partition, worker), at: after(at))
            at += random.int(20...400)
            agenda.add(.faultEnds(.partition, worker), at: after(at))
            at += random.int(20...400)
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
        agenda.add(.faultBegins(.departure, leaver), at: after(random.int(0...Int(scenario.healAt - 1))))
    }

    func begin(_ fault: Fault, _ place: Int) {
        if hasHealed || (fault.place == .worker && workers[place].hasDeparted) { return }
        trace.add(now, 5, UInt64(fault.position), UInt64(place), "fault begins: \(fault.rawValue) of \(name(fault, place))")
        if fault != .standby, fault != .pause { faults.add(fault) }
        switch fault.place {
        case .worker: begin(fault, worker: place)
        case .coordinator: begin(fault, host: place)
        case .anyMachine: turnClock(fault, place, begins: true)
        case .job: jobIsPaused(place, true)
        case .nowhere: beginElsewhere(fault)
        }
    }

    private func begin(_ fault: Fault, worker: Int) {
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
        case .wrongBytes: workers[worker].errsPercent = random.int(5...100)
        case .accomplices: for one in workers.indices.prefix(2) { workers[one].errsAlikePercent = 50 }
        case .drain: drain(worker)
        case .undrain: orderToDrain(worker)
        case .rival: startWorker(worker)
        case .liar: liarSpeaks(worker)
        case .hangUp: wordsWait(of: worker)
        default: break
        }
    }

    private func begin(_ fault: Fault, host: Int) {
        switch fault {
        case .coordinatorRestart: stopCoordinator(host)
        case .coordinatorStop: leaveInOrder(host)
        case .powerLoss:
            stopCoordinator(host)
            disks[disk(host)].losePower(writtenSince: now.advanced(milliseconds: -1_000), keeping: random.int(0...100))
            diskTroubles.insert(disk(host))
        case .coordinatorFreeze: if coordinators[host].isAlive { coordinators[host].backlog = coordinators[host].backlog ?? [] }
        case .stateDiskFull:
            disks[disk(host)].isFull = true
            diskTroubles.insert(disk(host))
        case .databaseCut: coordinators[host].isCutFromStore = true
        default: break
        }
    }

    private func beginElsewhere(_ fault: Fault) {
        switch fault {
        // Without waiting for the lease: the first one may well live.
        case .secondCoordinator: startCoordinator(coordinators.count - 1)
        case .stranger: strangerSpeaks()
        case .reconnectStorm: connectionsStorm()
        case .databaseRestart:
            store.health = .down
            store.endSessions { _ in true }
        case .databaseSlow: store.isSlow = true
        case .databaseReadOnly: store.health = .readOnly
        case .databaseFull: store.health = .full
        case .wallClockJump: store.wallMilliseconds += Int64(random.int(-60_000...60_000))
        case .priorityChange:
            let job = scenario.jobs[random.int(0...(scenario.jobs.count - 1))].id
            if let host = anyCoordinator(), coordinators[host].backlog == nil {
                tell(host, .setPriority(job, random.int(-1...2)))
            }
        default: break
        }
    }

    func end(_ fault: Fault, _ place: Int) {
        if hasHealed { return }
        trace.add(now, 6, UInt64(fault.position), UInt64(place), "fault ends: \(fault.rawValue) of \(name(fault, place))")
        switch fault {
        case .crash: startWorker(place)
        case .pause: jobIsPaused(place, false)
        case .undrain: takeBack(place)
        case .freeze: thaw(place)
        case .hangUp: if workers[place].engine == nil { startWorker(place) } else { openConnection(place) }
        case .partition, .oneWayPartition:
            workers[place].cutToCoordinator = false
            workers[place].cutToWorker = false
        case .slowness: workers[place].slowness = 1
        case .coordinatorFreeze: thawCoordinator(place)
        case .coordinatorRestart, .coordinatorStop, .powerLoss:
            startCoordinator(place, asStandby: coordinators.count > 1 && random.chance(percent: 50))
        case .stateDiskFull: disks[disk(place)].isFull = false
        case .databaseCut: coordinators[place].isCutFromStore = false
        case .databaseRestart, .databaseReadOnly, .databaseFull: store.health = .well
        case .databaseSlow: store.isSlow = false
        case .clockStall: turnClock(fault, place, begins: false)
        default: break
        }
    }

    /// The places of machines: first the workers, then the coordinators' hosts.
    private func turnClock(_ fault: Fault, _ place: Int, begins: Bool) {
        let originals = scenario.workers.filter { !$0.isRival }.count
        let jump = random.int(100...30_000)
        let catchesUp = random.chance(percent: 50)
        func turn(_ clock: inout MachineClock) {
            if fault == .clockJump {
                clock.jump(milliseconds: jump)
            } else if begins {
                clock.stall(now)
            } else {
                clock.goOn(now, catchesUp: catchesUp)
            }
        }
        if place < originals { turn(&workers[place].clock) } else { turn(&coordinators[place - originals].clock) }
    }

    private func name(_ fault: Fault, _ place: Int) -> String {
        switch fault.place {
        case .worker: workers[place].scenario.name
        case .coordinator: "host \(place)"
        case .anyMachine: "machine \(place)"
        case .job: "job \(scenario.jobs[place].id)"
        case .nowhere: "the cluster"
        }
    }
}

extension Fault {
    enum Place { case worker, coordinator, anyMachine, job, nowhere }

    /// What the number of its place means.
    var place: Place {
        switch self {
        case .coordinatorRestart, .coordinatorStop, .powerLoss, .coordinatorFreeze, .stateDiskFull, .databaseCut: .coordinator
        case .clockJump, .clockStall: .anyMachine
        case .pause: .job
        case .secondCoordinator, .stranger, .reconnectStorm, .databaseRestart, .databaseSlow, .databaseReadOnly, .databaseFull,
            .wallClockJump, .priorityChange:
            .nowhere
        default: .worker
        }
    }
}
