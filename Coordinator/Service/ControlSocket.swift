import ClusterModel
import GridMetrics
import Logging
import Messaging
import Scheduling
import WireProtocol
import WorkerRuntime

/// The ROUTER socket that workers connect to, with the scheduler on its thread.
///
/// It is bound before there is a scheduler: a coordinator that cannot have its port must not take over the epoch.
final class ControlSocket: Sendable {
    let endpoint: Endpoint
    private let loop: SocketLoop<ControlHandler>

    /// Binds; workers are answered after `SchedulerCommand.begin`.
    ///
    /// - Parameters:
    ///   - keys: what keeps strangers out; nil for anybody.
    ///   - trustsNetwork: whether workers without keys are believed where they serve blocks.
    ///   - tellBlocks: is told which workers are welcome and which go, on the socket's thread, for those that serve blocks.
    ///   - isLeadDoubtful: whether somebody else may lead by now; as long as it says so, workers hear nothing from here.
    ///   - drained: how many workers were drained and have left, for what displays say of jobs that wait.
    ///   - count: gets what was counted so far before a job hears that a stage of it is complete, on the socket's thread.
    ///   - publish: gets a snapshot for displays a few times a second, on the socket's thread.
    init(
        endpoint: Endpoint, drivers: JobDrivers, log: Logger, keys: ServerKeys? = nil, trustsNetwork: Bool = false,
        tellBlocks: @escaping @Sendable (BlockServer.Command) -> Void = { _ in }, metrics: RecordedMetrics = RecordedMetrics(),
        reached: @escaping @Sendable (CoordinatorStep) -> Void = { _ in },
        isLeadDoubtful: @escaping @Sendable (MonotonicTime) -> Bool = { _ in false },
        drained: @escaping @Sendable () -> Int = { 0 }, count: @escaping @Sendable (SchedulerCounters) -> Void = { _ in },
        publish: @escaping @Sendable (GridSnapshot) -> Void
    ) throws(GridError) {
        var options = SocketOptions()
        // Every partial being merged ends in one command, and none may be lost.
        options.commandsMax = Limits.mergeQueueMax + Limits.commandQueueMax
        options.security = keys.map { .server($0) } ?? .none
        loop = try SocketLoop(name: "control", .router(bind: endpoint), options: options) { _ in
            ControlHandler(
                drivers: drivers, log: log, door: Doorkeeper(keys: keys, trustsNetwork: trustsNetwork),
                tellBlocks: tellBlocks, metrics: metrics, reached: reached, isLeadDoubtful: isLeadDoubtful, drained: drained,
                count: count, publish: publish)
        }
        self.endpoint = loop.endpoint
    }

    func post(_ command: SchedulerCommand) {
        loop.post(command)
    }

    /// Returns when the socket is closed.
    func stop() {
        loop.stop()
        loop.join()
    }
}

struct ControlHandler: SocketHandler {
    typealias Command = SchedulerCommand

    private let drivers: JobDrivers
    private let log: Logger
    private var door: Doorkeeper
    private let tellBlocks: @Sendable (BlockServer.Command) -> Void
    private let metrics: RecordedMetrics
    private let reached: @Sendable (CoordinatorStep) -> Void
    private let isLeadDoubtful: @Sendable (MonotonicTime) -> Bool
    private let drained: @Sendable () -> Int
    private let count: @Sendable (SchedulerCounters) -> Void
    private let publish: @Sendable (GridSnapshot) -> Void
    private var shell: SchedulerShell?
    private var publishedAt: MonotonicTime?
    /// To workers that have another address this is a coordinator that is gone; the others wait for it.
    private var isSilent = false

    /// Between snapshots for displays.
    private static let publishEveryMilliseconds: Int64 = 200

