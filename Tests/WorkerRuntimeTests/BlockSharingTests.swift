import ClusterModel
import Messaging
import Panel
import Synchronization
import Testing
import WireProtocol
import WorkerEngine
import WorkerRuntime

/// Workers that fetch blocks from each other, over real sockets.
@Suite struct BlockSharingTests {
    private static let free = Endpoint(host: "127.0.0.1", port: 0)

    /// A coordinator's block server with its directory.
    private static func blockServer(_ panel: Panel, _ tally: BlockTally) throws -> SocketLoop<BlockServer> {
        try SocketLoop(name: "block-server", .router(bind: free)) { _ in
            BlockServer(logger: quiet, sharesWork: true, tally: tally) { hash in
                panel.blockHashes.firstIndex(of: hash).map { panel.blockPayload($0) }
            }
        }
    }

    /// A worker with a coordinator of its own, which shares the block server with the others.
    private final class Member {
        let said = Mailbox<FakeCoordinator.Said>()
        let coordinator: SocketLoop<FakeCoordinator>
        let worker: WorkerRuntime

        init(_ number: Int, _ blocks: SocketLoop<BlockServer>) throws {
            let said = said
            let welcome = Welcome(epoch: Epoch(1), heartbeatMilliseconds: 50, blockPort: blocks.endpoint.port)
            coordinator = try SocketLoop(name: "coordinator", .router(bind: free)) { _ in
                FakeCoordinator(mailbox: said, welcome: welcome)
            }
            var settings = try WorkerSettings(coordinator: coordinator.endpoint, slots: 1, worker: "w\(number)")
            settings.serveBlocks = try WorkerSettings.serving("tcp://127.0.0.1:*", isInsecure: false)
            worker = try WorkerRuntime(settings, logger: quiet)
            guard case .hello(let hello)? = said.next()?.message else { throw GridError(.failed, "no hello came") }
            #expect(hello.blockEndpoint?.hasPrefix("tcp://127.0.0.1:") == true)
            blocks.post(.joined(hello))
        }

