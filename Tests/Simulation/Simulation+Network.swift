import ClusterModel

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

    func send(_ parcel: Parcel, from worker: Int) {
        guard let peer = workers[worker].peer else { return }
        var parcel = parcel
        if workers[worker].cutToCoordinator { return }
        if isFaulty(.loss), random.chance(percent: scenario.lossPercent) {
            faults.add(.loss)
            return
        }
        if isFaulty(.corruption), random.chance(percent: 3) {
            faults.add(.corruption)
            parcel = .garbage
        }
        for _ in 0..<copies() {
            let at = arrival(after: workers[worker].lastToCoordinator)
            workers[worker].lastToCoordinator = at
            agenda.add(.reachesCoordinator(peer, parcel), at: at)
        }
    }

    /// - Returns: false when the connection is known to be gone.
    func send(_ message: CoordinatorMessage, _ task: ToyJob.Task?, to peer: Peer) -> Bool {
        guard let worker = workerByPeer[peer], workers[worker].peer == peer else { return false }
        if workers[worker].cutToWorker || workers[worker].isHalfOpen { return true }
        if isFaulty(.loss), random.chance(percent: scenario.lossPercent) {
            faults.add(.loss)
            return true
        }
        // A worker drops what it cannot read.
        if isFaulty(.corruption), random.chance(percent: 3) {
            faults.add(.corruption)
            return true
        }
        for _ in 0..<copies() {
            let at = arrival(after: workers[worker].lastToWorker)
            workers[worker].lastToWorker = at
            agenda.add(.reachesWorker(worker, peer, message, task), at: at)
        }
        return true
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
