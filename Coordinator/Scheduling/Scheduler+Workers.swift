import ClusterModel

// Who is there: hellos, heartbeats, silence, goodbyes.

extension Scheduler {
    /// A hello begins a connection, or answers `whoAreYou` on one that exists.
    mutating func hello(_ hello: Hello, from peer: Peer) {
        if let sentence = refusal(of: hello) {
            refuse(peer, sentence)
            return
        }
        if let worker = workerByName[hello.worker] {
            let isSameProcess =
                workers[worker].incarnation == hello.incarnation
                && workers[worker].profile.map { profiles[$0].profile } == hello.profile
            if isSameProcess {
                resume(worker, hello, from: peer)
            } else if workers[worker].state != .lost, workers[worker].displaced.contains(hello.incarnation) {
                refuse(peer, rivalSentence(hello, worker))
            } else {
                restart(worker, hello, from: peer)
            }
        } else {
            join(hello, from: peer)
        }
    }

    /// Why this worker cannot be worked with; nil when it can.
    private func refusal(of hello: Hello) -> String? {
        guard hello.protocolVersion == Limits.protocolVersion else { return versionSentence(hello.protocolVersion) }
        guard (1...Limits.wireNameBytesMax).contains(hello.worker.rawValue.utf8.count) else {
            return "the worker's name has \(hello.worker.rawValue.utf8.count) bytes: expected 1 to \(Limits.wireNameBytesMax)"
        }
        guard hello.slots >= 1 else { return "worker \(hello.worker) has 0 slots: expected at least 1" }
        let isNew = workerByName[hello.worker] == nil
        if isNew, workerByName.count >= configuration.workersMax, !workers.contains(where: { $0.state == .lost }) {
            return "\(configuration.workersMax) workers are connected already, which is the most this coordinator takes"
        }
        if profileSlot(of: hello.profile) == nil {
            return
                "worker \(hello.worker) has the numeric profile \(hello.profile), "
                + "and \(Limits.numericProfilesMax) others are known already"
        }
        return nil
    }

    func versionSentence(_ version: UInt32) -> String {
        "protocol version \(version) is not spoken here: this coordinator speaks "
            + "\(Limits.protocolVersion); install the worker of AlphaGrid \(AlphaGrid.version)"
    }

    private func rivalSentence(_ hello: Hello, _ worker: Int) -> String {
        "another worker named \(hello.worker) has connected since, process \(workers[worker].processID) on "
            + "\(workers[worker].host.oneLine()): give each worker its own name"
    }

    mutating func refuse(_ peer: Peer, _ sentence: String) {
        counters.workersRefused += 1
        effects.append(.send(peer, .refused(sentence)))
    }

    // MARK: Coming

    private mutating func join(_ hello: Hello, from peer: Peer) {
        if workerByName.count >= configuration.workersMax, let oldest = longestLostWorker() { vacate(oldest) }
        let worker: Int
        if let vacant = vacantWorkers.popLast() {
            worker = vacant
        } else {
            worker = workers.count
            workers.append(WorkerRecord())
            growHungrySets()
        }
        let generation = workers[worker].timerGeneration
        workers[worker] = WorkerRecord()
        workers[worker].timerGeneration = generation
        workers[worker].id = hello.worker
        workerByName[hello.worker] = worker
        connect(worker, hello, from: peer)
        welcome(worker, hello, isSameConnection: false)
    }

    /// The same process by a new connection, or once more by the same one.
    private mutating func resume(_ worker: Int, _ hello: Hello, from peer: Peer) {
        let isSameConnection = workers[worker].state == .connected && workers[worker].peer == peer
        connect(worker, hello, from: peer)
        welcome(worker, hello, isSameConnection: isSameConnection)
    }