        func lease(_ task: CorrelationTask) {
            let ref = AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 0), attempt: AttemptID(1))
            coordinator.post(.send(.lease(Lease(ref: ref, kind: "correlation")), Payload(copying: task.encoded())))
        }

        func partial() throws -> CorrelationPartial? {
            while let next = said.next() {
                if case .failed(let failure) = next.message { throw GridError(.failed, failure.message) }
                if case .result = next.message { return try next.payload.map { try CorrelationPartial(decoding: $0) } }
            }
            return nil
        }
    }

    @Test("Three workers compute the same task one after the other: most bytes come from workers, and all are right")
    func oneAfterTheOther() throws {
        let small = try SmallPanel(alphas: 40)
        let tally = BlockTally()
        let server = try Self.blockServer(small.panel, tally)
        let task = small.task()
        let expected = try small.expected(task)
        let members = try (1...3).map { try Member($0, server) }
        for member in members {
            member.lease(task)
            #expect(try member.partial() == expected)
        }
        let blockBytes = UInt64(small.panel.blockPayload(0).count)
        let served = members.reduce(0) { $0 + $1.worker.servedBytes }
        #expect(tally.counts.bytesSent >= 10 * blockBytes)
        #expect(served > tally.counts.bytesSent)
        #expect(served + tally.counts.bytesSent == 30 * blockBytes)
        #expect(tally.counts.bytesRedirected == served)
    }

    @Test("Three workers at once get what they need, whoever sends it")
    func atOnce() throws {
        let small = try SmallPanel(alphas: 80)
        let tally = BlockTally()
        let server = try Self.blockServer(small.panel, tally)
        let task = small.task()
        let expected = try small.expected(task)
        let members = try (1...3).map { try Member($0, server) }
        for member in members { member.lease(task) }
        for member in members { #expect(try member.partial() == expected) }
        let served = members.reduce(0) { $0 + $1.worker.servedBytes }
        #expect(served + tally.counts.bytesSent >= 60 * UInt64(small.panel.blockPayload(0).count))
    }

    enum Mischief: CaseIterable, Sendable {
        case wrongBytes, garbage, gone, silence, absence
    }

    /// A worker that says it serves blocks and does something else.
    private struct Villain: SocketHandler {
        typealias Command = Never
        let mischief: Mischief
        let blockBytes: Int
        let asked: Counter

        mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
            guard case .request(let request)? = try? WireCodec.decodeBlockQuestion(frames) else { return }
            asked.add()
            switch mischief {
            case .wrongBytes: reply(request, Payload(count: blockBytes) { _ in }, peer, port)
            case .garbage: _ = port.send([Payload(copying: [0xFF, 0xFE, 0xFD])], to: peer)
            case .gone: reply(request, Payload(copying: []), peer, port)
            case .silence, .absence: break
            }
        }

        private func reply(_ request: BlockRequest, _ block: Payload, _ peer: Peer, _ port: SocketPort) {
            let reply = BlockReply(hash: request.hash)
            if let frames = try? WireCodec.encode(reply, block: block) { _ = port.send(frames, to: peer) }
        }

        mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {}
        mutating func handle(_ command: Never, at now: MonotonicTime, via port: SocketPort) {}
        mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
    }

    @Test(
        "A worker that sends other bytes, garbage or nothing breaks no job: the coordinator sends the blocks",
        arguments: Mischief.allCases)
    func badPeer(mischief: Mischief) throws {
        let small = try SmallPanel(alphas: 80)
        let (tally, asked) = (BlockTally(), Counter())
        let server = try Self.blockServer(small.panel, tally)
        let blockBytes = small.panel.blockPayload(0).count
        let villain = try SocketLoop(name: "villain", .router(bind: Self.free)) { _ in
            Villain(mischief: mischief, blockBytes: blockBytes, asked: asked)
        }
        if mischief == .absence {
            villain.stop()
            villain.join()
        }
        // The villain fetches all blocks itself, so that the others are sent to it.
        let honest = try Member(1, server)
        let settings = try WorkerSettings(coordinator: honest.coordinator.endpoint, slots: 1, worker: "villain")
        var hello = WorkerRuntime.hello(settings)
        hello.blockEndpoint = villain.endpoint.description
        server.post(.joined(hello))
        let fetcher = RemoteBlocks(cache: BlockCache(bytesMax: 1 << 20), asker: hello.incarnation, logger: quiet)
        try fetcher.serve(from: server.endpoint)
        for hash in small.panel.blockHashes { _ = try fetcher.bytes(hash, byteCount: blockBytes) }
        // The last of its notices has arrived when an answer to a later question has.
        #expect(throws: GridError.self) { try fetcher.bytes(BlockHash(words: (0, 0, 0, 1)), byteCount: 8) }
        fetcher.stop()

        let task = small.task()
        honest.lease(task)
        #expect(try honest.partial() == small.expected(task))
        #expect(tally.counts.bytesSent == UInt64(2 * 20 * blockBytes))
        switch mischief {
        case .wrongBytes, .garbage, .silence: #expect((1...Limits.blockPartsInFlightMax).contains(asked.value))
        case .gone: #expect(asked.value == 20)
        case .absence: #expect(asked.value == 0)
        }
        #expect(tally.counts.bytesRedirected >= UInt64(blockBytes))
    }

    @Test("Serving beyond the loopback interface needs --insecure, and interfaces are advertised by the host's name")
    func endpoints() throws {
        for text in ["tcp://*:5800", "tcp://0.0.0.0:0", "tcp://10.0.0.1:5800", "tcp://eth0:*", "tcp://[::]:5800"] {
            let error = #expect(throws: GridError.self) { try WorkerSettings.serving(text, isInsecure: false) }
            #expect(error?.kind == .usage && error?.message.contains("--insecure") == true)
            _ = try WorkerSettings.serving(text, isInsecure: true)
        }
        #expect(try WorkerSettings.serving("tcp://127.0.0.1:0", isInsecure: false) == Self.free)
        #expect(throws: GridError.self) { try WorkerSettings.serving("127.0.0.1", isInsecure: true) }
        let settings = try WorkerSettings(coordinator: Self.free, slots: 1)
        for (host, told) in [
            ("*", settings.host), ("0.0.0.0", settings.host), ("[::]", settings.host), ("eth0", settings.host),
            ("10.0.0.1", "10.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("[fe80::1]", "[fe80::1]"), ("localhost", "localhost"),
        ] {
            #expect(settings.advertised(Endpoint(host: host, port: 7)) == "tcp://\(told):7")
        }
    }
}

/// Counts on one thread, read on another.
private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
