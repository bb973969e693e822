import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A TCP connection that says whatever a test wants, with enough of ZMTP 3.0 (RFC 23) to be taken for a DEALER:
/// written from the specification, so that it also catches a misuse of the library.
final class RawPeer {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        let connected = withUnsafeBytes(of: &address) { raw in
            connect(descriptor, raw.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(raw.count)) == 0
        }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        try #require(connected, "cannot connect to port \(port)")
    }

    deinit { close(descriptor) }

    /// - Returns: false when the other side has hung up.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Exactly so many bytes, or nil when they do not come.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let more = bytes[got...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard more > 0 else { return nil }
            got += more
        }
        return bytes
    }

    /// Signature, version 3.0, mechanism NULL, a client: 64 bytes.
    static let greeting: [UInt8] =
        [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 16 + 1 + 31)

    /// Greeting and READY of the NULL mechanism.
    func handshake() throws {
        send(Self.greeting)
        try #require(receive(64) != nil, "no greeting")
        var ready: [UInt8] = [5] + Array("READY".utf8)
        for (name, value) in [("Socket-Type", "DEALER"), ("Identity", "")] {
            ready += [UInt8(name.utf8.count)] + Array(name.utf8) + [0, 0, 0, UInt8(value.utf8.count)] + Array(value.utf8)
        }
        send([0x04, UInt8(ready.count)] + ready)
        let head = try #require(receive(2), "no READY")
        try #require(receive(Int(head[1])) != nil, "no READY")
    }

    /// One message of several frames, at most 255 bytes each.
    @discardableResult
    func sendMessage(_ frames: [[UInt8]]) -> Bool {
        var bytes: [UInt8] = []
        for (index, frame) in frames.enumerated() {
            bytes += [index == frames.count - 1 ? 0 : 1, UInt8(frame.count)] + frame
        }
        return send(bytes)
    }

    /// The frames of the next message that is not empty.
    func receiveMessage() -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        while let flags = receive(1)?.first {
            let wide = flags & 2 != 0
            guard let size = receive(wide ? 8 : 1), let frame = receive(size.reduce(0) { $0 << 8 | Int($1) }) else { return nil }
            // Commands, such as heartbeats of the protocol itself, are no messages.
            if flags & 4 != 0 { continue }
            frames.append(frame)
            if flags & 1 == 0 { return frames }
        }
        return nil
    }
}

// The grid's own messages, by hand.

extension RawPeer {
    static let protocolVersion: UInt8 = 5

    /// A protobuf envelope with an empty message of a field number, and the header's checksum behind it.
    static func envelope(version: UInt8 = protocolVersion, field: UInt8) -> [UInt8] {
        let tag = UInt16(field) << 3 | 2
        return sealed([0x08, version] + (tag < 128 ? [UInt8(tag)] : [UInt8(tag & 0x7F | 0x80), UInt8(tag >> 7)]) + [0])
    }

    /// Field 15, fixed32: the CRC32C of all bytes before it, bit by bit.
    static func sealed(_ header: [UInt8]) -> [UInt8] {
        var rest: UInt32 = 0xFFFF_FFFF
        for byte in header {
            rest ^= UInt32(byte)
            for _ in 0..<8 { rest = rest & 1 == 1 ? (rest >> 1) ^ 0x82F6_3B78 : rest >> 1 }
        }
        return header + [15 << 3 | 5] + (0..<4).map { UInt8(truncatingIfNeeded: ~rest >> (8 * $0)) }
    }
}
