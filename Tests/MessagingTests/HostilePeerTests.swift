import CZeroMQ
import ClusterModel
import Glibc
import Messaging
import Testing

/// A plain TCP connection that sends whatever it likes.
private final class RawConnection {
    private let descriptor: Int32

    init(to endpoint: Endpoint) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        // Nothing here may wait for ever.
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Becomes a DEALER in the eyes of the other side; who speaks before its READY has come is thrown out.
    func shakeHands() {
        send(Self.handshake)
        let greeting = read(64 + 2)
        if let length = greeting.last { _ = read(Int(length)) }
    }

    private func read(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < count, recv(descriptor, &byte, 1, 0) == 1 { bytes.append(byte) }
        return bytes
    }

    /// Reads until the other side closes; false when it does not.
    func isClosedByPeer() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 || count < 0 && errno == ECONNRESET { return true }
            if count < 0 { return false }
        }
    }

    deinit { close(descriptor) }

    /// What a ZeroMQ socket says first: ZMTP 3.0, no security, then READY as a DEALER.
    static let handshake: [UInt8] =
        [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8) + Array(repeating: 0, count: 48)
        + [4, 28, 5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
}

@Suite struct HostilePeerTests {
    /// A router with a well-behaved dealer, to see that it still works.
    private func expectServing(_ router: Loop, _ server: Inbox) throws {
        let client = Inbox()
        let dealer = try dealer(client, to: router.endpoint)
        #expect(client.nextEvent() == .connected(Peer(1)))
        dealer.post(.sendToConnection(payloads("are you there?")))
        #expect(client.nextOutcome() == .sent)
        while let message = server.nextMessage() {
            if message.frames == bytes("are you there?") {
                router.post(.send(payloads("yes"), to: message.peer))
                break
            }
        }
        #expect(client.nextMessage()?.frames == bytes("yes"))
    }

    @Test("Garbage over plain TCP does not stop a router from serving others")
    func garbage() throws {
        let server = Inbox()
        let router = try router(server)
        var noise: [UInt8] = []
        var seed: UInt32 = 1
        for _ in 0..<5_000 {
            seed = seed &* 1_664_525 &+ 1_013_904_223
            noise.append(UInt8(truncatingIfNeeded: seed >> 24))
        }
        let openings: [[UInt8]] = [
            [], noise, Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), Array(repeating: 0xFF, count: 300),
            Array(repeating: 0, count: 300), RawConnection.handshake + noise,
            Array(RawConnection.handshake.prefix(64)) + [4, 200] + noise,
        ]
        // Half of them hang up at once, the others stay and say no more.
        var open: [RawConnection] = []
        for (index, opening) in (openings + openings).enumerated() {
            let connection = try RawConnection(to: router.endpoint)
            connection.send(opening)
            if index < openings.count { open.append(connection) }
        }
        try expectServing(router, server)
        withExtendedLifetime(open) {}
        router.stop()
        #expect(router.join() == nil)
    }

    @Test("A handshake written by hand is accepted, so that the hostile ones below get as far as they mean to")
    func handWrittenHandshake() throws {
        let server = Inbox()
        let router = try router(server)
        let connection = try RawConnection(to: router.endpoint)
        connection.shakeHands()
        connection.send([0, 2, 0x68, 0x69])
        #expect(server.nextMessage()?.frames == bytes("hi"))
        withExtendedLifetime(connection) {}
    }

    @Test("A frame announced as larger than allowed ends its connection before any of it is stored")
    func oversizeFrame() throws {
        let server = Inbox()
        let router = try router(server)
        for size in [UInt64(Limits.payloadBytesMax) + 1, 1 << 62] {
            let connection = try RawConnection(to: router.endpoint)
            let length = (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * UInt64($0))) }
            connection.shakeHands()
            connection.send([2] + length + [1, 2, 3])
            #expect(connection.isClosedByPeer())
        }
        try expectServing(router, server)
    }

    @Test("A message of too many frames is thrown away as a whole and reported, and the next one arrives")
    func manyFrames() throws {
        let server = Inbox()
        let router = try router(server)
        let connection = try RawConnection(to: router.endpoint)
        connection.shakeHands()
        for count in [Limits.framesPerMessageMax + 1, 5_000] {
            for index in 1...count { connection.send([index < count ? 1 : 0, 1, 0x2E]) }
            guard case .dropped(_, let reason) = server.nextEvent() else {
                Issue.record("the message was not reported")
                return
            }
            #expect(reason == "a message of \(count) frames, the limit is \(Limits.framesPerMessageMax)")
        }
        connection.send([0, 2, 0x6F, 0x6B])
        #expect(server.next() == .message(Peer(1), bytes("ok")))
        try expectServing(router, server)
    }

    @Test("A dealer survives a server that talks nonsense")
    func nonsenseServer() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(listener, $0, size)
                _ = getsockname(listener, $0, &size)
            }
        }
        listen(listener, 4)
        let client = Inbox()
        let dealer = try dealer(client, to: Endpoint(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port)))
        for _ in 0..<2 {
            let accepted = accept(listener, nil, nil)
            let nonsense = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
            _ = send(accepted, nonsense, nonsense.count, Int32(MSG_NOSIGNAL))
            close(accepted)
        }
        dealer.stop()
        #expect(dealer.join() == nil)
    }
}
