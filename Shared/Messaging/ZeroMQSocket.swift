import CZeroMQ
import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Owner of one libzmq context: the I/O threads behind a thread's sockets. Each socket holds on to it, because ending
/// a context waits for all its sockets to be closed. The one thing of libzmq that threads may share: the thread that
/// checks keys has a socket in the context of those it checks them for.
final class ZeroMQContext: @unchecked Sendable {
    let raw: UnsafeMutableRawPointer

    /// libzmq numbers the connections of a socket from `rand()`, which it never seeds. Whoever claims the number of the next one
    /// to come makes it end the program: nobody is to know it.
    private static let seeding: Void = srand(.random(in: .min ... .max))

    init() throws(GridError) {
        Self.seeding
        guard let raw = zmq_ctx_new() else {
            throw GridError(.failed, "zmq_ctx_new: \(String(cString: zmq_strerror(zmq_errno())))")
        }
        self.raw = raw
    }

    deinit {
        // Waits for what the closed sockets still linger on, and no longer.
        while zmq_ctx_term(raw) != 0 && zmq_errno() == EINTR {}
    }
}

/// Owner of one libzmq socket. Used by the thread that made it and closed with it.
struct ZeroMQSocket: ~Copyable {
    let raw: UnsafeMutableRawPointer
    private let context: ZeroMQContext

    init(_ context: ZeroMQContext, type: Int32) throws(ZeroMQError) {
        guard let raw = zmq_socket(context.raw, type) else {
            throw ZeroMQError(function: "zmq_socket", code: ZeroMQError.Code(rawValue: zmq_errno()), context: "")
        }
        self.raw = raw
        self.context = context
    }

    deinit { zmq_close(raw) }

    borrowing func set(_ option: Int32, _ value: Int32) throws(ZeroMQError) {
        let raw = raw
        var value = value
        try zmqCall("zmq_setsockopt", "option \(option) = \(value)") {
            zmq_setsockopt(raw, option, &value, MemoryLayout<Int32>.size)
        }
    }

    borrowing func set(_ option: Int32, wide value: Int64) throws(ZeroMQError) {
        let raw = raw
        var value = value
        try zmqCall("zmq_setsockopt", "option \(option) = \(value)") {
            zmq_setsockopt(raw, option, &value, MemoryLayout<Int64>.size)
        }
    }

    borrowing func set(_ option: Int32, bytes: [UInt8]) throws(ZeroMQError) {
        let raw = raw
        try zmqCall("zmq_setsockopt", "option \(option)") { zmq_setsockopt(raw, option, bytes, bytes.count) }
    }

    borrowing func bind(_ address: String) throws(ZeroMQError) {
        let raw = raw
        try zmqCall("zmq_bind", address) { zmq_bind(raw, address) }
    }

    borrowing func connect(_ address: String) throws(ZeroMQError) {
        let raw = raw
        try zmqCall("zmq_connect", address) { zmq_connect(raw, address) }
    }

    /// Where the socket is really bound, such as `tcp://127.0.0.1:41234`.
    borrowing func lastEndpoint() throws(ZeroMQError) -> String {
        let raw = raw
        var buffer = [CChar](repeating: 0, count: 512)
        var size = buffer.count
        try zmqCall("zmq_getsockopt", "last endpoint") { zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, &buffer, &size) }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// - Returns: false when there is no room now.
    borrowing func send(_ frame: consuming MessageFrame, more: Bool) throws(ZeroMQError) -> Bool {
        let raw = raw
        // After success libzmq owns the content and leaves an empty message, which the frame's deinit may close.
        let message = frame.raw
        return try zmqTry("zmq_msg_send") { zmq_msg_send(message, raw, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) } != nil
    }

    /// The next frame, nil when there is none now.
    borrowing func receive() throws(ZeroMQError) -> MessageFrame? {
        let raw = raw
        let frame = MessageFrame()
        let message = frame.raw
        guard try zmqTry("zmq_msg_recv", { zmq_msg_recv(message, raw, ZMQ_DONTWAIT) }) != nil else { return nil }
        return frame
    }
}
