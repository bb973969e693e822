import ClusterModel
import Dispatch
import Logging
import Messaging
import Scheduling
import Synchronization
import Testing
import WireProtocol
import WorkerRuntime

@testable import Service

/// The coordinator's control socket, with workers that only say what a test has them say.
@Suite struct ControlSocketTests {
    /// What was said to workers and to the block server, in order.
    private final class Told: Sendable {
        private let lines = Mutex<[String]>([])
        private let available = DispatchSemaphore(value: 0)

        func add(_ line: String) {
            lines.withLock { $0.append(line) }
            available.signal()
        }

        var count: Int { lines.withLock { $0.count } }

        /// The next ones; fewer when nothing comes for long, which a passing test never waits for.
        func next(_ count: Int) -> [String] {
            var next: [String] = []
            for _ in 0..<count where available.wait(timeout: .now() + 30) == .success {
                next.append(lines.withLock { $0.removeFirst() })
            }
            return next
        }
    }

    /// Says the hellos it is given, as soon as there is a connection.
    private struct Caller: SocketHandler {
        let told: Told
        private var waiting: [Hello] = []

        init(_ told: Told) { self.told = told }

        mutating func handle(_ hello: Hello, at now: MonotonicTime, via port: SocketPort) { waiting.append(hello) }
        mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {}

        mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
            switch try? WireCodec.decodeCoordinatorMessage(frames).0 {
            case .welcome: told.add("welcome")
            case .refused(let sentence): told.add("refused: \(sentence)")
            default: told.add("something else")
            }
        }

        mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? {
            guard let peer = port.connectedPeer else { return nil }
            for hello in waiting {
                guard let frames = try? WireCodec.encode(.hello(hello)), port.send(frames, to: peer) == .sent else { continue }
            }
            waiting = []
            return nil
        }
    }

    private func hello(_ worker: String, _ incarnation: UInt64, slots: UInt32 = 1, coreType: String = "Zen") -> Hello {
        Hello(
            worker: WorkerID(worker), incarnation: incarnation, slots: slots, credit: 2, memoryBytes: 0,
            profile: NumericProfile(blasVersion: "1", coreType: coreType, epilogueVersion: 1), host: "h", processID: 1,
            version: "1", blockEndpoint: "tcp://127.0.0.1:5")
    }

    @Test("The block server hears of a worker before the worker is welcomed, and of none that is refused")
    func joined() throws {
        let told = Told()
        let free = Endpoint(host: "127.0.0.1", port: 0)
        let control = try ControlSocket(
            endpoint: free, drivers: JobDrivers(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            tellBlocks: { command in
                switch command {
                case .joined(let hello): told.add("joined: \(hello.worker) \(hello.incarnation)")
                case .left(let worker): told.add("left: \(worker)")
                case .forget: told.add("something else")
                }
            }, publish: { _ in })
        defer { control.stop() }
        control.post(.begin(Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 0))))
        func caller() throws -> SocketLoop<Caller> {
            try SocketLoop(name: "caller", .dealer(connect: control.endpoint)) { _ in Caller(told) }
        }
        let (first, second, third) = (try caller(), try caller(), try caller())

        first.post(hello("w", 1))
        #expect(told.next(2) == ["joined: w 1", "welcome"])
        third.post(hello("idle", 7, slots: 0))
        #expect(told.next(1) == ["refused: worker idle has 0 slots: expected at least 1"])
        second.post(hello("w", 2))
        #expect(told.next(2) == ["joined: w 2", "welcome"])
        // The process that was displaced shall not take the place of the one that works.
        first.post(hello("w", 1))
        #expect(told.next(1).first?.hasPrefix("refused: another worker named w has connected since") == true)
        for number in 1..<Limits.numericProfilesMax {
            third.post(hello("p\(number)", UInt64(100 + number), coreType: "core\(number)"))
            #expect(told.next(2) == ["joined: p\(number) \(100 + number)", "welcome"])
        }
        third.post(hello("strange", 8, coreType: "other"))
        #expect(told.next(1).first?.hasPrefix("refused: worker strange has the numeric profile") == true)
    }
    @Test("While somebody else may lead nobody is heard or answered; afterwards everybody is")
    func silence() throws {
        let (told, looks) = (Told(), Told())
        let isDoubtful = Mutex(false)
        let control = try ControlSocket(
            endpoint: Endpoint(host: "127.0.0.1", port: 0), drivers: JobDrivers(),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            tellBlocks: { if case .joined(let hello) = $0 { told.add("joined: \(hello.worker)") } },
            isLeadDoubtful: { _ in isDoubtful.withLock { $0 } }, publish: { _ in looks.add("look") })
        defer { control.stop() }
        control.post(.begin(Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 0))))
        let caller = try SocketLoop(name: "caller", .dealer(connect: control.endpoint)) { _ in Caller(told) }
        caller.post(hello("w1", 1))
        #expect(told.next(2) == ["joined: w1", "welcome"])
        /// What is decided before a look for displays counts after it.
        func change(to doubt: Bool) {
            isDoubtful.withLock { $0 = doubt }
            while looks.count > 0 { _ = looks.next(1) }
            _ = looks.next(2)
        }
        change(to: true)
        caller.post(hello("w2", 2))
        _ = looks.next(5)
        change(to: false)
        caller.post(hello("w3", 3))
        #expect(told.next(2) == ["joined: w3", "welcome"])
        #expect(told.count == 0)
    }
}
