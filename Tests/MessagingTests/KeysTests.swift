import CZeroMQ
import ClusterModel
import Glibc
import Synchronization
import Testing

@testable import Messaging

/// A coordinator's key, two workers' keys, and sockets that use them.
struct Keys {
    let server: KeyPair
    let (first, second): (KeyPair, KeyPair)
    let ring: KeyRing

    init() throws {
        server = try .make()
        first = try .make()
        second = try .make()
        ring = KeyRing([first.publicKey: "first", second.publicKey: "second"])
    }

    func router(_ inbox: Inbox, echoes: Bool = false) throws -> Loop {
        var options = SocketOptions()
        options.security = .server(ServerKeys(pair: server, ring: ring))
        return try Loop(name: "test-router", .router(bind: freePort), options: options) { _ in
            Recorder(inbox: inbox, echoes: echoes, tellsKeys: true)
        }
    }

    func dealer(_ inbox: Inbox, _ pair: KeyPair, to endpoint: Endpoint, server other: PublicKey? = nil) throws -> Loop {
        var options = SocketOptions()
        options.security = .client(pair, server: other ?? server.publicKey)
        options.retryMilliseconds = 20
        return try Messaging.SocketLoop<Recorder>(name: "test-dealer", .dealer(connect: endpoint), options: options) { _ in
            Recorder(inbox: inbox)
        }
    }
}

@Suite struct KeysTests {
    /// Says something over a connection that is there, and waits until it arrives.
    private func expectHeard(_ text: String, from dealer: Loop, by server: Inbox, as name: String) {
        dealer.post(.sendToConnection(payloads(text)))
        #expect(server.nextKey() == name)
        #expect(server.nextMessage()?.frames == bytes(text))
    }

    private func isRefused(_ event: SocketEvent) -> Bool {
        if case .refused = event { true } else { false }
    }

    @Test("Peers with keys on the ring are let in, and each message tells whose key it was")
    func admitted() throws {
        let keys = try Keys()
        let (server, one, two) = (Inbox(), Inbox(), Inbox())
        let router = try keys.router(server, echoes: true)
        let dealers = (
            try keys.dealer(one, keys.first, to: router.endpoint), try keys.dealer(two, keys.second, to: router.endpoint)
        )
        #expect(one.nextEvent() == .connected(Peer(1)))
        #expect(two.nextEvent() == .connected(Peer(1)))
        expectHeard("a", from: dealers.0, by: server, as: "first")
        expectHeard("b", from: dealers.1, by: server, as: "second")
        expectHeard("c", from: dealers.0, by: server, as: "first")
        #expect(one.nextMessage()?.frames == bytes("a"))
        #expect(two.nextMessage()?.frames == bytes("b"))
        router.stop()
        #expect(router.join() == nil)
    }

