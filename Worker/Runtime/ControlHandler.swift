import ClusterModel
import Logging
import Messaging
import Synchronization
import WireProtocol
import WorkerEngine

/// How a worker's control thread told its owner that it is over.
final class ExitNotice: Sendable {
    let reason = Mutex<WorkerExit?>(nil)
}

/// The shell around `WorkerEngine`: owns the conversation with the coordinator and never computes.
struct ControlHandler: SocketHandler {
    enum Command: Sendable {
        case ended(AttemptRef, Result<TaskOutcome, GridError>)
        case drain
    }

    private var engine: WorkerEngine
    private let work: WorkerParts
    private let poster: CommandPoster<Command>
    private let notice: ExitNotice
    private let keyName: String?
    private let logger: Logger
    /// The bytes behind the engine's handles.
    private var payloads: [PayloadHandle: Payload] = [:]
    private var lastHandle: UInt64 = 0
    private var cachedBytes = 0
    private var saidUnreachable = false
    /// What has been said since the last connection: which side hangs up first differs from time to time.
    private var saidRefusals: Set<HandshakeRefusal> = []
    /// Of the addresses that have refused this worker: that they are then tried again in vain is nothing new.
    private var refusing: Set<Endpoint> = []
    private var malformedCount = 0
    /// Of the coordinator and its standbys.
    private let endpoints: [Endpoint]
    private var endpointsTried = 0
    private var triedAt: MonotonicTime?

    /// An address that refuses does so at once, and the next one perhaps too.
    private static let turnMilliseconds: Int64 = 300

    /// - Parameter keyName: of the worker's key; nil for one without.
    init(
        engine: WorkerEngine, work: WorkerParts, poster: CommandPoster<Command>, notice: ExitNotice, keyName: String?,
        logger: Logger, endpoints: [Endpoint]
    ) {
        self.keyName = keyName
        self.endpoints = endpoints
        self.engine = engine
        self.work = work
        self.poster = poster
        self.notice = notice
        self.logger = logger
    }

