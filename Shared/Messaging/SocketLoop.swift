import ClusterModel
import Dispatch
import Synchronization

/// A thread that owns one socket and the handler behind it. Everything else reaches them through `post`.
package final class SocketLoop<Handler: SocketHandler>: Sendable {
    private let control: LoopControl<Handler.Command>
    private let thread: OwnedThread

    /// Where the socket is bound, with its real port, or connects to at first.
    package let endpoint: Endpoint

    /// Opens the socket on a thread of its own; returns once it is bound or has begun to connect.
    ///
    /// - Parameters:
    ///   - name: what the system shows as the thread's name, at most 15 bytes.
    ///   - makeHandler: called on that thread; the poster is how what the handler starts reports back to it.
    /// - Throws: one sentence that says why the address cannot be used.
    package init(
        name: String, _ role: SocketRole, options: SocketOptions = SocketOptions(),
        makeHandler: @escaping @Sendable (CommandPoster<Handler.Command>) -> Handler
    ) throws(GridError) {
        let control = LoopControl<Handler.Command>(waker: try Waker(), commandsMax: options.commandsMax)
        thread = try OwnedThread(name: name) {
            do throws(GridError) {
                let port = try SocketPort(role, options)
                control.opened(.success(port.endpoint))
                var handler = makeHandler(CommandPoster(queue: control.commands))
                try control.run(port, &handler)
                control.ended(with: nil)
            } catch {
                control.opened(.failure(error))
                control.ended(with: error)
            }
        }
        self.control = control
        endpoint = try control.waitUntilOpened()
    }

    /// Hands a command to the handler on its thread; any thread may call this, and it never waits.
    /// - Returns: false when `SocketOptions.commandsMax` are waiting already or the thread has ended.
    @discardableResult package func post(_ command: Handler.Command) -> Bool { control.commands.push(command) }

    /// Asks the thread to end after its present batch. Idempotent; `join` waits for it.
    package func stop() { control.stop() }

    /// Waits until the thread has ended and its socket is closed. Not to be called by the thread itself.
    /// - Returns: what ended it when nobody had asked for it.
    @discardableResult package func join() -> GridError? {
        thread.join()
        return control.failure
    }

    deinit { control.stop() }
}

/// What the owner of a loop and its thread share.
final class LoopControl<Command: Sendable>: Sendable {
    private struct State {
        var opened: Result<Endpoint, GridError>?
        var isStopping = false
        var failure: GridError?
    }

    /// Messages taken before commands and timers get their turn again.
    private static var messagesPerBatch: Int { 256 }
    /// The longest sleep, in milliseconds, when the handler has no wish.
    private static var sleepMax: Int64 { 60_000 }

    let commands: CommandQueue<Command>
    private let waker: Waker
    private let state = Mutex(State())
    private let opening = DispatchSemaphore(value: 0)

    init(waker: Waker, commandsMax: Int) {
        self.waker = waker
        commands = CommandQueue(capacity: commandsMax, waker: waker)
    }

    var failure: GridError? { state.withLock { $0.failure } }

    func stop() {
        state.withLock { $0.isStopping = true }
        waker.wake()
    }

    func waitUntilOpened() throws(GridError) -> Endpoint {
        opening.wait()
        switch state.withLock({ $0.opened }) {
        case .success(let endpoint): return endpoint
        case .failure(let error): throw error
        case nil: throw GridError(.failed, "the socket's thread ended before it began")
        }
    }

    func opened(_ outcome: Result<Endpoint, GridError>) {
        state.withLock { if $0.opened == nil { $0.opened = outcome } }
        opening.signal()
    }

    func ended(with error: GridError?) {
        commands.close()
        state.withLock { $0.failure = error }
    }

    /// The loop: sleep, news of the connection, commands, messages, timers.
    func run<Handler: SocketHandler>(
        _ port: SocketPort, _ handler: inout Handler
    ) throws(GridError) where Handler.Command == Command {
        do throws(ZeroMQError) {
            var deadline = handler.tick(at: .now(), via: port)
            while !port.isStopping && !state.withLock({ $0.isStopping }) {
                try port.wait(orFor: waker.descriptor, milliseconds: sleep(until: earlier(deadline, port.nextTurn)))
                waker.drain()
                for event in try port.takeEvents() { handler.noticed(event, at: .now(), via: port) }
                for command in commands.takeAll() { handler.handle(command, at: .now(), via: port) }
                try receiveBatch(port, &handler)
                deadline = handler.tick(at: .now(), via: port)
            }
        } catch {
            throw GridError(.failed, "the socket at \(port.endpoint) broke: \(error)")
        }
    }

    private func receiveBatch(_ port: SocketPort, _ handler: inout some SocketHandler) throws(ZeroMQError) {
        for _ in 0..<Self.messagesPerBatch {
            switch try port.receive() {
            case .nothing: return
            case .ignored: continue
            case .message(let peer, let frames): handler.received(frames, from: peer, at: .now(), via: port)
            case .dropped(let peer, let reason):
                handler.noticed(.dropped(peer, reason: reason), at: .now(), via: port)
            }
        }
    }

    private func earlier(_ one: MonotonicTime?, _ other: MonotonicTime?) -> MonotonicTime? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    /// Milliseconds to the deadline, rounded up so that the handler is not woken just before it.
    private func sleep(until deadline: MonotonicTime?) -> Int {
        guard let deadline else { return Int(Self.sleepMax) }
        let (left, overflow) = deadline.nanoseconds.subtractingReportingOverflow(MonotonicTime.now().nanoseconds)
        if overflow { return deadline.nanoseconds < 0 ? 0 : Int(Self.sleepMax) }
        return Int(min(max((left + 999_999) / 1_000_000, 0), Self.sleepMax))
    }
}
