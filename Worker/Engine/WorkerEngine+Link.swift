import ClusterModel

// The connection: hello, heartbeats, silence.

extension WorkerEngine {
    mutating func received(_ message: CoordinatorMessage, _ payload: PayloadHandle?) {
        lastHeard = now
        if case .lease(let lease) = message {
            self.lease(lease, payload)
            return
        }
        if let payload { effects.append(.release(payload)) }
        switch message {
        case .lease: break
        case .welcome(let welcome): welcomed(welcome)
        case .whoAreYou: sayHelloUnlessJustSaid()
        case .cancel(let attempts): cancel(attempts)
        case .ack(let attempt): acknowledged(attempt)
        case .drain: drain()
        case .changeCoreType(let wanted): changeCoreType(to: wanted)
        case .refused(let reason): exit(.refused(reason))
        }
    }

    private mutating func welcomed(_ welcome: Welcome) {
        // A coordinator's mistake must not make this worker silent or a nuisance.
        heartbeatMilliseconds = min(max(Int64(welcome.heartbeatMilliseconds), 10), 60_000)
        welcomedBy = welcome.epoch
        guard link == .greeting else { return }
        link = .welcomed
        // Sent before the hello, they may be lost.
        sendAnswers(all: true)
    }

    /// - Parameter asHeartbeat: a draining worker repeats its hello in place of heartbeats, on a connection that is known.
    mutating func sayHello(asHeartbeat: Bool = false) {
        var hello = identity
        hello.draining = isDraining
        let inHand = running.map(\.ref) + queue.map(\.ref) + answers.map(\.ref)
        hello.inHand = Array(inHand.prefix(Limits.creditPerWorkerMax))
        if !asHeartbeat { link = .greeting }
        lastHello = now
        nextHeartbeat = now.advanced(milliseconds: heartbeatMilliseconds)
        effects.append(.send(.hello(hello)))
    }

    /// Several messages of a stranger are asked about several times; one hello answers them all.
    mutating func sayHelloUnlessJustSaid() {
        guard link != .absent else { return }
        if let lastHello, now < lastHello.advanced(milliseconds: heartbeatMilliseconds / 4) { return }
        sayHello()
    }

    mutating func runTimers() {
        guard link == .greeting || link == .welcomed else { return }
        if now >= lastHeard.advanced(milliseconds: configuration.coordinatorSilentAfterMilliseconds) {
            link = .absent
            welcomedBy = nil
            effects.append(.reconnect)
            return
        }
        if now >= nextHeartbeat {
            if link == .greeting || isDraining { sayHello(asHeartbeat: link == .welcomed) } else { heartbeat() }
        }
        if link == .welcomed { sendAnswers(all: false) }
    }

    private mutating func heartbeat() {
        nextHeartbeat = now.advanced(milliseconds: heartbeatMilliseconds)
        effects.append(
            .send(
                .heartbeat(
                    Heartbeat(
                        running: UInt32(running.count), queued: UInt32(queue.count), cachedBytes: cachedBytes,
                        flopsTotal: flopsTotal, busySecondsTotal: busySecondsTotal))))
    }

    /// When to say `tick` at the latest; nil while nothing is timed, and after `exit`.
    package var nextDeadline: MonotonicTime? {
        switch link {
        case .exited: return nil
        case .absent: return drainDeadline
        case .greeting, .welcomed: break
        }
        var deadline = min(
            nextHeartbeat, lastHeard.advanced(milliseconds: configuration.coordinatorSilentAfterMilliseconds))
        if let drainDeadline { deadline = min(deadline, drainDeadline) }
        if link == .welcomed {
            for answer in answers { deadline = min(deadline, answer.sendAgainAt) }
        }
        return deadline
    }
}