    // MARK: Facts

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        do throws(GridError) {
            let (message, payload) = try WireCodec.decodeCoordinatorMessage(frames)
            note(message, payload, port)
            tell(.received(message, payload: payload.map { keep($0) }), at: now, port)
        } catch {
            if error.kind == .conflict {
                // A coordinator of another protocol version is one this worker cannot work for.
                tell(.received(.refused("\(error)")), at: now, port)
            } else {
                malformedCount += 1
                if malformedCount == 1 { logger.warning("coordinator \(port.endpoint): \(error)") }
            }
        }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        switch event {
        case .connected:
            logger.info("connected to \(port.endpoint)")
            saidUnreachable = false
            saidRefusals = []
            refusing = []
            tell(.connected, at: now, port)
        case .disconnected:
            logger.warning("connection to \(port.endpoint) lost; computing on and trying again")
            saidUnreachable = true
        case .connectFailed:
            if !refusing.contains(port.endpoint) {
                if !saidUnreachable { logger.warning("cannot reach \(port.endpoint); trying until it answers") }
                saidUnreachable = true
            }
            tryNext(at: now, port)
        case .refused(let refusal):
            let isNews = keyName == nil ? saidRefusals.isEmpty : !saidRefusals.contains(refusal)
            saidRefusals.insert(refusal)
            refusing.insert(port.endpoint)
            if isNews { logger.error("\(refusal.sentence(of: port.endpoint, keyName: keyName)); trying again now and then") }
            tryNext(at: now, port)
        case .revoked: break
        case .dropped(_, let reason):
            logger.warning("coordinator \(port.endpoint) sent \(reason)")
        }
    }

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .ended(let ref, .success(let outcome)):
            tell(
                .finished(
                    ref, payload: keep(outcome.payload), computeSeconds: outcome.computeSeconds, flops: outcome.flops),
                at: now, port)
        case .ended(let ref, .failure(let error)):
            logger.warning(
                "task failed: \(error)",
                metadata: [
                    "job": "\(ref.task.job)", "plan": "\(ref.task.plan)", "task": "\(ref.task.index)",
                    "attempt": "\(ref.attempt)",
                ])
            let isDamage = error.kind == .damaged
            tell(isDamage ? .damaged(ref, message: error.message) : .failedToCompute(ref, message: error.message), at: now, port)
        case .drain:
            let inHand = "\(engine.runningCount) running, \(engine.queuedCount) queued"
            logger.info("draining: \(inHand), \(engine.unacknowledgedCount) to be acknowledged")
            tell(.drainRequested, at: now, port)
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
        let held = work.cache.byteCount
        if held != cachedBytes {
            cachedBytes = held
            tell(.cacheHolds(bytes: UInt64(held)), at: now, port)
        }
        tell(.tick, at: now, port)
        return engine.nextDeadline
    }

    /// What the shell itself makes of a message, before the engine sees it.
    private func note(_ message: CoordinatorMessage, _ payload: Payload?, _ port: SocketPort) {
        switch message {
        case .welcome(let welcome):
            // A draining worker repeats its hello, and is welcomed each time.
            if engine.welcomedBy != welcome.epoch { logger.info("welcomed by \(port.endpoint), \(welcome.epoch)") }
            do throws(GridError) {
                if let secret = welcome.blockSecret, keyName != nil {
                    let membership = try BlockMembership(secret)
                    work.blocks.join(membership)
                    try work.sharing?.serve(membership)
                }
                try work.blocks.serve(from: port.endpoint.with(port: welcome.blockPort))
            } catch {
                logger.error("blocks cannot be fetched: \(error)")
            }
        case .lease(let lease):
            // While a slot is busy the next task's blocks come in.
            if let payload, !engine.isDraining { work.executor.prefetch(kind: lease.kind, payload: payload) }
        case .drain: logger.info("the coordinator asks this worker to drain")
        case .changeCoreType(let wanted):
            logger.info("the coordinator asks this worker to start again with core type \(wanted)")
        case .whoAreYou, .cancel, .ack, .refused: break
        }
    }

    // MARK: Effects

    private mutating func keep(_ payload: Payload) -> PayloadHandle {
        lastHandle += 1
        let handle = PayloadHandle(lastHandle)
        payloads[handle] = payload
        return handle
    }

    private mutating func tell(_ event: WorkerEvent, at now: MonotonicTime, _ port: SocketPort) {
        for effect in engine.handle(event, at: now) {
            switch effect {
            case .send(let message, let payload): send(message, payload, at: now, port)
            case .start(let ref, let kind, let payload): start(ref, kind, payload)
            case .release(let payload): payloads[payload] = nil
            case .reconnect:
                // Of an address without a connection it is known already that it cannot be reached.
                if port.connectedPeer != nil {
                    logger.warning("\(port.endpoint) has been silent for too long; connecting anew")
                }
                reconnect(port)
            case .exit(let reason):
                notice.reason.withLock { $0 = reason }
                port.stop()
            }
        }
    }

    private mutating func send(
        _ message: WorkerMessage, _ payload: PayloadHandle?, at now: MonotonicTime, _ port: SocketPort
    ) {
        // What cannot be sent now is sent again by the engine in time.
        guard let peer = port.connectedPeer else { return }
        do throws(GridError) {
            let frames = try WireCodec.encode(message, payload: payload.flatMap { payloads[$0] })
            _ = port.send(frames, to: peer)
        } catch {
            logger.error("\(error)")
            // Sent again and again it would be refused again and again.
            if error.kind == .damaged, case .result(let result) = message {
                tell(.damaged(result.ref, message: error.message), at: now, port)
            }
        }
    }

    private func start(_ ref: AttemptRef, _ kind: String, _ payload: PayloadHandle) {
        guard let payload = payloads[payload] else { return }
        let poster = poster
        // The queue has room for more than a worker's credit, so posting fails only once this thread has ended.
        work.pool.submit(kind: kind, payload: payload) { outcome in poster.post(.ended(ref, outcome)) }
    }

    /// A coordinator that does not answer, or lets this worker not in, may have a standby.
    private mutating func tryNext(at now: MonotonicTime, _ port: SocketPort) {
        guard endpoints.count > 1, triedAt.map({ $0.advanced(milliseconds: Self.turnMilliseconds) <= now }) ?? true else {
            return
        }
        triedAt = now
        reconnect(port)
    }

    /// To the next address, or the only one again.
    private mutating func reconnect(_ port: SocketPort) {
        endpointsTried += 1
        do throws(GridError) {
            try port.reconnect(to: endpoints[endpointsTried % endpoints.count])
        } catch {
            logger.error("\(error)")
        }
    }
}
