import ClusterModel
import Dispatch
import Glibc
import Messaging
import Synchronization
import Testing

@Suite struct SocketLoopTests {
    @Test("Messages of one and several frames, also empty ones, go there and back as they were")
    func roundTrip() throws {
        let (server, client) = (Inbox(), Inbox())
        let router = try router(server, echoes: true)
        #expect(router.endpoint.port != 0)
        let dealer = try dealer(client, to: router.endpoint)
        #expect(client.next() == .event(.connected(Peer(1))))
        for texts in [["a"], [""], ["head", "body"], ["", "b", "", "d"]] {
            let frames = texts.map { Payload(copying: Array($0.utf8)) }
            dealer.post(.sendToConnection(frames))
            #expect(client.next() == .outcome(.sent))
            #expect(server.nextMessage()?.frames == texts.map { Array($0.utf8) })
            #expect(client.next() == .message(Peer(1), texts.map { Array($0.utf8) }))
        }
        dealer.stop()
        router.stop()
        #expect(dealer.join() == nil)
        #expect(router.join() == nil)
    }

    @Test("Two peers have two handles, and each gets what is sent to it, also from another thread")
    func twoPeers() throws {
        let (server, first, second) = (Inbox(), Inbox(), Inbox())
        let router = try router(server)
        let dealers = (try dealer(first, to: router.endpoint), try dealer(second, to: router.endpoint))
        _ = (first.nextEvent(), second.nextEvent())
        dealers.0.post(.sendToConnection(payloads("one")))
        let one = try #require(server.nextMessage())
        dealers.1.post(.sendToConnection(payloads("two")))
        let two = try #require(server.nextMessage())
        #expect(one.frames == bytes("one"))
        #expect(two.frames == bytes("two"))
        #expect(one.peer != two.peer)
        router.post(.send(payloads("for two"), to: two.peer))
        router.post(.send(payloads("for one"), to: one.peer))
        #expect(first.nextMessage()?.frames == bytes("for one"))
        #expect(second.nextMessage()?.frames == bytes("for two"))
    }

    @Test("A large payload arrives whole, on a 64-byte boundary, and is given back once it is sent")
    func largePayload() throws {
        final class Check: SocketHandler {
            typealias Command = Never
            let inbox: Inbox
            init(_ inbox: Inbox) { self.inbox = inbox }
            func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
                let words = frames[1].bytes.bindMemory(to: UInt64.self)
                let isRight = words.indices.allSatisfy { words[$0] == UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
                let isAligned = frames.allSatisfy { UInt(bitPattern: $0.bytes.baseAddress) % 64 == 0 }
                inbox.add(.message(peer, [[isRight ? 1 : 0, isAligned ? 1 : 0]]))
            }
            func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) { inbox.add(.event(event)) }
            func handle(_ command: Never, at now: MonotonicTime, via port: SocketPort) {}
            func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
        }
        let (server, client) = (Inbox(), Inbox())
        let router = try SocketLoop<Check>(name: "check", .router(bind: freePort)) { _ in Check(server) }
        let dealer = try dealer(client, to: router.endpoint)
        #expect(client.next() == .event(.connected(Peer(1))))