    /// Another process of the same name. The newest wins, so that a restart need not wait until the old one is lost;
    /// the old one is remembered, so that two living ones do not take turns.
    private mutating func restart(_ worker: Int, _ hello: Hello, from peer: Peer) {
        if workers[worker].state != .lost {
            workers[worker].displaced.append(workers[worker].incarnation)
            if workers[worker].displaced.count > Limits.takenOverProcessesMax { workers[worker].displaced.removeFirst() }
        } else {
            workers[worker].displaced.removeAll { $0 == hello.incarnation }
        }
        giveBackAttempts(of: worker, because: .workerRestarted, blame: true)
        workers[worker].drainOrdered = false
        workers[worker].drainDeadline = nil
        workers[worker].draining = false
        workers[worker].isLeaving = false
        // Somebody has started it again, one hopes on a machine that was looked after.
        workers[worker].isSuspect = false
        workers[worker].askedToChangeAt = nil
        workers[worker].recent = RecentGroups()
        workers[worker].heartbeat = Heartbeat()
        workers[worker].heartbeatAt = nil
        workers[worker].tasksDone = 0
        workers[worker].tasksFailed = 0
        connect(worker, hello, from: peer)
        welcome(worker, hello, isSameConnection: false)
    }

    private mutating func connect(_ worker: Int, _ hello: Hello, from peer: Peer) {
        let isNews = workers[worker].state == .vacant || workers[worker].state == .lost
        if isNews, leasableCount == 0, !hello.coreTypes.isEmpty {
            profilesSettledAt = now.advanced(milliseconds: configuration.profileSettleMilliseconds)
        }
        // Takes the worker out of its former profile's sums before the profile may change.
        workers[worker].state = .unreachable
        refresh(worker)
        // A connection is one worker's: if it speaks under another name now, the former owner has no connection.
        if let owner = workerByPeer[peer], owner != worker {
            unreachable(owner)
            workers[owner].peer = nil
        }
        if let old = workers[worker].peer, old != peer { forget(old) }
        workerByPeer[peer] = worker
        let profile = referProfile(hello.profile)
        releaseProfile(workers[worker].profile)
        workers[worker].profile = profile
        workers[worker].peer = peer
        workers[worker].incarnation = hello.incarnation
        workers[worker].describe(hello)
        compareAnswers(worker)
        // Once it drains, a process drains to its end; a hello that says otherwise is an old one that came late.
        if hello.draining {
            workers[worker].draining = true
            workers[worker].isLeaving = true
        }
        workers[worker].state = .connected
        workers[worker].lastHeard = now
        startTimer(of: worker, at: now.advanced(milliseconds: configuration.lostAfterMilliseconds))
        if isNews {
            counters.workersJoined += 1
            effects.append(.workerJoined(hello.worker))
        }
    }

    private mutating func welcome(_ worker: Int, _ hello: Hello, isSameConnection: Bool) {
        send(welcomeMessage, to: worker)
        reconcile(worker, hello, isSameConnection: isSameConnection)
        if !hello.draining { sendAwayIfDue(worker) }
        refresh(worker)
    }

    var welcomeMessage: CoordinatorMessage {
        .welcome(
            Welcome(
                epoch: epoch, heartbeatMilliseconds: UInt32(clamping: configuration.heartbeatMilliseconds),
                blockPort: configuration.blockPort))
    }

    // MARK: Staying

    mutating func heartbeat(_ heartbeat: Heartbeat, from worker: Int) {
        if let before = workers[worker].heartbeatAt {
            let seconds = now.seconds(since: before)
            if seconds > 0.1 {
                let flops = heartbeat.flopsTotal - workers[worker].heartbeat.flopsTotal
                workers[worker].gigaflopsPerSecond = max(0, flops / seconds / 1e9)
                workers[worker].heartbeatAt = now
                workers[worker].heartbeat = heartbeat
            }
        } else {
            workers[worker].heartbeatAt = now
            workers[worker].heartbeat = heartbeat
        }
        guard workers[worker].state == .connected else { return }
        sendAwayIfDue(worker)
        askWhenCountsDiffer(heartbeat, worker)
        // An idle worker would otherwise never hear from its coordinator and replace a good connection.
        let silence = now.nanoseconds - workers[worker].lastSent.nanoseconds
        if silence >= configuration.heartbeatMilliseconds * 1_000_000 { send(welcomeMessage, to: worker) }
    }

