import ClusterModel
import Crypto
import Foundation
import HTTPTypes
import Testing

@testable import API

/// Written from RFC 7515 and 7519 and not by the library that reads them, so that both cannot be wrong together.
private struct JWT {
    var header: [String: any Sendable] = ["alg": "HS256", "typ": "JWT"]
    var claims: [String: any Sendable] = ["sub": "alice", "exp": 2_000_000_000, "alphagrid_role": "viewer"]

    static let secret = Array("a shared secret of more than 32 bytes".utf8)
    static let key = P256.Signing.PrivateKey()

    static func encode(_ bytes: some DataProtocol) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    var unsigned: String {
        get throws {
            try [header, claims].map { Self.encode(try JSONSerialization.data(withJSONObject: $0)) }.joined(separator: ".")
        }
    }

    func hs256(_ secret: [UInt8] = JWT.secret) throws -> String {
        let text = try unsigned
        return text + "."
            + Self.encode(Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: secret))))
    }

    func es256(_ key: P256.Signing.PrivateKey = JWT.key) throws -> String {
        let text = try unsigned
        return text + "." + Self.encode(try key.signature(for: Data(text.utf8)).rawRepresentation)
    }
}

@Suite struct JWTTests {
    private static let now = 1_700_000_000.0

    private func both(audience: String? = nil) async throws -> JWTVerifier {
        try await JWTVerifier(hs256: JWT.secret, es256: JWT.key.publicKey.pemRepresentation, audience: audience)
    }

    private func verify(_ token: String, _ verifier: JWTVerifier) async -> Principal? {
        await verifier.verify(token[...], now: Self.now)
    }

    @Test("A JWT signed with either key is its subject, in the role of its claim")
    func accepted() async throws {
        let verifier = try await both()
        var jwt = JWT()
        #expect(await verify(try jwt.hs256(), verifier) == Principal(name: "jwt:alice", role: .viewer))
        jwt.header["alg"] = "ES256"
        jwt.claims["alphagrid_role"] = "admin"
        jwt.claims["nbf"] = Int(Self.now)
        #expect(await verify(try jwt.es256(), verifier) == Principal(name: "jwt:alice", role: .admin))
    }

    @Test("A header that names another algorithm than the key's, none, or an extension is refused, whatever the signature")
    func confusion() async throws {
        let verifier = try await both()
        for name in ["none", "None", "", "HS384", "HS512", "RS256", "EdDSA", "ES384", "hs256"] {
            var jwt = JWT()
            jwt.header["alg"] = name
            for token in [try jwt.hs256(), try jwt.es256(), try jwt.unsigned + "."] {
                #expect(await verify(token, verifier) == nil, "\(name)")
            }
        }
        // The public key, which everybody may know, taken for a shared secret.
        let pem = JWT.key.publicKey.pemRepresentation
        #expect(await verify(try JWT().hs256(Array(pem.utf8)), verifier) == nil)
        let es256Only = try await JWTVerifier(hs256: nil, es256: pem, audience: nil)
        #expect(await verify(try JWT().hs256(Array(pem.utf8)), es256Only) == nil)
        #expect(await verify(try JWT().hs256(), es256Only) == nil)
        var extended = JWT()
        extended.header["crit"] = ["exp"]
        #expect(await verify(try extended.hs256(), verifier) == nil)
    }

    @Test("Another key, a changed byte and a lost signature are refused")
    func signatures() async throws {
        let verifier = try await both()
        #expect(await verify(try JWT().hs256(Array("another secret of more than 32 bytes".utf8)), verifier) == nil)
        var jwt = JWT()
        jwt.header["alg"] = "ES256"
        #expect(await verify(try jwt.es256(P256.Signing.PrivateKey()), verifier) == nil)
        let token = try JWT().hs256()
        #expect(await verify(String(token.dropLast(3)), verifier) == nil)
        #expect(await verify(try JWT().unsigned + ".", verifier) == nil)
        var admin = JWT()
        admin.claims["alphagrid_role"] = "admin"
        let swapped = try admin.unsigned + "." + String(token.split(separator: ".")[2])
        #expect(await verify(swapped, verifier) == nil)
    }