        let released = DispatchSemaphore(value: 0)
        let count = Limits.frameBytesMax
        let words = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        for (index, _) in words.bindMemory(to: UInt64.self).enumerated() {
            words.storeBytes(of: UInt64(index) &* 0x9E37_79B9_7F4A_7C15, toByteOffset: index * 8, as: UInt64.self)
        }
        dealer.post(
            .sendToConnection([
                Payload(copying: [7]),
                Payload(adopting: UnsafeRawBufferPointer(words)) {
                    words.deallocate()
                    released.signal()
                },
            ]))
        #expect(client.next() == .outcome(.sent))
        #expect(server.nextMessage()?.frames == [[1, 1]])
        #expect(released.wait(timeout: .now() + 10) == .success)
    }

    @Test("Sending to a handle nobody has, or to a peer that left, says so")
    func unroutable() throws {
        let (server, client) = (Inbox(), Inbox())
        let router = try router(server)
        router.post(.send(payloads("x"), to: Peer(99)))
        #expect(server.next() == .outcome(.unroutable))

        let dealer = try dealer(client, to: router.endpoint)
        _ = client.nextEvent()
        dealer.post(.sendToConnection(payloads("hello")))
        let peer = try #require(server.nextMessage()).peer
        dealer.stop()
        dealer.join()
        // libzmq learns of the departure in its own time; until then it takes messages for the peer.
        var outcome = SendOutcome.sent
        for _ in 0..<2_000 where outcome == .sent {
            router.post(.send(payloads("y"), to: peer))
            outcome = try #require(server.nextOutcome())
        }
        #expect(outcome == .unroutable)
    }

    @Test("What a peer said before it left comes by its own handle, also once nothing can be sent to it any more")
    func lastWords() throws {
        /// Says the same to its first sender until nothing can be sent, while that sender's next words wait.
        final class Talker: SocketHandler {
            typealias Command = Never
            let inbox: Inbox
            let hasLeft: DispatchSemaphore
            init(_ inbox: Inbox, _ hasLeft: DispatchSemaphore) { (self.inbox, self.hasLeft) = (inbox, hasLeft) }
            func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
                inbox.add(.message(peer, frames.map { Array($0.bytes) }))
                guard Array(frames[0].bytes) == Array("first".utf8) else { return }
                hasLeft.wait()
                var outcome = SendOutcome.sent
                for _ in 0..<5_000 where outcome == .sent {
                    outcome = port.send(frames, to: peer)
                    usleep(1_000)
                }
                inbox.add(.outcome(outcome))
            }
            func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {}
            func handle(_ command: Never, at now: MonotonicTime, via port: SocketPort) {}
            func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
        }
        let (server, client, hasLeft) = (Inbox(), Inbox(), DispatchSemaphore(value: 0))
        let router = try SocketLoop<Talker>(name: "talker", .router(bind: freePort)) { _ in Talker(server, hasLeft) }
        let dealer = try dealer(client, to: router.endpoint)
        #expect(client.next() == .event(.connected(Peer(1))))
        for text in ["first", "last"] {
            dealer.post(.sendToConnection(payloads(text)))
            #expect(client.nextOutcome() == .sent)
        }
        dealer.stop()
        dealer.join()
        hasLeft.signal()
        let first = try #require(server.nextMessage())
        #expect(server.nextOutcome() == .unroutable)
        let last = try #require(server.nextMessage())
        #expect(last.frames == bytes("last"))
        #expect(last.peer == first.peer)
    }

    @Test("A peer that does not read congests its own queue and nothing else")
    func highWaterMark() throws {
        var options = SocketOptions()
        options.highWaterMark = 4
        let (server, slow, quick) = (Inbox(), Inbox(), Inbox())
        let router = try router(server, options: options)
        let sleeper = try dealer(slow, to: router.endpoint, options: options)
        let reader = try dealer(quick, to: router.endpoint, options: options)
        _ = (slow.nextEvent(), quick.nextEvent())
        sleeper.post(.sendToConnection(payloads("slow")))
        let slowPeer = try #require(server.nextMessage()).peer
        reader.post(.sendToConnection(payloads("quick")))
        let quickPeer = try #require(server.nextMessage()).peer

        let wakeUp = DispatchSemaphore(value: 0)
        sleeper.post(.pause(wakeUp))
        // 1 MB messages fill queues and the system's buffers long before 1,000 of them.
        router.post(.flood([Payload(count: 1 << 20) { _ in }], to: slowPeer, limit: 1_000))
        #expect(server.nextOutcome() == .congested)
        router.post(.send(payloads("still here"), to: quickPeer))
        #expect(server.nextOutcome() == .sent)
        #expect(quick.nextMessage()?.frames == bytes("still here"))
        wakeUp.signal()
    }

    @Test("The command queue is bounded")
    func commandQueue() throws {
        var options = SocketOptions()
        options.commandsMax = 3
        let inbox = Inbox()
        let router = try router(inbox, options: options)
        let resume = DispatchSemaphore(value: 0)
        router.post(.note)
        #expect(inbox.next() == .ticked)
        router.post(.pause(resume))
        // The pause is taken at some moment soon; from then on exactly three more fit.
        var accepted = 0
        while router.post(.note) { accepted += 1 }
        #expect((2...6).contains(accepted))
        resume.signal()
        for _ in 0..<accepted { #expect(inbox.next() == .ticked) }
        router.stop()
        router.join()
        #expect(!router.post(.note))
    }

    @Test("A handler is woken when it asked to be, without any message")
    func timers() throws {
        let inbox = Inbox()
        let loop = try Loop(name: "ticker", .router(bind: freePort)) { _ in Recorder(inbox: inbox, ticksWanted: 5) }
        for _ in 0..<5 { #expect(inbox.next() == .ticked) }
        loop.stop()
        #expect(loop.join() == nil)
    }

    @Test("An address in use, and one that is not this machine's, get a sentence")
    func bindErrors() throws {
        let first = try router(Inbox())
        let taken = #expect(throws: GridError.self) { try router(Inbox(), at: first.endpoint) }
        #expect(taken?.kind == .conflict)
        #expect(taken?.message.hasPrefix("cannot listen on \(first.endpoint): another program already does") == true)
        for host in ["192.0.2.1", "no-such-interface"] {
            let foreign = #expect(throws: GridError.self) { try router(Inbox(), at: Endpoint(host: host, port: 0)) }
            #expect(foreign?.kind == .usage)
            #expect(foreign?.message.contains("\(host) is no address or network interface of this machine") == true)
        }
    }

    @Test("A dealer finds a router that is started later, and again after it was gone")
    func reconnects() throws {
        let (server, client) = (Inbox(), Inbox())
        let first = try router(server)
        let endpoint = first.endpoint
        first.stop()
        first.join()

        let dealer = try dealer(client, to: endpoint)
        #expect(client.next() == .event(.connectFailed))
        dealer.post(.sendToConnection(payloads("nobody")))
        #expect(client.nextOutcome() == .unroutable)

        for number in 1...2 {
            let router = try router(server, at: endpoint)
            #expect(client.nextEvent { $0 != .connectFailed } == .connected(Peer(UInt64(number))))
            dealer.post(.sendToConnection(payloads("\(number)")))
            #expect(server.nextMessage()?.frames == bytes("\(number)"))
            router.stop()
            router.join()
            #expect(client.nextEvent { $0 != .connectFailed } == .disconnected(Peer(UInt64(number))))
        }
    }

    @Test("A dealer gets all that was said before the other side was gone, however much waited")
    func readsTheDead() throws {
        for round in 1...5 {
            let (server, client) = (Inbox(), Inbox())
            let router = try router(server)
            let dealer = try dealer(client, to: router.endpoint)
            _ = client.nextEvent()
            dealer.post(.sendToConnection(payloads("hello")))
            let peer = try #require(server.nextMessage()?.peer)
            let pause = DispatchSemaphore(value: 0)
            dealer.post(.pause(pause))
            for _ in 0..<240 { router.post(.send(payloads("one", "two"), to: peer)) }
            for _ in 0..<240 { #expect(server.nextOutcome() == .sent) }
            router.stop()
            router.join()
            // libzmq has noticed by then, and tells while the messages are read.
            usleep(100_000)
            pause.signal()
            for _ in 0..<240 { #expect(client.nextMessage()?.frames == bytes("one", "two"), "round \(round)") }
            dealer.stop()
            #expect(dealer.join() == nil)
        }
    }

    @Test("A dealer's socket is replaced by one that goes elsewhere")
    func replacesSocket() throws {
        let (one, two, client) = (Inbox(), Inbox(), Inbox())
        let routers = (try router(one), try router(two))
        let dealer = try dealer(client, to: routers.0.endpoint)
        #expect(client.next() == .event(.connected(Peer(1))))
        dealer.post(.reconnect(to: routers.1.endpoint))
        #expect(client.next() == .event(.connected(Peer(2))))
        dealer.post(.sendToConnection(payloads("over here")))
        #expect(two.nextMessage()?.frames == bytes("over here"))
    }

    @Test("What was sent just before an orderly stop still arrives")
    func lingers() throws {
        let (server, client) = (Inbox(), Inbox())
        let router = try router(server)
        let dealer = try dealer(client, to: router.endpoint)
        _ = client.nextEvent()
        for number in 0..<50 { dealer.post(.sendToConnection(payloads("\(number)"))) }
        for _ in 0..<50 { #expect(client.nextOutcome() == .sent) }
        dealer.stop()
        dealer.join()
        for number in 0..<50 { #expect(server.nextMessage()?.frames == bytes("\(number)")) }
    }
}
