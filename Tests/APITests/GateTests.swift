import ClusterModel
import HTTPTypes
import Testing

@testable import API

@Suite struct GateTests {
    /// Every route, a method that does not fit one, and paths that lead nowhere.
    static let behind = [
        Call(.get, "/v1/status"), Call(.get, "/v1/jobs"), Call(.get, "/v1/jobs?limit=nonsense"),
        Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#), Call(.get, "/v1/jobs/1"),
        Call(.post, "/v1/jobs/1/cancel", "{}"), Call(.get, "/v1/workers"), Call(.post, "/v1/workers/host-17/drain"),
        Call(.delete, "/v1/jobs/1"), Call(.options, "/v1/status"), Call(.get, "/v1/session"), Call(.delete, "/v1/session"),
        Call(.post, "/v1/session/codes"), Call(.put, "/v1/session"), Call(.get, "/nothing"),
        Call(.get, "/v1"), Call(.get, "//v1//status"), Call(.get, "/v1/status/"), Call(.get, "/livez/../v1/status"),
        Call(.get, "/livez/more"), Call(.get, "/v1/workers/livez"), Call(.get, "/%6Civez"),
    ]

    @Test("Without a token nothing answers, and the grid is not even asked", arguments: behind)
    func missing(call: Call) async throws {
        let grid = FakeGrid()
        let answer = try await send(call, to: grid, authorization: nil)
        if call.method == .head {
            #expect(answer.status == 401)
        } else {
            expectProblem(answer, 401, "Unauthorized")
        }
        #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
        #expect(answer.headers[.cacheControl] == "no-store")
        #expect(await grid.calls.isEmpty)
    }

    @Test("With a wrong token nothing answers", arguments: behind)
    func wrong(call: Call) async throws {
        let grid = FakeGrid()
        let answer = try await send(call, to: grid, authorization: "Bearer 0123456789abcdef0123456789abcdee")
        #expect(answer.status == 401)
        #expect(answer.headers[.wwwAuthenticate]?.contains("invalid_token") == true)
        #expect(await grid.calls.isEmpty)
    }

    @Test(
        "Anything but the very token behind the word Bearer is refused",
        arguments: [
            "", "Bearer", "Bearer ", "Basic \(goodToken)", goodToken, "Bearer \(goodToken)x", "Bearer x\(goodToken)",
            "Bearer \(goodToken.dropLast())", "Bearer \(goodToken)\(goodToken)", "Bearer \(goodToken.uppercased())",
            "Bearer \(goodToken) \(goodToken)", "Bearer\t\(goodToken)", "Token \(goodToken)",
        ])
    func malformed(header: String) async throws {
        #expect(try await send(Call(.get, "/v1/status"), authorization: header).status == 401)
    }

    @Test("The word Bearer may be written in any case", arguments: ["bearer", "BEARER", "Bearer "])
    func scheme(word: String) async throws {
        #expect(try await send(Call(.get, "/v1/status"), authorization: "\(word) \(goodToken)").status == 200)
    }

    @Test("A token is visible ASCII of at least 16 bytes, whatever white space surrounds it")
    func tokens() throws {
        #expect(try AccessToken(" \(goodToken)\n", source: "a file").secret == goodToken)
        for text in ["", "short", String(repeating: "a", count: 15), "0123456789 abcdef0123456789", "0123456789abcdefé"] {
            #expect(throws: GridError.self) { try AccessToken(text, source: "a file") }
        }
        let random = AccessToken.random()
        #expect(random.secret.count == 64)
        #expect(random.secret != AccessToken.random().secret)
    }

    @Test("A token compares equal to itself alone, and never shows itself in a message")
    func comparison() throws {
        let token = try AccessToken(goodToken, source: "the test")
        #expect(token.digest.matches(TokenDigest(of: goodToken.utf8)))
        for position in 0..<goodToken.utf8.count {
            var bytes = Array(goodToken.utf8)
            bytes[position] ^= 1
            #expect(!token.digest.matches(TokenDigest(of: bytes)))
        }
        for position in token.digest.bytes.indices {
            var bytes = token.digest.bytes
            bytes[position] ^= 0x80
            #expect(!token.digest.matches(TokenDigest(bytes: bytes)))
        }
        for bytes in [[], Array(token.digest.bytes.dropLast()), token.digest.bytes + [0]] {
            #expect(
                !token.digest.matches(TokenDigest(bytes: bytes)) && !TokenDigest(bytes: bytes).matches(TokenDigest(bytes: bytes)))
        }
        #expect(!"\(token)".contains(goodToken))
        var text = ""
        dump(token, to: &text)
        #expect(!text.contains("48") && !text.contains(goodToken))
    }
}