    init(
        drivers: JobDrivers, log: Logger, door: Doorkeeper,
        tellBlocks: @escaping @Sendable (BlockServer.Command) -> Void, metrics: RecordedMetrics,
        reached: @escaping @Sendable (CoordinatorStep) -> Void, isLeadDoubtful: @escaping @Sendable (MonotonicTime) -> Bool,
        drained: @escaping @Sendable () -> Int, count: @escaping @Sendable (SchedulerCounters) -> Void,
        publish: @escaping @Sendable (GridSnapshot) -> Void
    ) {
        self.drivers = drivers
        self.log = log
        self.door = door
        self.tellBlocks = tellBlocks
        self.metrics = metrics
        self.reached = reached
        self.isLeadDoubtful = isLeadDoubtful
        self.drained = drained
        self.count = count
        self.publish = publish
    }

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        // A worker that gets no answer says hello again.
        guard let shell, !isSilent else { return }
        let transport = transport(port)
        do throws(GridError) {
            let (decoded, payload) = try WireCodec.decodeWorkerMessage(frames)
            var message = decoded
            if case .hello(let hello) = message {
                let keyName = port.keyName(of: peer)
                if let refusal = door.refusal(of: hello, keyName: keyName) {
                    log.warning("worker refused", metadata: ["address": "\(port.address(of: peer))", "reason": "\(refusal)"])
                    _ = transport.send(.refused(refusal), payload: nil, to: peer)
                    return
                }
                message = .hello(door.believed(hello, keyName: keyName))
            }
            shell.received(from: peer, message, payload: payload, at: now, via: transport)
        } catch {
            log.debug("message refused", metadata: ["peer": "\(peer)", "error": "\(error)"])
            if error.kind == .conflict {
                _ = transport.send(.refused(error.message), payload: nil, to: peer)
            } else {
                shell.handle(.undecodable(from: peer, reason: error.message), at: now, via: transport)
            }
        }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        switch event {
        case .dropped(let peer, let reason):
            shell?.handle(.undecodable(from: peer, reason: reason), at: now, via: transport(port))
        case .revoked(let peer, let key): revoked(peer, key, at: now, via: port)
        case .refused(let refusal): door.note(refusal, at: now, to: log)
        case .connected, .disconnected, .connectFailed: break
        }
    }

    private func transport(_ port: SocketPort) -> PortTransport {
        PortTransport(port: port, log: log, blockSecret: door.blockSecret, isSilent: isSilent)
    }

    /// What the worker had in hand goes to others at once: to the scheduler it has said goodbye.
    private func revoked(_ peer: Peer, _ key: String, at now: MonotonicTime, via port: SocketPort) {
        log.warning("key revoked: its worker is dropped", metadata: ["key": "\(key)", "address": "\(port.address(of: peer))"])
        _ = transport(port).send(.refused("the key '\(key)' was revoked"), payload: nil, to: peer)
        shell?.handle(.received(from: peer, .goodbye), at: now, via: transport(port))
        port.forget(peer)
    }

    /// Those who know the former secret ask for the new one by a hello.
    private mutating func spreadSecret(at now: MonotonicTime, via port: SocketPort) {
        guard door.renewSecretIfRevoked() else { return }
        let transport = transport(port)
        for peer in port.kept where !transport.send(.whoAreYou, payload: nil, to: peer) {
            // Asked again when it is heard again.
            shell?.handle(.unroutable(peer), at: now, via: transport)
        }
    }

    mutating func handle(_ command: SchedulerCommand, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .begin(let scheduler):
            let (tellBlocks, count) = (tellBlocks, count)
            shell = SchedulerShell(
                scheduler: scheduler, drivers: drivers, log: log, metrics: metrics, reached: reached,
                // Only of whom the scheduler takes: nobody would tell that a refused one has left.
                workerWelcome: { tellBlocks(.joined($0)) }, workerGone: { tellBlocks(.left($0)) },
                stageEnds: count)
        case .event(let event): shell?.handle(event, at: now, via: transport(port))
        case .look(let body): shell?.look(body, at: now)
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
        guard let shell else { return nil }
        spreadSecret(at: now, via: port)
        if let deadline = shell.nextDeadline, deadline <= now {
            shell.handle(.tick, at: now, via: transport(port))
        }
        let due = publishedAt?.advanced(milliseconds: Self.publishEveryMilliseconds) ?? now
        if due <= now {
            if isLeadDoubtful(now) != isSilent {
                isSilent.toggle()
                log.warning(
                    isSilent
                        ? "the database has not been reached for long, and somebody stands by: workers are left to whoever leads"
                        : "the database is reached again: workers are answered")
            }
            if publishedAt != nil { metrics.controlLagSeconds.record(now.seconds(since: due)) }
            publish(shell.snapshot(at: now, drained: drained()))
            publishedAt = now
        }
        let next = (publishedAt ?? now).advanced(milliseconds: Self.publishEveryMilliseconds)
        return shell.nextDeadline.map { min($0, next) } ?? next
    }
}

private struct PortTransport: CoordinatorTransport {
    let port: SocketPort
    let log: Logger
    let blockSecret: SecretKey?
    let isSilent: Bool

    func send(_ message: CoordinatorMessage, payload: Payload?, to peer: Peer) -> Bool {
        // Lost like any message; what it said is said again to whoever comes back.
        if isSilent { return true }
        var message = message
        if case .welcome(var welcome) = message {
            // Whoever is welcome keeps its place among the peers when strangers crowd in, until the scheduler forgets it.
            port.keep(peer)
            // The scheduler decides who is welcome, and knows no secrets.
            welcome.blockSecret = blockSecret
            message = .welcome(welcome)
        }
        do throws(GridError) {
            return port.send(try WireCodec.encode(message, payload: payload), to: peer) == .sent
        } catch {
            log.error("message not sent", metadata: ["peer": "\(peer)", "error": "\(error)"])
            return true
        }
    }

    func forget(_ peer: Peer) { port.forget(peer) }
}
