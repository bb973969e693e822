import CZeroMQ
import ClusterModel
import Dispatch
import Synchronization

/// Answers libzmq's question whether a key is admitted (ZeroMQ RFC 27), on a thread of its own, for the sockets of one
/// context. It has to be there before the first of them listens.
///
/// Without an answer nobody gets in: sockets enforce that they are asked for, and what a peer says without having been
/// admitted is dropped.
final class ZAPHandler {
    static let domain = "alphagrid"
    private static let address = "inproc://zeromq.zap.01"
    /// Delimiter, version, request id, domain, address, routing id, mechanism, key; before them the route.
    private static let frameCount = 9
    /// Kept for the socket's thread between two of its turns.
    private static let refusalsMax = 16
    /// Questions answered before the ring is looked at again.
    private static let questionsPerTurn = 64
    /// How long a change of the keys may go unnoticed.
    private static let refreshMilliseconds = 1_000

    private final class Shared: Sendable {
        let isStopping = Atomic(false)
        let refused = Mutex<[String]>([])
        let opening = DispatchSemaphore(value: 0)
        let failure = Mutex<GridError?>(nil)
    }

    private let shared = Shared()
    private let waker: Waker
    private let thread: OwnedThread

    /// - Throws: `.failed` when there is no thread or socket left.
    init(_ context: ZeroMQContext, ring: KeyRing) throws(GridError) {
        let (shared, waker) = (shared, try Waker())
        self.waker = waker
        thread = try OwnedThread(name: "keys") {
            do throws(ZeroMQError) {
                let socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
                try socket.set(ZMQ_LINGER, 0)
                try socket.bind(Self.address)
                shared.opening.signal()
                try Self.run(socket, ring, shared, waker)
            } catch {
                shared.failure.withLock { $0 = GridError(.failed, "keys cannot be checked: \(error)") }
                shared.opening.signal()
            }
        }
        shared.opening.wait()
        if let failure = shared.failure.withLock({ $0 }) { throw failure }
    }

    deinit {
        shared.isStopping.store(true, ordering: .releasing)
        waker.wake()
        thread.join()
    }

    /// Addresses from which a key was shown that is not admitted, since the last call.
    func takeRefused() -> [String] {
        shared.refused.withLock { refused in
            defer { refused = [] }
            return refused
        }
    }

    // MARK: The thread

    private static func run(
        _ socket: borrowing ZeroMQSocket, _ ring: KeyRing, _ shared: Shared, _ waker: Waker
    ) throws(ZeroMQError) {
        while !shared.isStopping.load(ordering: .acquiring) {
            var items = [
                zmq_pollitem_t(socket: socket.raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0),
                zmq_pollitem_t(socket: nil, fd: waker.descriptor, events: Int16(ZMQ_POLLIN), revents: 0),
            ]
            try zmqCall("zmq_poll") { zmq_poll(&items, 2, refreshMilliseconds) }
            ring.refresh()
            for _ in 0..<questionsPerTurn {
                guard let frames = try request(socket) else { break }
                if let answer = answer(to: frames, ring, shared) { send(answer, on: socket) }
            }
        }
    }

    /// The frames of the next question, as many as any may have; nil when there is none now.
    private static func request(_ socket: borrowing ZeroMQSocket) throws(ZeroMQError) -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        var hasMore = true
        while hasMore {
            guard let frame = try socket.receive() else { return frames.isEmpty ? nil : frames }
            hasMore = frame.hasMore
            if frames.count <= frameCount { frames.append(Array(frame.bytes)) }
        }
        return frames
    }

    /// - Returns: nil for what is no question, which gets no answer: whoever waits for one is not let in.
    private static func answer(to frames: [[UInt8]], _ ring: KeyRing, _ shared: Shared) -> [[UInt8]]? {
        guard frames.count >= 4, frames[1].isEmpty, frames[2] == Array("1.0".utf8) else { return nil }
        func reply(_ status: String, _ text: String, userID: String = "") -> [[UInt8]] {
            [frames[0], [], frames[2], frames[3], Array(status.utf8), Array(text.utf8), Array(userID.utf8), []]
        }
        guard frames.count == frameCount, frames[4] == Array(domain.utf8), frames[7] == Array("CURVE".utf8),
            let key = PublicKey(bytes: frames[8])
        else { return reply("400", "not a question about a key of this domain") }
        if let userID = ring.userID(of: key) { return reply("200", "OK", userID: userID) }
        shared.refused.withLock { refused in
            let address = String(decoding: frames[5].prefix(100), as: UTF8.self).printable
            if refused.count < refusalsMax { refused.append(address) }
        }
        return reply("400", "this key is not known here")
    }

    private static func send(_ frames: [[UInt8]], on socket: borrowing ZeroMQSocket) {
        for (index, frame) in frames.enumerated() {
            // Whoever asked may be gone; an answer that cannot be sent lets nobody in.
            let isSent = try? socket.send(MessageFrame(copying: frame), more: index + 1 < frames.count)
            guard isSent == true else { return }
        }
    }
}