    /// Where the peer hangs up before it is looked at, nobody can tell its address any more.
    private func expectMismatch(_ news: Seen?, sourceLocation: SourceLocation = #_sourceLocation) {
        let addresses = ["127.0.0.1", "an unknown address"]
        #expect(
            addresses.contains { news == .event(.refused(.keyMismatch(address: $0))) }, "\(news as Any)",
            sourceLocation: sourceLocation)
    }

    @Test("A peer without a key is kept out of a socket with keys, and both sides are told")
    func noKey() throws {
        let keys = try Keys()
        let (server, client) = (Inbox(), Inbox())
        let router = try keys.router(server)
        var options = SocketOptions()
        options.retryMilliseconds = 20
        let stranger = try dealer(client, to: router.endpoint, options: options)
        // Whoever sees it first hangs up.
        let told = client.nextEvent(where: isRefused)
        #expect(told == .refused(.onlyOneHasKeys) || told == .refused(.closed))
        stranger.post(.sendToConnection(payloads("let me in")))
        #expect(client.nextOutcome() == .unroutable)
        // What the server notices first, of one of the attempts, is the refusal and not a message.
        expectMismatch(server.next())
    }

    @Test("A peer with a key does not talk to a socket without keys, and both sides are told")
    func plainServer() throws {
        let keys = try Keys()
        let (server, client) = (Inbox(), Inbox())
        let router = try router(server)
        let dealer = try keys.dealer(client, keys.first, to: router.endpoint)
        let told = client.nextEvent(where: isRefused)
        #expect(told == .refused(.onlyOneHasKeys) || told == .refused(.closed))
        expectMismatch(server.next())
        withExtendedLifetime(dealer) {}
    }

    @Test("A server that has not the key its peers expect gets nothing to hear")
    func wrongServer() throws {
        let keys = try Keys()
        let (server, client) = (Inbox(), Inbox())
        let router = try keys.router(server)
        let misled = try keys.dealer(client, keys.first, to: router.endpoint, server: try KeyPair.make().publicKey)
        #expect(client.nextEvent(where: isRefused) == .refused(.closed))
        misled.post(.sendToConnection(payloads("secret")))
        #expect(client.nextOutcome() == .unroutable)
        misled.stop()
        misled.join()
        let right = try keys.dealer(client, keys.first, to: router.endpoint)
        #expect(client.nextEvent { $0 == .connected(Peer(1)) } != nil)
        expectHeard("first word", from: right, by: server, as: "first")
    }

    @Test("A key that is not on the ring is refused on both sides, and let in once it is added")
    func unknownKey() throws {
        let keys = try Keys()
        let (server, client) = (Inbox(), Inbox())
        let router = try keys.router(server)
        let newcomer = try KeyPair.make()
        let dealer = try keys.dealer(client, newcomer, to: router.endpoint)
        #expect(client.nextEvent(where: isRefused) == .refused(.keyUnknown))
        router.post(.note)
        #expect(server.nextEvent(where: isRefused) == .refused(.strangeKey(address: "127.0.0.1")))
        keys.ring.replace([newcomer.publicKey: "newcomer"])
        #expect(client.nextEvent { $0 == .connected(Peer(1)) } != nil)
        expectHeard("at last", from: dealer, by: server, as: "newcomer")
    }

    @Test("A key that is taken off the ring silences its connection at once, and nobody else's")
    func revoked() throws {
        let keys = try Keys()
        let (server, one, two) = (Inbox(), Inbox(), Inbox())
        let router = try keys.router(server)
        let dealers = (
            try keys.dealer(one, keys.first, to: router.endpoint), try keys.dealer(two, keys.second, to: router.endpoint)
        )
        _ = (one.nextEvent(), two.nextEvent())
        expectHeard("a", from: dealers.0, by: server, as: "first")
        expectHeard("b", from: dealers.1, by: server, as: "second")
        #expect(keys.ring.removals == 0)
        keys.ring.replace([keys.second.publicKey: "second"])
        #expect(keys.ring.removals == 1)
        for _ in 0..<3 { dealers.0.post(.sendToConnection(payloads("am I still there?"))) }
        #expect(server.nextEvent() == .revoked(Peer(1), key: "first"))
        // The farewell still goes out; afterwards the handle is worth nothing, and the connection gets no other.
        router.post(.send(payloads("go"), to: Peer(1)))
        #expect(one.nextMessage()?.frames == bytes("go"))
        dealers.0.post(.sendToConnection(payloads("please")))
        dealers.1.post(.sendToConnection(payloads("c")))
        #expect(server.nextKey() == "second")
        #expect(server.next() == .message(Peer(2), bytes("c")))
        // The name alone opens nothing: a new key of the same name does not bring the old connection back.
        keys.ring.replace([keys.second.publicKey: "second", try KeyPair.make().publicKey: "first"])
        dealers.0.post(.sendToConnection(payloads("the name is right")))
        expectHeard("d", from: dealers.1, by: server, as: "second")
        // Who does not leave by itself is cut off, also one that says nothing, and not let in again.
        #expect(one.nextEvent() == .disconnected(Peer(1)))
        #expect(one.nextEvent { $0 != .connectFailed } == .refused(.keyUnknown))
        expectHeard("e", from: dealers.1, by: server, as: "second")
    }

    @Test("What was revoked elsewhere is kept out of an older list, and let in again by a record that is newer")
    func barred() throws {
        let (stolen, other) = (try KeyPair.make().publicKey, try KeyPair.make().publicKey)
        func record(_ name: String, _ key: PublicKey, _ added: String) -> KeyFolder.Record {
            KeyFolder.Record(name: name, key: key, added: added)
        }
        let rest = record("other", other, "2026-01-01T00:00:00Z")
        let old = record("stolen", stolen, "2026-01-01T00:00:00Z")
        let ring = KeyRing([old, rest])
        #expect(ring.keys == ["stolen": stolen.text, "other": other.text] && ring.barred.isEmpty)
        let before = ring.revision
        ring.bar([stolen: "2026-02-01T10:00:00.500Z"])
        #expect(ring.keys == ["other": other.text] && ring.removals == 1 && ring.revision == before + 1)
        #expect(!ring.admits(userID: "stolen \(stolen)") && ring.userID(of: stolen) == nil)
        #expect(ring.owner(of: WorkerID("stolen-1")) == nil)
        var kept = old
        kept.revoked = "2026-02-01T10:00:00.500Z"
        #expect(ring.barred == [kept])
        // Any other list is judged before it counts, under whatever name it has the key.
        for added in ["2026-02-01T10:00:00Z", "2026-02-01T10:00:00.500Z", "1999-12-31T23:59:59.999Z"] {
            ring.replace([record("renamed", stolen, added), rest])
            #expect(ring.keys == ["other": other.text] && ring.barred.map(\.name) == ["renamed"], "\(added)")
        }
        #expect(ring.removals == 1 && ring.revision == before + 1, "nobody has come or gone")
        ring.replace([record("stolen", stolen, "2026-02-01T10:00:00.501Z"), rest])
        #expect(ring.name(of: stolen) == "stolen" && ring.barred.isEmpty && ring.revision == before + 2)
        // Revoked once more, and what an older copy says is no news.
        ring.bar([stolen: "2026-02-02T00:00:00.000Z"])
        #expect(ring.name(of: stolen) == nil && ring.removals == 2)
        ring.bar([:])
        #expect(ring.name(of: stolen) == "stolen" && ring.removals == 2)
    }

    @Test("Whoever watches a ring is told of each other list, also of one that admits the same keys")
    func observed() throws {
        let told = Mutex(0)
        var record = KeyFolder.Record(name: "a", key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        let ring = KeyRing([record])
        ring.observe { told.withLock { $0 += 1 } }
        ring.replace([record])
        ring.bar([record.key: "2026-01-02T00:00:00.000Z"])
        #expect(told.withLock { $0 } == 0)
        record.revoked = "2026-01-02T00:00:00Z"
        ring.replace([record])
        #expect(told.withLock { $0 } == 1 && ring.list == [record])
    }

    @Test("A routing id that another key has used before gets a handle of its own")
    func borrowedRoute() throws {
        let keys = try Keys()
        let server = Inbox()
        let router = try keys.router(server)
        var handles: [Peer] = []
        for (pair, name) in [(keys.first, "first"), (keys.second, "second")] {
            // As long as the first one is not gone for the server, a connection with its routing id is ignored.
            for _ in 0..<100 {
                let context = try ZeroMQContext()
                let socket = try ZeroMQSocket(context, type: ZMQ_DEALER)
                try socket.set(ZMQ_LINGER, 0)
                try socket.set(ZMQ_ROUTING_ID, bytes: Array("same".utf8))
                try socket.set(ZMQ_CURVE_SERVERKEY, bytes: keys.server.publicKey.bytes)
                try socket.set(ZMQ_CURVE_PUBLICKEY, bytes: pair.publicKey.bytes)
                try socket.set(ZMQ_CURVE_SECRETKEY, bytes: pair.secret.bytes)
                try socket.connect(router.endpoint.description)
                _ = try socket.send(MessageFrame(copying: [1]), more: false)
                if waitBriefly(server, handles: &handles, name) { break }
            }
        }
        #expect(handles.count == 2 && handles[0] != handles[1])
    }

    /// Whether a message of this key came within a moment; notes its handle.
    private func waitBriefly(_ inbox: Inbox, handles: inout [Peer], _ name: String) -> Bool {
        while let item = inbox.next(seconds: 0.2) {
            guard case .key(name) = item, case .message(let peer, _)? = inbox.next() else { continue }
            handles.append(peer)
            return true
        }
        return false
    }

    @Test("Garbage at the socket that checks keys gets no admission and does not stop it from answering others")
    func garbageQuestions() throws {
        let keys = try Keys()
        let context = try ZeroMQContext()
        var handler: ZAPHandler? = try ZAPHandler(context, ring: keys.ring)
        let socket = try ZeroMQSocket(context, type: ZMQ_DEALER)
        try socket.set(ZMQ_RCVTIMEO, 10_000)
        try socket.connect("inproc://zeromq.zap.01")
        let good: [[UInt8]] = [
            [], Array("1.0".utf8), [7], Array("alphagrid".utf8), Array("10.0.0.9".utf8), [], Array("CURVE".utf8),
            keys.first.publicKey.bytes,
        ]
        func changed(_ index: Int, _ value: [UInt8]) -> [[UInt8]] {
            var frames = good
            frames[index] = value
            return frames
        }
        let unanswered: [[[UInt8]]] = [
            [[]], [[1, 2, 3]], [[], []], [[], Array("1.0".utf8)], changed(0, [1]), changed(1, Array("2.0".utf8)),
            Array(repeating: [UInt8](repeating: 0xFF, count: 100_000), count: 40),
        ]
        let refused: [[[UInt8]]] = [
            changed(3, Array("other".utf8)), changed(6, Array("PLAIN".utf8)), changed(6, Array("NULL".utf8)),
            changed(7, []), changed(7, [UInt8](repeating: 0, count: 33)), changed(7, keys.server.publicKey.bytes),
            Array(good.dropLast()), good + [[1]],
        ]
        for frames in unanswered + refused + [good] {
            for (index, frame) in frames.enumerated() {
                #expect(try socket.send(MessageFrame(copying: frame), more: index + 1 < frames.count))
            }
        }
        var answers: [[[UInt8]]] = []
        for _ in 0...refused.count { answers.append(try answer(socket)) }
        #expect(answers.dropLast().allSatisfy { $0.count == 7 && $0[3] == Array("400".utf8) && $0[5].isEmpty })
        let last = try #require(answers.last)
        #expect(last[2] == [7] && last[3] == Array("200".utf8))
        #expect(String(decoding: last[5], as: UTF8.self) == "first \(keys.first.publicKey)")
        #expect(handler?.takeRefused() == ["10.0.0.9"])
        #expect(handler?.takeRefused() == [])
        // It ends with questions on their way, and the context after it.
        for frame in good.indices { _ = try socket.send(MessageFrame(copying: good[frame]), more: frame + 1 < good.count) }
        handler = nil
    }

    private func answer(_ socket: borrowing ZeroMQSocket) throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var hasMore = true
        while hasMore {
            let frame = MessageFrame()
            let (raw, message) = (socket.raw, frame.raw)
            try zmqCall("zmq_msg_recv") { zmq_msg_recv(message, raw, 0) }
            frames.append(Array(frame.bytes))
            hasMore = frame.hasMore
        }
        return frames
    }

    @Test("A socket with keys stops while peers are at its door")
    func stopping() throws {
        let keys = try Keys()
        for _ in 0..<5 {
            let server = Inbox()
            let router = try keys.router(server)
            let dealers = try (0..<8).map { try keys.dealer(Inbox(), $0 % 2 == 0 ? keys.first : .make(), to: router.endpoint) }
            router.stop()
            #expect(router.join() == nil)
            for dealer in dealers { dealer.stop() }
            for dealer in dealers { #expect(dealer.join() == nil) }
        }
    }

    @Test("A worker's id belongs to the key of its name, or to the one with the longest name it continues")
    func owners() throws {
        let ring = KeyRing([
            try KeyPair.make().publicKey: "host", try KeyPair.make().publicKey: "host-2", try KeyPair.make().publicKey: "a.b",
        ])
        for (worker, owner) in [
            ("host", "host"), ("host-17", "host"), ("host.lan-17", "host"), ("host-2", "host-2"), ("host-2-9", "host-2"),
            ("host-21", "host"), ("a.b-1", "a.b"),
        ] {
            #expect(ring.owner(of: WorkerID(worker)) == owner, "\(worker)")
        }
        for worker in ["", "hos", "host2", "a", "a.c", "-host", "other-host"] {
            #expect(ring.owner(of: WorkerID(worker)) == nil, "\(worker)")
        }
        #expect(KeyRing.fits(WorkerID("host-1"), name: "host") && !KeyRing.fits(WorkerID("host1"), name: "host"))
    }
}
