import ClusterModel
import Dispatch
import Logging
import Messaging
import Synchronization
import WireProtocol
import WorkerEngine
import WorkerRuntime

/// Carries things from other threads to the test, in order.
final class Mailbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    private let available = DispatchSemaphore(value: 0)

    func add(_ item: Item) {
        items.withLock { $0.append(item) }
        available.signal()
    }

    /// The next one; nil when nothing comes for `seconds`, which a passing test never waits for.
    func next(seconds: Double = 30) -> Item? {
        guard available.wait(timeout: .now() + seconds) == .success else { return nil }
        return items.withLock { $0.removeFirst() }
    }
}

/// A coordinator's side of the control socket that does what the test says, and welcomes by itself.
struct FakeCoordinator: SocketHandler {
    enum Command: Sendable {
        /// To whoever said hello last.
        case send(CoordinatorMessage, Payload?)
        case sendFrames([Payload])
    }

    struct Said: Sendable {
        let message: WorkerMessage
        let payload: Payload?
    }

    let mailbox: Mailbox<Said>
    let welcome: Welcome?
    private var worker: Peer?

    init(mailbox: Mailbox<Said>, welcome: Welcome?) {
        self.mailbox = mailbox
        self.welcome = welcome
    }

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        guard let (message, payload) = try? WireCodec.decodeWorkerMessage(frames) else { return }
        if case .hello = message {
            worker = peer
            if let welcome { send(.welcome(welcome), nil, port) }
        }
        // Heartbeats come when they come.
        if case .heartbeat = message { return }
        mailbox.add(Said(message: message, payload: payload))
    }

    private func send(_ message: CoordinatorMessage, _ payload: Payload?, _ port: SocketPort) {
        guard let worker, let frames = try? WireCodec.encode(message, payload: payload) else { return }
        _ = port.send(frames, to: worker)
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {}

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .send(let message, let payload): send(message, payload, port)
        case .sendFrames(let frames): if let worker { _ = port.send(frames, to: worker) }
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
}

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// A coordinator of the test's making, its block server, and a real worker, over real sockets.
final class TestGrid {
    let said = Mailbox<FakeCoordinator.Said>()
    private(set) var coordinator: SocketLoop<FakeCoordinator>
    let blockServer: SocketLoop<BlockServer>
    let worker: WorkerRuntime

    /// - Parameter lookUp: what the block server gives out.
    init(
        slots: Int = 2, welcomes: Bool = true, engine: WorkerConfiguration = WorkerConfiguration(),
        lookUp: @escaping @Sendable (BlockHash) -> Payload? = { _ in nil }
    ) throws {
        let free = Endpoint(host: "127.0.0.1", port: 0)
        blockServer = try SocketLoop(name: "block-server", .router(bind: free)) { _ in
            BlockServer(logger: quiet, lookUp: lookUp)
        }
        coordinator = try Self.coordinator(at: free, said, welcomes ? blockServer.endpoint.port : nil)
        var settings = try WorkerSettings(coordinator: coordinator.endpoint, slots: slots, worker: "tester")
        settings.engine = engine
        worker = try WorkerRuntime(settings, logger: quiet)
    }

    private static func coordinator(
        at endpoint: Endpoint, _ said: Mailbox<FakeCoordinator.Said>, _ blockPort: UInt16?
    ) throws -> SocketLoop<FakeCoordinator> {
        let welcome = blockPort.map { Welcome(epoch: Epoch(1), heartbeatMilliseconds: 50, blockPort: $0) }
        return try SocketLoop(name: "coordinator", .router(bind: endpoint)) { _ in
            FakeCoordinator(mailbox: said, welcome: welcome)
        }
    }

    func send(_ message: CoordinatorMessage, _ payload: Payload? = nil) { coordinator.post(.send(message, payload)) }

    /// The coordinator dies and another one takes its address.
    func restartCoordinator() throws {
        stopCoordinator()
        try startCoordinator()
    }

    func stopCoordinator() {
        coordinator.stop()
        coordinator.join()
    }

    func startCoordinator() throws {
        coordinator = try Self.coordinator(at: coordinator.endpoint, said, blockServer.endpoint.port)
    }

    func ref(_ number: UInt64) -> AttemptRef {
        AttemptRef(
            task: TaskID(job: JobID(1), plan: PlanHash(2), index: UInt32(number)), attempt: AttemptID(number))
    }

    func lease(_ number: UInt64, _ kind: String, _ payload: Payload) {
        send(.lease(Lease(ref: ref(number), kind: kind)), payload)
    }

    /// The next message that is a hello.
    func nextHello() -> Hello? {
        while let next = said.next() { if case .hello(let hello) = next.message { return hello } }
        return nil
    }

    /// The next result, acknowledged if wanted.
    func nextResult(acknowledged: Bool = true) -> (result: TaskResult, payload: Payload?)? {
        while let next = said.next() {
            guard case .result(let result) = next.message else { continue }
            if acknowledged { send(.ack(result.ref.attempt)) }
            return (result, next.payload)
        }
        return nil
    }

    func nextFailure() -> TaskFailure? {
        while let next = said.next() {
            guard case .failed(let failure) = next.message else { continue }
            send(.ack(failure.ref.attempt))
            return failure
        }
        return nil
    }
}
