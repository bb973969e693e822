import API
import ClusterModel
import Foundation
import Synchronization
import Testing

@testable import alphagrid

/// A grid that leads or does not, as the test likes.
private final class Turncoat: RegionlessGrid {
    private let leader = Mutex<LeaderView?>(nil)
    private let submitted = Atomic(0)
    private let grid = StaticGrid()

    init(behind leader: LeaderView?) { self.leader.withLock { $0 = leader } }

    func follow(_ leader: LeaderView?) { self.leader.withLock { $0 = leader } }
    var submissions: Int { submitted.load(ordering: .relaxed) }

    func leaderElsewhere() -> LeaderView? { leader.withLock { $0 } }
    func submit(_ request: JobRequest) async throws -> JobView {
        submitted.add(1, ordering: .relaxed)
        return try await grid.submit(request)
    }
    func status() async throws -> StatusView { try await grid.status() }
    func ready() async throws { try await grid.ready() }
    func jobs(_ request: JobsRequest) async throws -> [JobView] { try await grid.jobs(request) }
    func job(_ id: JobID) async throws -> JobView { try await grid.job(id) }
    func cancel(_ id: JobID, reason: String) async throws -> JobView { try await grid.cancel(id, reason: reason) }
    func workers() async throws -> [WorkerView] { try await grid.workers() }
    func check(_ request: CheckRequest, region: Region) async throws -> CheckView {
        try await grid.check(request, region: region)
    }
    func pair(_ request: PairRequest, region: Region) async throws -> PairView { try await grid.pair(request, region: region) }
    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage {
        try await grid.results(request, region: region)
    }
}

@Suite("A client that knows several coordinators")
struct FailoverTests {
    private static let elsewhere = LeaderView(holder: "host-b process 9", epoch: 4, url: "http://b:8710")

    private func client(_ ports: [Int], hint: String? = nil) throws -> GridClient {
        let urls = try ports.map { try #require(URL(string: "http://127.0.0.1:\($0)")) }
        return try GridClient(
            Settings.Connection(urls: urls, hint: hint, token: try AccessToken(ClientTests.token, source: "the test")))
    }

    /// Two coordinators of one grid.
    private func servingTwo(_ a: Turncoat, _ b: Turncoat, _ body: (Int, Int) async throws -> Void) async throws {
        try await ClientTests.serving(a) { first in
            try await ClientTests.serving(b) { second in try await body(first, second) }
        }
    }

    @Test(
        "It goes on to the one that leads, asks for a change once, and comes back when they change places",
        .timeLimit(.minutes(1)))
    func takeover() async throws {
        let (a, b) = (Turncoat(behind: Self.elsewhere), Turncoat(behind: nil))
        try await servingTwo(a, b) { first, second in
            let client = try client([9, first, second])
            _ = try await client.submit(JobRequest(kind: "correlation", region: "USA"))
            #expect(a.submissions == 0 && b.submissions == 1)
            #expect(client.base.port == second, "it is remembered")
            a.follow(nil)
            b.follow(Self.elsewhere)
            #expect(try await client.status() == someStatus())
            #expect(client.base.port == first)
            // What the leader refuses no other one is asked.
            await #expect(throws: GridError(.conflict, "too many jobs")) {
                try await client.submit(JobRequest(kind: "correlation", region: "BUSY"))
            }
            // Nor what may have come to something.
            await #expect(throws: GridError(.unreachable, "the database does not answer")) {
                try await client.submit(JobRequest(kind: "correlation", region: "DOWN"))
            }
            #expect(a.submissions == 2 && b.submissions == 1)
        }
    }

    @Test("Where none leads, one sentence says what each of them said; a lone standby names the leader", .timeLimit(.minutes(1)))
    func none() async throws {
        try await ClientTests.serving(Turncoat(behind: Self.elsewhere)) { port in
            let error = await #expect(throws: GridError.self) { try await client([9, port]).status() }
            #expect(error?.kind == .unreachable && error?.exitCode == 4)
            #expect(
                error?.message == "no coordinator leads at any of the addresses (http://127.0.0.1:9: nothing listens there, "
                    + "http://127.0.0.1:\(port) does not lead)")
            let alone = await #expect(throws: GridError.self) { try await client([port]).status() }
            #expect(alone?.message.contains("'host-b process 9' does, at http://b:8710") == true)
            #expect(alone?.message.contains("--url") == true)
        }
    }

    @Test("Whoever waits for a job hears of its end from the coordinator that has taken over", .timeLimit(.minutes(1)))
    func waiting() async throws {
        let (a, b) = (Turncoat(behind: nil), Turncoat(behind: Self.elsewhere))
        try await servingTwo(a, b) { first, second in
            let client = try client([first, second])
            let job = try await client.submit(JobRequest(kind: "correlation", region: "USA"))
            a.follow(Self.elsewhere)
            var running = job
            running.state = .running
            async let ended = JobWaiter(client: client, say: { _ in }).wait(for: running)
            try await Task.sleep(for: .milliseconds(50))
            b.follow(nil)
            #expect(try await ended.state == .failed)
            #expect(client.base.port == second)
        }
    }

    @Test("What a stale connection file is worth is said where its coordinator does not answer")
    func hint() async throws {
        let error = await #expect(throws: GridError.self) { try await client([9], hint: "the file is stale").status() }
        #expect(error?.message == "cannot reach the coordinator at http://127.0.0.1:9: nothing listens there; the file is stale")
    }
}