    @Test(
        "Claims that are missing, over, early or of the wrong type are refused",
        arguments: [
            ("exp", nil), ("exp", "1"), ("exp", "1700000000"), ("exp", "\"2000000000\""), ("exp", "null"), ("sub", nil),
            ("sub", "\"\""), ("sub", "\"a\\u0000b\""), ("sub", "7"), ("alphagrid_role", nil), ("alphagrid_role", "\"root\""),
            ("alphagrid_role", "[\"admin\"]"), ("nbf", "1700000001"), ("nbf", "\"now\""), ("aud", "7"),
        ])
    func claims(name: String, json: String?) async throws {
        var jwt = JWT()
        jwt.claims[name] = nil
        if let json {
            let value = try JSONSerialization.jsonObject(with: Data("[\(json)]".utf8)) as? [any Sendable]
            jwt.claims[name] = value?.first
        }
        #expect(await verify(try jwt.hs256(), try await both()) == nil)
    }

    @Test("Where an audience is set, only a JWT that names it is accepted")
    func audience() async throws {
        let verifier = try await both(audience: "alphagrid")
        var jwt = JWT()
        #expect(await verify(try jwt.hs256(), verifier) == nil)
        for (value, isFor) in [
            ("alphagrid" as any Sendable, true), (["x", "alphagrid"], true), ("x", false), ([String](), false),
            ("Alphagrid", false),
        ] {
            jwt.claims["aud"] = value
            #expect(await (verify(try jwt.hs256(), verifier) != nil) == isFor, "\(value)")
        }
    }

    @Test(
        "Text that is no JWT is refused and does no harm",
        arguments: ["..", "a..", ".b.", "a.b.c", "e30.e30.", "eyJhbGciOiJIUzI1NiJ9..", "ÿ.ÿ.ÿ", "=.=.=", "%00.%00.%00"])
    func garbage(text: String) async throws {
        #expect(await verify(text, try await both()) == nil)
    }

    @Test("A secret of fewer than 32 bytes and a file without a public key are refused at the start")
    func badKeys() async throws {
        await #expect(throws: GridError.self) { try await JWTVerifier(hs256: Array("short".utf8), es256: nil, audience: nil) }
        for pem in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", JWT.key.pemRepresentation] {
            let error = await #expect(throws: GridError.self) { try await JWTVerifier(hs256: nil, es256: pem, audience: nil) }
            #expect(error?.message.contains("--jwt-es256") == true)
        }
    }

    @Test("At the gate a JWT does what its role may, and an address that sends wrong ones is not verified for ever")
    func gate() async throws {
        let (records, clock) = (FakeRecords(), TestClock())
        let door = try Door(access: access(records, jwt: try await both(), clock: clock.clock))
        let viewer = try "Bearer \(JWT().hs256())"
        var jwt = JWT()
        jwt.claims["alphagrid_role"] = "operator"
        let submit = Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#)
        #expect(try await door.send(Call(.get, "/v1/status"), authorization: viewer).status == 200)
        #expect(try await door.send(submit, authorization: viewer).status == 403)
        #expect(try await door.send(submit, authorization: "Bearer \(jwt.hs256())").status == 201)
        #expect(await records.rows.map(\.entry.actor) == ["jwt:alice"])
        for _ in 0..<Int(Limits.strangerRequestsBurstMax) {
            _ = try await door.send(submit, authorization: viewer + "x")
        }
        #expect(try await door.send(Call(.get, "/v1/status"), authorization: viewer).status == 429)
        clock.advance(2)
        #expect(try await door.send(Call(.get, "/v1/status"), authorization: viewer).status == 200)
    }
}
