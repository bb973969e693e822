import ClusterModel
import Dispatch
import Messaging
import Synchronization

/// What a socket's thread saw, for the test to read in order.
enum Seen: Equatable, Sendable {
    case message(Peer, [[UInt8]])
    case event(SocketEvent)
    case outcome(SendOutcome)
    case called(Peer)
    case key(String?)
    case ticked
}

/// Carries what was seen from the socket's thread to the test.
final class Inbox: Sendable {
    private let items = Mutex<[Seen]>([])
    private let available = DispatchSemaphore(value: 0)

    func add(_ item: Seen) {
        items.withLock { $0.append(item) }
        available.signal()
    }

    /// The next thing seen; nil when nothing comes for `seconds`, which a passing test never waits for.
    func next(seconds: Double = 10) -> Seen? {
        guard available.wait(timeout: .now() + seconds) == .success else { return nil }
        return items.withLock { $0.removeFirst() }
    }

    /// The next message, skipping everything else.
    func nextMessage() -> (peer: Peer, frames: [[UInt8]])? {
        while let item = next() {
            if case .message(let peer, let frames) = item { return (peer, frames) }
        }
        return nil
    }

    /// The name of the next message's key, skipping everything else.
    func nextKey() -> String? {
        while let item = next() {
            if case .key(let name) = item { return name }
        }
        return nil
    }

    func nextEvent(where matches: (SocketEvent) -> Bool = { _ in true }) -> SocketEvent? {
        while let item = next() {
            if case .event(let event) = item, matches(event) { return event }
        }
        return nil
    }

    func nextOutcome() -> SendOutcome? {
        while let item = next() {
            if case .outcome(let outcome) = item { return outcome }
        }
        return nil
    }
}

/// Records everything; echoes messages back when asked to.
struct Recorder: SocketHandler {
    enum Command: Sendable {
        case send([Payload], to: Peer)
        case sendToConnection([Payload])
        /// Sends the same message again and again until it is not taken any more, at most `limit` times.
        case flood([Payload], to: Peer, limit: Int)
        case reconnect(to: Endpoint)
        /// By a caller.
        case call(Endpoint)
        case pause(DispatchSemaphore)
        case note
    }

    let inbox: Inbox
    var echoes = false
    var tellsKeys = false
    var ticksWanted = 0

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        if tellsKeys { inbox.add(.key(port.keyName(of: peer))) }
        inbox.add(.message(peer, frames.map { Array($0.bytes) }))
        if echoes { _ = port.send(frames, to: peer) }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) { inbox.add(.event(event)) }

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .send(let frames, let peer): inbox.add(.outcome(port.send(frames, to: peer)))
        case .sendToConnection(let frames):
            inbox.add(.outcome(port.connectedPeer.map { port.send(frames, to: $0) } ?? .unroutable))
        case .flood(let frames, let peer, let limit):
            var outcome = SendOutcome.sent
            for _ in 0..<limit where outcome == .sent { outcome = port.send(frames, to: peer) }
            inbox.add(.outcome(outcome))
        case .reconnect(let endpoint):
            do { try port.reconnect(to: endpoint) } catch { inbox.add(.outcome(.unroutable)) }
        case .call(let endpoint):
            do { inbox.add(.called(try port.call(endpoint))) } catch { inbox.add(.outcome(.unroutable)) }
        case .pause(let semaphore): semaphore.wait()
        case .note: inbox.add(.ticked)
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
        guard ticksWanted > 0 else { return nil }
        ticksWanted -= 1
        inbox.add(.ticked)
        return now.advanced(milliseconds: 2)
    }
}

typealias Loop = SocketLoop<Recorder>

let freePort = Endpoint(host: "127.0.0.1", port: 0)

func router(
    _ inbox: Inbox, at endpoint: Endpoint = freePort, echoes: Bool = false, options: SocketOptions = SocketOptions()
) throws -> Loop {
    try Loop(name: "test-router", .router(bind: endpoint), options: options) { _ in Recorder(inbox: inbox, echoes: echoes) }
}

func dealer(_ inbox: Inbox, to endpoint: Endpoint, options: SocketOptions = SocketOptions()) throws -> Loop {
    try Loop(name: "test-dealer", .dealer(connect: endpoint), options: options) { _ in Recorder(inbox: inbox) }
}

func payloads(_ texts: String...) -> [Payload] { texts.map { Payload(copying: Array($0.utf8)) } }
func bytes(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
