import CZeroMQ
import ClusterModel

/// Owner of one `zmq_msg_t`. It sits on the heap because libzmq keeps short contents inside the struct itself, so
/// that pointers into it would dangle if Swift moved it.
struct MessageFrame: ~Copyable {
    /// Up to this size copying is cheaper than sharing ownership across threads.
    private static let copiedBytesMax = 1_024

    let raw: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame to receive into.
    init() {
        raw = .allocate(capacity: 1)
        zmq_msg_init(raw)
    }

    /// A frame that holds on to `payload` until the I/O thread has sent it; only short ones are copied.
    init(sending payload: Payload) throws(ZeroMQError) {
        let bytes = payload.bytes
        raw = .allocate(capacity: 1)
        zmq_msg_init(raw)
        if bytes.count <= Self.copiedBytesMax {
            let raw = raw
            try zmqCall("zmq_msg_init_size") { zmq_msg_init_size(raw, bytes.count) }
            if let source = bytes.baseAddress { zmq_msg_data(raw).copyMemory(from: source, byteCount: bytes.count) }
        } else {
            let hint = Unmanaged.passRetained(payload)
            let raw = raw
            do throws(ZeroMQError) {
                try zmqCall("zmq_msg_init_data") {
                    zmq_msg_init_data(
                        raw, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
                        { _, hint in
                            if let hint { Unmanaged<Payload>.fromOpaque(hint).release() }
                        }, hint.toOpaque())
                }
            } catch {
                hint.release()
                throw error
            }
        }
    }

    /// A short frame with a copy of `bytes`.
    init(copying bytes: [UInt8]) throws(ZeroMQError) {
        raw = .allocate(capacity: 1)
        zmq_msg_init(raw)
        let raw = raw
        try zmqCall("zmq_msg_init_size") { zmq_msg_init_size(raw, bytes.count) }
        bytes.withUnsafeBytes { source in
            if let base = source.baseAddress { zmq_msg_data(raw).copyMemory(from: base, byteCount: source.count) }
        }
    }

    deinit {
        zmq_msg_close(raw)
        raw.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: zmq_msg_data(raw), count: zmq_msg_size(raw)) }

    /// Whether another frame of the same message follows.
    var hasMore: Bool { zmq_msg_more(raw) != 0 }

    /// Whose key the sender has shown, as the ring put it; nil where there are no keys.
    var userID: String? { zmq_msg_gets(raw, "User-Id").map { String(cString: $0) } }

    /// Where the sender connects from; nil for a frame that was not received.
    var peerAddress: String? { zmq_msg_gets(raw, "Peer-Address").map { String(cString: $0) } }

    /// Of the connection that a received frame came by; it may be closed by now, and stand for something else.
    var descriptor: Int32 { zmq_msg_get(raw, ZMQ_SRCFD) }

    /// The frame as a payload, without a copy if it is long and happens to lie on a 64-byte boundary.
    ///
    /// libzmq puts a received frame wherever malloc does, so most are copied once; payloads promise the alignment.
    consuming func intoPayload() -> Payload {
        let bytes = bytes
        guard bytes.count > Self.copiedBytesMax, UInt(bitPattern: bytes.baseAddress) % 64 == 0 else {
            let copy = Payload(copying: bytes)
            _ = consume self
            return copy
        }
        let raw = raw
        discard self
        return Payload(adopting: bytes) {
            zmq_msg_close(raw)
            raw.deallocate()
        }
    }
}
