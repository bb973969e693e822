import ClusterModel
import HTTPTypes
import Testing

@testable import API

@Suite struct RateLimitTests {
    @Test("A bucket gives its burst, then its rate, and says how long the next one takes")
    func bucket() {
        let limiter = RateLimiter(perSecond: 2, burst: 3)
        for _ in 0..<3 { #expect(limiter.take("a", now: 10) == nil) }
        #expect(limiter.take("a", now: 10) == 0.5)
        #expect(limiter.isExhausted("a", now: 10.4) && !limiter.isExhausted("a", now: 10.5))
        #expect(limiter.take("b", now: 10) == nil)
        #expect(limiter.take("a", now: 10.5) == nil)
        #expect(limiter.take("a", now: 10.75) == 0.25)
        // However long nobody asked, there is never more than the burst.
        for _ in 0..<3 { #expect(limiter.take("a", now: 1e6) == nil) }
        #expect(limiter.take("a", now: 1e6) != nil)
    }

    @Test("A clock that stands or goes back gives nothing away")
    func clock() {
        let limiter = RateLimiter(perSecond: 1, burst: 1)
        #expect(limiter.take("a", now: 5) == nil)
        #expect(limiter.take("a", now: 5) != nil && limiter.take("a", now: 1) != nil)
    }

    @Test("The table is bounded: names beyond it share a bucket until others have filled up")
    func bounded() {
        let limiter = RateLimiter(perSecond: 1, burst: 2, namesMax: 4)
        for name in ["a", "b", "c", "d"] { #expect(limiter.take(name, now: 0) == nil) }
        #expect(limiter.take("e", now: 0) == nil && limiter.take("f", now: 0) == nil)
        #expect(limiter.take("g", now: 0) != nil, "three strangers share one bucket of two")
        #expect(limiter.take("a", now: 0) == nil, "who has a bucket keeps it")
        for number in 0..<1_000 { _ = limiter.take("stranger \(number)", now: 0.5) }
        #expect(limiter.namesKnown <= 5)
        #expect(limiter.take("h", now: 10) == nil && limiter.take("h", now: 10) == nil && limiter.take("i", now: 10) == nil)
    }

    @Test("A caller beyond its rate gets 429 and the seconds to wait, and others are served")
    func callers() async throws {
        let clock = TestClock()
        let door = try Door(access: access(clock: clock.clock))
        let (status, viewer) = (Call(.get, "/v1/status"), "Bearer \(FakeRecords.secret("viewer"))")
        for _ in 0..<Int(Limits.requestsBurstMax) { _ = try await door.send(status, authorization: viewer) }
        let answer = try await door.send(status, authorization: viewer)
        expectProblem(answer, 429, "Too Many Requests")
        #expect(answer.headers[.retryAfter] == "1")
        #expect(try await door.send(status, authorization: "Bearer \(FakeRecords.secret("operator"))").status == 200)
        clock.advance(1)
        #expect(try await door.send(status, authorization: viewer).status == 200)
    }

    @Test("An address that shows nothing valid gets 429 after a while, without keeping out who has a token")
    func strangers() async throws {
        let clock = TestClock()
        let door = try Door(access: access(clock: clock.clock))
        let status = Call(.get, "/v1/status")
        var answers: [Int] = []
        for number in 0..<Int(Limits.strangerRequestsBurstMax) + 1 {
            let showing = number % 2 == 0 ? nil : "Bearer \(FakeRecords.secret("wrong"))"
            answers.append(try await door.send(status, authorization: showing).status)
        }
        #expect(answers.dropLast().allSatisfy { $0 == 401 } && answers.last == 429)
        #expect(try await door.send(status, authorization: "Bearer \(FakeRecords.secret("viewer"))").status == 200)
        #expect(try await door.send(status, authorization: nil).headers[.retryAfter] != nil)
        clock.advance(1)
        #expect(try await door.send(status, authorization: nil).status == 401)
    }
}
