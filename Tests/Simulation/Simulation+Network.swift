import ClusterModel
import WorkerEngine

// What becomes of messages on their way.

extension Simulation {
    func isFaulty(_ fault: Fault) -> Bool { !hasHealed && scenario.isOn(fault) }

    /// Opens a connection; what travels on an earlier one of this worker does not arrive any more.
    func openConnection(_ worker: Int) {
        peerCount += 1
        let peer = Peer(peerCount)
        workers[worker].peer = peer
        workers[worker].isHalfOpen = false
        workerByPeer[peer] = worker
    }

    func send(_ message: WorkerMessage, _ partial: ToyJob.Partial?, from worker: Int) {
        guard let peer = workers[worker].peer, !workers[worker].cutToCoordinator else { return }
        var message = message
        if case .hello(var hello) = message, let claimed = scenario.workers[worker].claimedCredit {
            hello.credit = UInt32(claimed)
            message = .hello(hello)
        }
        if isLost() { return }
        var parcel = Parcel.message(message, partial)
        if let damage = drawDamage() { parcel = DamagedWire.damage(message, partial, damage, &random, options.shellBug) }
        for _ in 0..<copies() {
            let at = arrival(after: workers[worker].lastToCoordinator)
            workers[worker].lastToCoordinator = at
            agenda.add(.reachesCoordinator(workers[worker].address, peer, parcel), at: at)
        }
    }

    /// - Returns: false when the connection is known to be gone.
    func send(_ message: CoordinatorMessage, _ task: ToyJob.Task?, to peer: Peer, from host: Int) -> Bool {
        guard let worker = workerByPeer[peer], workers[worker].peer == peer, workers[worker].address == host else { return false }
        if workers[worker].cutToWorker || workers[worker].isHalfOpen || isLost() { return true }
        var (message, task) = (message, task)
        if let damage = drawDamage() {
            // A worker drops what it cannot read.
            guard let read = DamagedWire.damage(message, task, damage, &random, options.shellBug) else { return true }
            (message, task) = read
        }
        for _ in 0..<copies() {
            let at = arrival(after: workers[worker].lastToWorker)
            workers[worker].lastToWorker = at
            agenda.add(.reachesWorker(worker, peer, message, task), at: at)
        }
        return true
    }

    /// What the worker says from now on lies unread for a while, as when its coordinator is busy with others. Now and then it is
    /// its goodbye, and the connection is closed before anybody has read it.
    func wordsWait(of worker: Int) {
        let end = after(random.int(10...2_000))
        workers[worker].lastToCoordinator = max(workers[worker].lastToCoordinator, end)
        if workers[worker].isRunning, random.chance(percent: 70) { tell(worker, .drainRequested) }
    }

    private func isLost() -> Bool {
        guard isFaulty(.loss), random.chance(percent: scenario.lossPercent) else { return false }
        faults.add(.loss)
        return true
    }

    /// What happens to the bytes of a message; nil for most.
    private func drawDamage() -> Fault? {
        for fault in scenario.damages where !hasHealed && random.chance(percent: scenario.damagePercent) {
            faults.add(fault)
            return fault
        }
        return nil
    }

    private func copies() -> Int {
        guard isFaulty(.duplication), random.chance(percent: 10) else { return 1 }
        faults.add(.duplication)
        return 2
    }

    private func arrival(after last: MonotonicTime) -> MonotonicTime {
        var microseconds = random.int(100...3_000)
        if isFaulty(.delay), random.chance(percent: 10) {
            faults.add(.delay)
            microseconds += random.int(1_000...1_500_000)
        }
        if isFaulty(.reordering), random.chance(percent: 30) {
            faults.add(.reordering)
            microseconds += random.int(0...300_000)
            return MonotonicTime(nanoseconds: now.nanoseconds + Int64(microseconds) * 1_000)
        }
        // A connection keeps the order.
        return MonotonicTime(nanoseconds: max(last.nanoseconds + 1, now.nanoseconds + Int64(microseconds) * 1_000))
    }
}