    /// Asks for a hello, with which everything is put right, at most once in the time a lease may be on its way.
    mutating func askAgain(_ worker: Int) {
        if let asked = workers[worker].lastAsked,
            now < asked.advanced(milliseconds: configuration.leaseInFlightMilliseconds)
        {
            return
        }
        workers[worker].lastAsked = now
        send(.whoAreYou, to: worker)
    }

    mutating func drain(_ id: WorkerID, until deadline: MonotonicTime?) {
        guard let worker = workerByName[id], workers[worker].state != .vacant else { return }
        workers[worker].drainOrdered = true
        workers[worker].drainDeadline = deadline
        workers[worker].draining = true
        sendAwayIfDue(worker)
        refresh(worker)
    }

    mutating func undrain(_ id: WorkerID) {
        guard let worker = workerByName[id], !workers[worker].isLeaving, !planted(.undrainIgnored) else { return }
        workers[worker].drainOrdered = false
        workers[worker].drainDeadline = nil
        workers[worker].draining = false
        refresh(worker)
    }

    /// A worker is told to leave as late as can be, because then there is no way back: what it has in hand it finishes all the
    /// same. Said again with every heartbeat, since words get lost.
    private mutating func sendAwayIfDue(_ worker: Int) {
        // One without a connection would not hear of it: until it comes back there is time to change one's mind.
        guard workers[worker].drainOrdered, workers[worker].state == .connected else { return }
        let isLate = workers[worker].drainDeadline.map { $0 <= now } ?? false
        // Sent away once, it is sent away again, whatever it has taken up since.
        guard workers[worker].creditInUse == 0 || isLate || workers[worker].isLeaving else { return }
        workers[worker].isLeaving = true
        send(.drain, to: worker)
    }

    // MARK: Going

    /// Its attempts stay: the worker may come back by another connection before it is lost. So does the connection, as what it
    /// brought before it broke may wait to be read: results, and the goodbye of a worker that has left.
    mutating func unroutable(_ peer: Peer) {
        guard let worker = workerByPeer[peer] else { return }
        unreachable(worker)
        if planted(.unroutableForgotten) {
            workers[worker].peer = nil
            forget(peer)
        }
    }

    private mutating func unreachable(_ worker: Int) {
        guard workers[worker].state == .connected else { return }
        workers[worker].state = .unreachable
        workers[worker].lastAsked = nil
        refresh(worker)
    }

    /// The connection is no worker's any more: if it speaks again, it is a stranger's.
    private mutating func forget(_ peer: Peer) {
        workerByPeer[peer] = nil
        if !planted(.connectionsKept) { effects.append(.forget(peer)) }
    }

    mutating func lose(_ worker: Int) {
        // The connection stays known: if the worker was only frozen, its next message shows who it is.
        workers[worker].state = .lost
        refresh(worker)
        counters.workersLost += 1
        let returned: Int
        if planted(.lostRequeue) {
            returned = 0
        } else {
            returned = giveBackAttempts(of: worker, because: .workerLost, blame: true)
        }
        effects.append(.workerLost(workers[worker].id, attemptsReturned: returned))
        startTimer(of: worker, at: now.advanced(milliseconds: configuration.forgetAfterMilliseconds))
    }

    mutating func goodbye(_ worker: Int) {
        giveBackAttempts(of: worker, because: .workerLeft, blame: false)
        effects.append(.workerLeft(workers[worker].id))
        vacate(worker)
    }

    /// Forgets a worker without attempts.
    mutating func vacate(_ worker: Int) {
        workers[worker].state = .vacant
        refresh(worker)
        if let peer = workers[worker].peer { forget(peer) }
        workerByName[workers[worker].id] = nil
        releaseProfile(workers[worker].profile)
        let generation = workers[worker].timerGeneration
        workers[worker] = WorkerRecord()
        workers[worker].timerGeneration = generation &+ 1
        vacantWorkers.append(worker)
    }

    private func longestLostWorker() -> Int? {
        workers.indices.filter { workers[$0].state == .lost }.min { workers[$0].lastHeard < workers[$1].lastHeard }
    }
}
