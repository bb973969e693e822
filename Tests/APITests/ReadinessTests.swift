import ClusterModel
import HTTPTypes
import Synchronization
import Testing

@testable import API

@Suite("Looks that all who ask share")
struct ReadinessTests {
    /// What is asked, as a test has it.
    private actor Database {
        private(set) var looks = 0
        var failure: GridError?
        private var isFrozen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []

        func set(failure: GridError?) { self.failure = failure }
        func freeze() { isFrozen = true }

        func thaw() {
            isFrozen = false
            for look in waiting { look.resume() }
            waiting = []
        }

        func look() async throws {
            looks += 1
            if isFrozen { await withCheckedContinuation { waiting.append($0) } }
            if let failure { throw failure }
        }
    }

    private let database = Database()
    private let clock = TestClock()
    private let lines = Lines()
    private func readiness(patience: Duration = .seconds(60)) -> Readiness {
        Readiness(clock: clock.clock, logger: lines.logger, patience: patience) { [database] in try await database.look() }
    }

    @Test("However many strangers ask, the database is asked once a second, and once by all who ask at the same time")
    func shared() async throws {
        let readiness = readiness()
        for second in 1...3 {
            await database.freeze()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 { group.addTask { await readiness.isReady() } }
                for _ in 0..<1_000 where await database.looks < second { try await Task.sleep(for: .milliseconds(1)) }
                await database.thaw()
                for try await isReady in group { #expect(isReady) }
            }
            for _ in 0..<100 { #expect(await readiness.isReady()) }
            #expect(await database.looks == second)
            clock.advance(Limits.readinessHeldSeconds)
        }
    }

    @Test("The log tells when the coordinator ceases to be ready and when it is again, not how often somebody asked")
    func changes() async throws {
        let readiness = readiness()
        #expect(await readiness.isReady())
        #expect(lines.all.isEmpty)
        await database.set(failure: GridError(.unreachable, "no database"))
        for _ in 0..<5 {
            clock.advance(Limits.readinessHeldSeconds)
            for _ in 0..<20 { #expect(await !readiness.isReady()) }
        }
        #expect(await database.looks == 6)
        #expect(lines.all == ["not ready"])
        await database.set(failure: nil)
        clock.advance(Limits.readinessHeldSeconds)
        for _ in 0..<20 { #expect(await readiness.isReady()) }
        #expect(lines.all == ["not ready", "ready again"])
    }

    @Test("A database that never answers makes nobody wait for longer than the patience, and is asked no second time meanwhile")
    func frozen() async throws {
        let readiness = readiness(patience: .milliseconds(50))
        await database.freeze()
        #expect(await !readiness.isReady())
        clock.advance(100)
        for _ in 0..<20 { #expect(await !readiness.isReady()) }
        #expect(await database.looks == 1)
        #expect(lines.all == ["not ready"])
        await database.thaw()
        for _ in 0..<500 where await !readiness.isReady() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(await readiness.isReady())
        #expect(lines.all == ["not ready", "ready again"])
    }

    @Test("When the database freezes, tokens hold for their seconds, then requests are refused at once; one look hangs, no more")
    func frozenTokens() async throws {
        let records = FakeRecords()
        let directory = TokenDirectory(
            records: records, clock: clock.clock, logger: lines.logger, patience: .milliseconds(50))
        #expect(await directory.tokens() != nil)
        await records.freeze()
        clock.advance(Limits.tokensLookSeconds)
        #expect(await directory.tokens() != nil, "it waits in vain, and what was known still holds")
        clock.advance(Limits.tokensTrustedSeconds - Limits.tokensLookSeconds)
        for _ in 0..<20 { #expect(await directory.tokens() == nil) }
        #expect(await records.looks == 2)
        #expect(lines.all == ["the access tokens are still being looked up"])
        await records.thaw()
        for _ in 0..<500 where await directory.tokens() == nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(await directory.tokens() != nil)
        #expect(Limits.tokensLookSeconds + Limits.tokensPatienceSeconds < Limits.tokensTrustedSeconds)
    }

    @Test("A request with a stored token gets 503 while the database is frozen, and that with the file's is answered")
    func frozenRequest() async throws {
        let records = FakeRecords()
        await records.freeze()
        let door = try Door(access: access(records))
        let status = Call(.get, "/v1/status")
        let answer = try await door.send(status, authorization: "Bearer \(FakeRecords.secret("viewer"))")
        expectProblem(answer, 503, "Service Unavailable")
        #expect(try await door.send(status).status == 200)
        await records.thaw()
    }
}
