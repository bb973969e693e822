import CZeroMQ
import ClusterModel
import Dispatch
import Glibc
import Messaging
import Testing

/// Calls the body with the address of this port of loopback.
private func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}

/// Nothing here may wait for ever.
private func waitsBriefly(_ descriptor: Int32) {
    var timeout = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
}

/// Where a socket connects to that is to hear whatever the test likes.
private final class RawListener {
    private let descriptor: Int32
    let endpoint: Endpoint

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let result = withLoopback(0) { bind(listener, $0, $1) }
        try #require(result == 0)
        descriptor = listener
        var (address, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        endpoint = Endpoint(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port))
        listen(descriptor, 4)
        waitsBriefly(descriptor)
    }

    /// The next one to connect; nil when nobody does within five seconds.
    func accept() -> RawConnection? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        return accepted < 0 ? nil : RawConnection(accepted)
    }

    deinit { close(descriptor) }
}

/// A plain TCP connection that sends whatever it likes.
private final class RawConnection {
    private let descriptor: Int32

    init(to endpoint: Endpoint) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let port = endpoint.port
        let result = withLoopback(port) { connect(descriptor, $0, $1) }
        try #require(result == 0)
        waitsBriefly(descriptor)
    }

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        waitsBriefly(descriptor)
    }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Becomes a DEALER in the eyes of the other side; who speaks before its READY has come is thrown out.
    func shakeHands(_ handshake: [UInt8] = handshake) {
        send(handshake)
        let greeting = read(64 + 2)
        if let length = greeting.last { _ = read(Int(length)) }
    }

    private func read(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < count, recv(descriptor, &byte, 1, 0) == 1 { bytes.append(byte) }
        return bytes
    }

    /// What the other side says until it closes.
    func readAll() -> [UInt8] { read(.max) }

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

    /// The same with a routing id of the peer's choice.
    static func handshake(routingID: [UInt8]) -> [UInt8] {
        func length(_ count: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } }
        let ready = Array(handshake[66...]) + [8] + Array("Identity".utf8) + length(routingID.count) + routingID
        // A command with a length of eight bytes.
        return Array(handshake.prefix(64)) + [6, 0, 0, 0, 0] + length(ready.count) + ready
    }

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
        for size in [UInt64(Limits.frameBytesMax + Limits.frameOverheadBytesMax) + 1, 1 << 62] {
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
        let listener = try RawListener()
        let dealer = try dealer(Inbox(), to: listener.endpoint)
        for _ in 0..<2 {
            let connection = try #require(listener.accept())
            connection.send(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        }
        dealer.stop()
        #expect(dealer.join() == nil)
    }

    @Test("A dealer tries again where libzmq waits for ever, or gives up, after a damaged handshake", arguments: [false, true])
    func damagedHandshake(isKeyed: Bool) throws {
        func changed(_ position: Int, to byte: UInt8) -> [UInt8] {
            var greeting = Array(RawConnection.handshake.prefix(64))
            greeting[position] = byte
            return greeting
        }
        let openings: [(String, [UInt8])] = [
            ("of version 1.0", changed(10, to: 0)),
            ("of version 2.0", changed(10, to: 1)),
            ("without a version", changed(0, to: 4)),
            ("of an unknown mechanism", changed(12, to: 0x58)),
            ("without an end", Array(RawConnection.handshake.prefix(40))),
            ("with a command that is none", Array(RawConnection.handshake.prefix(67)) + Array("WRONG".utf8) + [0, 0]),
            ("with a READY of half its length", Array(RawConnection.handshake.prefix(80))),
            ("that is followed by a frame beyond all bounds", [2] + [UInt8](repeating: 0x7F, count: 8)),
        ]
        var options = SocketOptions()
        options.retryMilliseconds = 20
        options.connectMilliseconds = 1_000
        if isKeyed { options.security = .client(try KeyPair.make(), server: try KeyPair.make().publicKey) }
        for (name, opening) in openings {
            let (listener, client) = (try RawListener(), Inbox())
            let dealer = try dealer(client, to: listener.endpoint, options: options)
            let first = try #require(listener.accept())
            let isWhole = !isKeyed && opening == openings.last?.1
            if isWhole { first.shakeHands() }
            first.send(opening)
            // It stays open, and says no more.
            let second = listener.accept()
            #expect(second != nil, "after a greeting \(name)")
            // With keys no more than a greeting is said to whoever has not shown the coordinator's.
            if isKeyed { #expect(first.readAll().count <= 64 + 202, "\(name)") }
            if !isKeyed, let second {
                second.shakeHands()
                #expect(client.nextEvent { $0 == .connected(Peer(isWhole ? 2 : 1)) } != nil, "\(name)")
            }
            withExtendedLifetime(first) {}
            dealer.stop()
            #expect(dealer.join() == nil)
        }
    }

    @Test("A router with keys does not listen to old versions of the protocol, which know none")
    func oldVersions() throws {
        let keys = try Keys()
        let openings: [(isHeardPlain: Bool, [UInt8])] = [
            // Version 1.0 without and with a greeting, then 2.0, as DEALERs without an identity that send a message.
            (true, [1, 0] + [3, 0, 0x68, 0x69]),
            (true, [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 0, 5] + [1, 0] + [3, 0, 0x68, 0x69]),
            (true, [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, 5] + [0, 0] + [0, 2, 0x68, 0x69]),
            (false, RawConnection.handshake + [0, 2, 0x68, 0x69]),
        ]
        for (isHeardPlain, opening) in openings {
            let server = Inbox()
            let guarded = try keys.router(server)
            let connection = try RawConnection(to: guarded.endpoint)
            connection.send(opening)
            #expect(connection.isClosedByPeer())
            guarded.post(.note)
            while let seen = server.next(), seen != .ticked {
                if case .event(.refused) = seen { continue }
                Issue.record("\(seen)")
            }
            // Without keys the same words are heard, so it is the keys that keep them out.
            guard isHeardPlain else { continue }
            let plain = Inbox()
            let open = try router(plain)
            let heard = try RawConnection(to: open.endpoint)
            heard.send(opening)
            #expect(plain.nextMessage()?.frames == bytes("hi"))
            withExtendedLifetime((heard, open)) {}
        }
    }

    @Test("A socket that nothing is heard of is replaced after longer and longer")
    func patience() throws {
        let listener = try RawListener()
        var options = SocketOptions()
        options.connectMilliseconds = 200
        let before = MonotonicTime.now()
        let dealer = try dealer(Inbox(), to: listener.endpoint, options: options)
        var connections: [RawConnection] = []
        for _ in 0..<4 { connections.append(try #require(listener.accept())) }
        // 200, 400 and 800 ms; timers may be late, but never early.
        #expect(MonotonicTime.now().nanoseconds - before.nanoseconds >= 1_400_000_000)
        withExtendedLifetime(dealer) {}
    }

    @Test("A peer with a routing id of more than 255 bytes is thrown out, and one with the longest is heard")
    func longRoutingID() throws {
        for (count, isHeard) in [(255, true), (256, false), (60_000, false)] {
            let server = Inbox()
            let router = try router(server)
            let connection = try RawConnection(to: router.endpoint)
            connection.shakeHands(RawConnection.handshake(routingID: Array(repeating: 0x41, count: count)))
            connection.send([0, 2, 0x68, 0x69])
            if isHeard {
                #expect(server.nextMessage()?.frames == bytes("hi"))
            } else {
                #expect(connection.isClosedByPeer(), "\(count)")
                router.post(.note)
                #expect(server.next() == .ticked)
            }
            try expectServing(router, server)
        }
    }

    @Test("A router stops while a flood of connections comes that nobody has looked at")
    func stopsUnderFlood() throws {
        let server = Inbox()
        let router = try router(server)
        let pause = DispatchSemaphore(value: 0)
        router.post(.pause(pause))
        router.stop()
        // There is room for news of a thousand that come and go, and a hundred more wait to be accepted.
        for _ in 0..<1_060 { _ = try RawConnection(to: router.endpoint) }
        pause.signal()
        #expect(router.join() == nil)
    }
}
