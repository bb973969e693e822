import APITestServer
import ClusterModel
import HTTPTypes
import Testing

@testable import API

@Suite struct AuthenticatorTests {
    private let status = Call(.get, "/v1/status")
    private func bearer(_ name: String) -> String { "Bearer \(FakeRecords.secret(name))" }

    @Test("Every stored token is compared, the last valid match counts, and an expired one is none")
    func find() {
        let digest = TokenDigest(of: "x".utf8)
        let other = TokenDigest(of: "y".utf8)
        func token(_ name: String, _ digest: TokenDigest, _ end: Double? = nil) -> StoredToken {
            StoredToken(name: name, role: .viewer, digest: digest.bytes, expiresAt: end)
        }
        func found(_ tokens: [StoredToken]) -> String? { Authenticator.find(digest, in: tokens, now: 100)?.name }
        #expect(found([]) == nil)
        #expect(found([token("a", other), token("b", other)]) == nil)
        #expect(found([token("a", digest), token("b", other)]) == "a")
        #expect(found([token("a", other), token("b", digest)]) == "b")
        // Only one that looks at all of them finds the second.
        #expect(found([token("a", digest), token("b", digest)]) == "b")
        #expect(found([token("a", digest, 100)]) == nil)
        #expect(found([token("a", digest, 100.5)]) == "a")
        #expect(found([StoredToken(name: "a", role: .admin, digest: [], expiresAt: nil)]) == nil)
    }

    @Test("A token that was revoked opens nothing after the next look, and one that was added opens then")
    func revocation() async throws {
        let (records, clock) = (FakeRecords(), TestClock())
        let door = try Door(access: access(records, clock: clock.clock))
        #expect(try await door.send(status, authorization: bearer("viewer")).status == 200)
        await records.set([FakeRecords.token("new", .viewer)])
        clock.advance(Limits.tokensLookSeconds - 0.1)
        #expect(try await door.send(status, authorization: bearer("new")).status == 401)
        #expect(await records.looks == 1)
        clock.advance(0.2)
        #expect(try await door.send(status, authorization: bearer("viewer")).status == 401)
        #expect(try await door.send(status, authorization: bearer("new")).status == 200)
        #expect(await records.looks == 2)
        #expect(Limits.tokensLookSeconds < 5 && Limits.tokensTrustedSeconds <= 5)
    }

    @Test("A token ends in the second it was made to end, without a look at the database")
    func expiry() async throws {
        let (clock, end) = (TestClock(), TestClock().clock.wall() + 1)
        let records = FakeRecords([FakeRecords.token("brief", .viewer, expiresAt: end)])
        let door = try Door(access: access(records, clock: clock.clock))
        #expect(try await door.send(status, authorization: bearer("brief")).status == 200)
        clock.advance(1)
        #expect(try await door.send(status, authorization: bearer("brief")).status == 401)
        #expect(await records.looks == 1)
    }

    @Test("When the database is silent, what it said last holds for seconds, then stored tokens open nothing; the file's does")
    func silentDatabase() async throws {
        let (records, clock) = (FakeRecords(), TestClock())
        let door = try Door(access: access(records, clock: clock.clock))
        #expect(try await door.send(status, authorization: bearer("viewer")).status == 200)
        await records.set(failure: GridError(.unreachable, "no database at db.internal"))
        clock.advance(Limits.tokensTrustedSeconds - 0.5)
        #expect(try await door.send(status, authorization: bearer("viewer")).status == 200)
        clock.advance(Limits.tokensLookSeconds)
        let answer = try await door.send(status, authorization: bearer("viewer"))
        expectProblem(answer, 503, "Service Unavailable")
        #expect(!answer.text.contains("db.internal"))
        #expect(try await door.send(status).status == 200)
        await records.set(failure: nil)
        clock.advance(Limits.tokensLookSeconds)
        #expect(try await door.send(status, authorization: bearer("viewer")).status == 200)
    }

    @Test("What has not the form of a stored token is no reason to ask the database")
    func form() async throws {
        let records = FakeRecords()
        for text in ["0123456789abcdef0123456789abcdee", "a.b.c", String(repeating: "x", count: AccessToken.bytesMax + 1)] {
            #expect(try await send(status, records: records, authorization: "Bearer \(text)").status == 401)
        }
        #expect(await records.looks == 0)
    }

    @Test("A stored token is not the digest that the database keeps of it")
    func digests() async throws {
        let digest = FakeRecords.token("admin", .admin).digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        for text in [digest, "ag_\(digest)"] {
            #expect(try await send(status, authorization: "Bearer \(text)").status == 401)
        }
    }

    @Test("New tokens have 32 random bytes and a prefix by which they are known for secrets")
    func newTokens() {
        let tokens = (0..<100).map { _ in AccessToken.random(prefix: AccessToken.prefix).secret }
        #expect(Set(tokens).count == 100)
        #expect(tokens.allSatisfy { $0.hasPrefix("ag_") && $0.utf8.count == 3 + 64 })
    }
}
