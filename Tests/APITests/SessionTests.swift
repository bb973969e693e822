import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite struct SessionTests {
    private let clock = TestClock()
    private let records = FakeRecords()
    private let settings: AccessSettings
    private let door: Door

    init() throws {
        settings = try access(records, clock: clock.clock)
        door = Door(access: settings)
    }

    private static let page: HTTPFields = [SessionCookie.pageHeader: SessionCookie.pageValue]

    private func signIn(_ body: String, headers: HTTPFields = page) async throws -> Answer {
        try await door.send(Call(.post, "/v1/session", body), authorization: nil, headers: headers)
    }

    /// The cookie that an answer sets, as a browser would send it back.
    private func cookie(_ answer: Answer) throws -> String {
        let header = try #require(answer.headers[.setCookie])
        return String(try #require(header.split(separator: ";").first))
    }

    private func ask(
        _ call: Call, _ cookie: String, header: Bool = true
    ) async throws -> Answer {
        var headers = header ? Self.page : [:]
        headers[.cookie] = "theme=dark; \(cookie)"
        return try await door.send(call, authorization: nil, headers: headers)
    }

    private func code() async throws -> String {
        let made = try await door.send(Call(.post, "/v1/session/codes"))
        #expect(made.status == 201 && made.json["role"] as? String == "admin")
        return try #require(made.json["code"] as? String)
    }

    @Test("A code signs a browser in, once, with a cookie that no script and no other site can use")
    func codeOnce() async throws {
        let body = #"{"code":"\#(try await code())"}"#
        let answer = try await signIn(body)
        #expect(answer.status == 204 && answer.text.isEmpty)
        let header = try #require(answer.headers[.setCookie])
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] { #expect(header.contains(part)) }
        #expect(!header.contains("Secure"))
        expectProblem(try await signIn(body), 401, "Unauthorized")
        let session = try await ask(Call(.get, "/v1/session"), cookie(answer))
        #expect(session.json["name"] as? String == "file:token" && session.json["role"] as? String == "admin")
        #expect(session.json["expires_at"] as? String == "2023-11-15T10:13:20Z")
        #expect(try await ask(Call(.get, "/v1/status"), cookie(answer)).status == 200)
    }

    @Test("Through TLS the cookie never goes without it")
    func secure() async throws {
        let door = Door(access: settings, isEncrypted: true)
        let call = Call(.post, "/v1/session", #"{"token":"\#(goodToken)"}"#)
        let answer = try await door.send(call, authorization: nil)
        #expect(answer.headers[.setCookie]?.contains("; Secure") == true)
    }

    @Test("A code that nobody used in five minutes opens nothing, and of too many the oldest goes")
    func codeEnds() async throws {
        let late = try await code()
        clock.advance(Limits.signInCodeSeconds)
        #expect(try await signIn(#"{"code":"\#(late)"}"#).status == 401)
        let first = settings.sessions.makeCode(for: .tokenFile)
        for _ in 0..<Limits.signInCodesMax { _ = settings.sessions.makeCode(for: .tokenFile) }
        #expect(settings.sessions.codeCount == Limits.signInCodesMax)
        #expect(settings.sessions.redeem(first.secret[...]) == nil)
    }

    @Test("A change from a browser needs the page's own header; reading does not")
    func forgery() async throws {
        let cookie = try cookie(await signIn(#"{"token":"\#(goodToken)"}"#))
        let submit = Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#)
        expectProblem(try await ask(submit, cookie, header: false), 403, "Forbidden")
        #expect(await records.rows.isEmpty)
        #expect(try await ask(submit, cookie).status == 201)
        #expect(await records.rows.first?.entry.actor == "file:token")
        #expect(try await ask(Call(.get, "/v1/jobs"), cookie, header: false).status == 200)
        // Nor may another site sign a browser in.
        expectProblem(try await signIn(#"{"token":"\#(goodToken)"}"#, headers: [:]), 403, "Forbidden")
    }

    @Test("A session does what its token may, and ends when the token is revoked")
    func revoked() async throws {
        let cookie = try cookie(await signIn(#"{"token":"\#(FakeRecords.secret("viewer"))"}"#))
        #expect(try await ask(Call(.get, "/v1/status"), cookie).status == 200)
        expectProblem(try await ask(Call(.post, "/v1/jobs/1/cancel", "{}"), cookie), 403, "Forbidden")
        expectProblem(try await ask(Call(.post, "/v1/session/codes"), cookie), 403, "Forbidden")
        await records.set([])
        clock.advance(Limits.tokensLookSeconds)
        expectProblem(try await ask(Call(.get, "/v1/status"), cookie), 401, "Unauthorized")
        await records.set(FakeRecords.everyRole)
        clock.advance(Limits.tokensLookSeconds)
        #expect(try await ask(Call(.get, "/v1/status"), cookie).status == 200)
        await records.set(failure: GridError(.unreachable, "the database is away"))
        clock.advance(Limits.tokensTrustedSeconds)
        expectProblem(try await ask(Call(.get, "/v1/status"), cookie), 503, "Service Unavailable")
    }

    @Test("A code may be for less than its maker may do, never for more, and ends with the maker's token")
    func lesserCode() async throws {
        let made = try await door.send(Call(.post, "/v1/session/codes", #"{"role":"viewer"}"#))
        #expect(made.json["role"] as? String == "viewer")
        let viewer = try cookie(await signIn(#"{"code":"\#(try #require(made.json["code"] as? String))"}"#))
        expectProblem(try await ask(Call(.post, "/v1/jobs/1/cancel", "{}"), viewer), 403, "Forbidden")
        let admin = try await door.send(
            Call(.post, "/v1/session/codes"), authorization: "Bearer \(FakeRecords.secret("admin"))")
        let session = try cookie(await signIn(#"{"code":"\#(try #require(admin.json["code"] as? String))"}"#))
        // One browser may let another in.
        #expect(try await ask(Call(.post, "/v1/session/codes"), session).status == 201)
        let unused = try await door.send(
            Call(.post, "/v1/session/codes"), authorization: "Bearer \(FakeRecords.secret("admin"))")
        await records.set([])
        clock.advance(Limits.tokensLookSeconds)
        #expect(try await ask(Call(.get, "/v1/status"), session).status == 401)
        let code = try #require(unused.json["code"] as? String)
        expectProblem(try await signIn(#"{"code":"\#(code)"}"#), 401, "Unauthorized")
        #expect(await records.rows.map(\.entry.action).allSatisfy { $0 == "make sign-in code" })
    }

    @Test("A session ends by itself, by signing out and by signing in anew")
    func ends() async throws {
        let first = try cookie(await signIn(#"{"token":"\#(goodToken)"}"#))
        var headers = Self.page
        headers[.cookie] = first
        let second = try cookie(await signIn(#"{"token":"\#(goodToken)"}"#, headers: headers))
        #expect(try await ask(Call(.get, "/v1/status"), first).status == 401)
        let out = try await ask(Call(.delete, "/v1/session"), second)
        #expect(out.status == 204 && out.headers[.setCookie]?.contains("Max-Age=0") == true)
        #expect(try await ask(Call(.get, "/v1/status"), second).status == 401)
        let third = try cookie(await signIn(#"{"token":"\#(goodToken)"}"#))
        clock.advance(Limits.sessionSeconds)
        #expect(try await ask(Call(.get, "/v1/status"), third).status == 401)
    }

    @Test("Sessions are few: of one token and in all, the oldest gives way")
    func bounded() throws {
        let grants = (0..<40).map { Grant(principal: Principal(name: "t\($0)", role: .viewer), origin: .file) }
        let first = settings.sessions.open(grants[0]).secret
        for _ in 0..<Limits.sessionsPerNameMax { _ = settings.sessions.open(grants[0]) }
        #expect(settings.sessions.sessionCount == Limits.sessionsPerNameMax)
        #expect(settings.sessions.find(first.secret[...]) == nil)
        for grant in grants { for _ in 0..<Limits.sessionsPerNameMax { _ = settings.sessions.open(grant) } }
        #expect(settings.sessions.sessionCount == Limits.sessionsMax)
    }

    @Test("A session made of a JWT is over when the JWT is")
    func jwtEnds() async throws {
        let grant = Grant(principal: Principal(name: "jwt:ada", role: .operator), origin: .jwt(endsAt: clock.clock.wall() + 60))
        let cookie = "\(SessionCookie.name)=\(settings.sessions.open(grant).secret.secret)"
        #expect(try await ask(Call(.get, "/v1/status"), cookie).status == 200)
        clock.advance(60)
        #expect(try await ask(Call(.get, "/v1/status"), cookie).status == 401)
    }

    @Test("Whoever keeps trying codes waits, and no answer repeats what was sent")
    func guessing() async throws {
        var statuses: [Int] = []
        for number in 0..<40 {
            let answer = try await signIn(#"{"code":"guess-\#(number)"}"#)
            #expect(!answer.text.contains("guess"))
            statuses.append(answer.status)
        }
        #expect(statuses.prefix(30).allSatisfy { $0 == 401 } && statuses.suffix(10).allSatisfy { $0 == 429 })
        // A good code opens all the same.
        #expect(try await signIn(#"{"code":"\#(try await code())"}"#).status == 204)
    }

    @Test(
        "What is no request to sign in is refused",
        arguments: ["", "[]", "{}", #"{"code":"a","token":"b"}"#, #"{"code":7}"#, #"{"secret":"a"}"#])
    func malformed(body: String) async throws {
        let status = try await signIn(body).status
        #expect(status == 400)
    }

    @Test("A wrong cookie is no token, and a token in the header goes before the cookie")
    func precedence() async throws {
        #expect(try await ask(Call(.get, "/v1/status"), "\(SessionCookie.name)=nonsense").status == 401)
        var headers = Self.page
        headers[.cookie] = "\(SessionCookie.name)=nonsense"
        #expect(try await door.send(Call(.get, "/v1/status"), headers: headers).status == 200)
    }
}
