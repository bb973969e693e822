import ClusterModel
import Messaging
import Panel
import Testing
import WireProtocol

@testable import WorkerRuntime

/// Workers with keys: at their coordinator, and with each other.
@Suite struct KeyedWorkerTests {
    private static let free = Endpoint(host: "127.0.0.1", port: 0)

    /// A coordinator's keys with those of two workers, the secret it tells them, and its two sockets.
    private final class Cluster {
        let keys: ServerKeys
        let workers: [WorkerKey]
        let blocks: SocketLoop<BlockServer>
        let tally = BlockTally()
        let panel: SmallPanel

        init() throws {
            let pair = try KeyPair.make()
            let workers = try ["one", "two"].map { WorkerKey(name: $0, pair: try .make(), coordinator: pair.publicKey) }
            let names = workers.map { ($0.pair.publicKey, $0.name) }
            keys = ServerKeys(pair: pair, ring: KeyRing(Dictionary(uniqueKeysWithValues: names)))
            self.workers = workers
            let panel = try SmallPanel(alphas: 40)
            self.panel = panel
            var options = SocketOptions()
            options.security = .server(keys)
            let (tally, data) = (tally, panel.panel)
            blocks = try SocketLoop(name: "block-server", .router(bind: KeyedWorkerTests.free), options: options) { _ in
                BlockServer(logger: quiet, sharesWork: true, isKeyed: true, tally: tally) { hash in
                    data.blockHashes.firstIndex(of: hash).map { data.blockPayload($0) }
                }
            }
        }

        func welcome(_ secret: SecretKey) -> Welcome {
            Welcome(epoch: Epoch(1), heartbeatMilliseconds: 50, blockPort: blocks.endpoint.port, blockSecret: secret)
        }
    }

    private struct Member {
        let said = Mailbox<FakeCoordinator.Said>()
        let coordinator: SocketLoop<FakeCoordinator>
        let worker: WorkerRuntime
        let endpoint: Endpoint

        init(_ key: WorkerKey, in cluster: Cluster, secret: SecretKey) throws {
            var options = SocketOptions()
            options.security = .server(cluster.keys)
            let (said, welcome) = (said, cluster.welcome(secret))
            coordinator = try SocketLoop(name: "coordinator", .router(bind: KeyedWorkerTests.free), options: options) { _ in
                FakeCoordinator(mailbox: said, welcome: welcome)
            }
            var settings = try WorkerSettings(coordinator: coordinator.endpoint, slots: 1, key: key)
            #expect(settings.worker.rawValue.hasPrefix("\(key.name)-"))
            settings.serveBlocks = KeyedWorkerTests.free
            worker = try WorkerRuntime(settings, logger: quiet)
            guard case .hello(let hello)? = said.next()?.message, let text = hello.blockEndpoint else {
                throw GridError(.failed, "no hello came")
            }
            endpoint = try Endpoint(parsing: text, for: .connect, field: "block endpoint")
            cluster.blocks.post(.joined(hello))
        }

        func compute(_ task: CorrelationTask, attempt: UInt64) throws -> CorrelationPartial? {
            let ref = AttemptRef(
                task: TaskID(job: JobID(1), plan: PlanHash(2), index: UInt32(attempt)), attempt: AttemptID(attempt))
            coordinator.post(.send(.lease(Lease(ref: ref, kind: "correlation")), Payload(copying: task.encoded())))
            while let next = said.next() {
                if case .failed(let failure) = next.message { throw GridError(.failed, failure.message) }
                if case .result = next.message { return try next.payload.map { try CorrelationPartial(decoding: $0) } }
            }
            return nil
        }
    }

    @Test("Workers with keys fetch from their coordinator and from each other, and compute the same")
    func sharing() throws {
        let cluster = try Cluster()
        let secret = try KeyPair.make().secret
        let members = try cluster.workers.map { try Member($0, in: cluster, secret: secret) }
        let task = cluster.panel.task()
        for (number, member) in members.enumerated() {
            #expect(try member.compute(task, attempt: UInt64(number + 1)) == cluster.panel.expected(task))
        }
        #expect(members[0].worker.servedBytes > 0)
        #expect(cluster.tally.counts.bytesSent == members[0].worker.servedBytes)
    }

    /// Asks a worker for a block. Bytes that it sent, nil when no answer comes for a moment.
    private func ask(_ endpoint: Endpoint, for hash: BlockHash, showing security: SocketSecurity) throws -> Int? {
        let replies = Mailbox<Int>()
        var options = SocketOptions()
        options.security = security
        options.lingerMilliseconds = 0
        let loop = try SocketLoop(name: "asker", .dealer(connect: endpoint), options: options) { _ in
            Asker(request: BlockRequest(hash: hash), replies: replies)
        }
        defer {
            loop.stop()
            loop.join()
        }
        return replies.next(seconds: 1)
    }

    private struct Asker: SocketHandler {
        let request: BlockRequest
        let replies: Mailbox<Int>

        mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
            if let (_, block) = try? WireCodec.decodeBlockReply(frames) { replies.add(block.count) }
        }
        mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
            guard case .connected(let peer) = event, let frames = try? WireCodec.encode(request) else { return }
            _ = port.send(frames, to: peer)
        }
        mutating func handle(_ command: Never, at now: MonotonicTime, via port: SocketPort) {}
        mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
    }

    @Test("A worker's blocks go to those who know the cluster's present secret, and to nobody else")
    func membership() throws {
        let cluster = try Cluster()
        let (former, present) = (try BlockMembership(try KeyPair.make().secret), try BlockMembership(try KeyPair.make().secret))
        let member = try Member(cluster.workers[0], in: cluster, secret: former.secret)
        let task = cluster.panel.task()
        #expect(try member.compute(task, attempt: 1) == cluster.panel.expected(task))
        let hash = cluster.panel.panel.blockHashes[0]
        #expect(try ask(member.endpoint, for: hash, showing: former.client) ?? 0 > 0)
        for stranger in [SocketSecurity.none, present.client, try BlockMembership.none().client] {
            #expect(try ask(member.endpoint, for: hash, showing: stranger) == nil)
        }
        // Told anew when a key was revoked.
        member.coordinator.post(.send(.welcome(cluster.welcome(present.secret)), nil))
        #expect(try member.compute(task, attempt: 2) == cluster.panel.expected(task))
        #expect(try ask(member.endpoint, for: hash, showing: former.client) == nil)
        #expect(try ask(member.endpoint, for: hash, showing: present.client) ?? 0 > 0)
    }

    @Test("A worker's id comes from its key, or fits it; beyond the loopback it serves blocks with a key")
    func settings() throws {
        let key = WorkerKey(name: "host1", pair: try .make(), coordinator: try KeyPair.make().publicKey)
        for name in ["host1", "host1-a", "host1.lan"] {
            #expect(try WorkerSettings(coordinator: Self.free, worker: name, key: key).worker.rawValue == name)
        }
        for name in ["host2", "host11", "host"] {
            let error = #expect(throws: GridError.self) { try WorkerSettings(coordinator: Self.free, worker: name, key: key) }
            #expect(error?.kind == .usage && error?.message.contains("'host1'") == true)
        }
        #expect(try WorkerSettings.serving("tcp://*:5712", isKeyed: true, isInsecure: false).port == 5_712)
    }
}
