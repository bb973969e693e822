import ClusterModel
import Crypto
import Foundation
import JWTKit

/// JSON Web Tokens of an identity provider, signed with a shared secret (HS256) or a key of its own (ES256).
///
/// Each algorithm has its own key, and the header's `alg` only chooses among those that are set up: a public key is never
/// taken for a shared secret, and there is no way to ask for none.
package struct JWTVerifier: Sendable {
    private let hs256: JWTKeyCollection?
    private let es256: JWTKeyCollection?
    private let audience: String?

    package static let secretBytesMin = 32

    /// - Parameters:
    ///   - hs256: The shared secret; at least 32 bytes, as RFC 7518 wants.
    ///   - es256: A P-256 public key as PEM.
    ///   - audience: What `aud` must hold; nil does not look at it.
    /// - Throws: `GridError(.usage)` when a key is none.
    package init(hs256: [UInt8]?, es256: String?, audience: String?) async throws {
        self.audience = audience
        if let hs256 {
            guard hs256.count >= Self.secretBytesMin else {
                throw GridError(
                    .usage,
                    "the secret of --jwt-hs256 has \(hs256.count) bytes: expected at least \(Self.secretBytesMin) random ones")
            }
            self.hs256 = await JWTKeyCollection().add(hmac: HMACKey(from: hs256), digestAlgorithm: .sha256)
        } else {
            self.hs256 = nil
        }
        if let es256 {
            guard let key = try? ES256PublicKey(pem: es256) else {
                throw GridError(.usage, "the file of --jwt-es256 is not a P-256 public key in PEM: expected BEGIN PUBLIC KEY")
            }
            self.es256 = await JWTKeyCollection().add(ecdsa: key)
        } else {
            self.es256 = nil
        }
    }

    /// Three parts between two points; a token of ours has none.
    static func looksLikeOne(_ text: Substring) -> Bool { text.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2 }

    /// - Parameter now: Seconds since 1970.
    /// - Returns: nil for whatever is wrong with it: nobody who shows a wrong one is helped to show a better one.
    func verify(_ token: Substring, now: Double) async -> Principal? { await grant(token, now: now)?.principal }

    /// The same with its end, for what must not outlive it.
    func grant(_ token: Substring, now: Double) async -> Grant? {
        guard let header = Self.header(of: token), let keys = keys(for: header),
            let claims = try? await keys.verify(Array(token.utf8), as: Claims.self)
        else { return nil }
        guard claims.exp.isFinite, now < claims.exp, claims.nbf.map({ $0 <= now }) ?? true else { return nil }
        if let audience, claims.aud?.values.contains(audience) != true { return nil }
        guard Self.isName(claims.sub), let role = AccessRole(rawValue: claims.role) else { return nil }
        return Grant(principal: Principal(name: "jwt:\(claims.sub)", role: role), origin: .jwt(endsAt: claims.exp))
    }

    private func keys(for header: Header) -> JWTKeyCollection? {
        // An extension that must be understood is one that this does not.
        guard header.crit == nil else { return nil }
        return switch header.alg {
        case "HS256": hs256
        case "ES256": es256
        default: nil
        }
    }

    private static func header(of token: Substring) -> Header? {
        guard let parts = try? DefaultJWTParser().getTokenParts(Array(token.utf8)) else { return nil }
        var text = String(decoding: parts.header, as: UTF8.self).replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: text) else { return nil }
        return try? JSONDecoder().decode(Header.self, from: data)
    }

    /// It becomes part of rows and messages.
    private static func isName(_ subject: String) -> Bool {
        (1...Limits.jwtSubjectBytesMax).contains(subject.utf8.count)
            && subject.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    }

    private struct Header: Decodable {
        var alg: String
        var crit: [String]?
    }

    /// `exp` and the role have to be there; when it is, is for the caller to say, who knows the time.
    struct Claims: JWTPayload {
        var sub: String
        var exp: Double
        var nbf: Double?
        var aud: Audience?
        var role: String

        enum CodingKeys: String, CodingKey {
            case sub, exp, nbf, aud
            case role = "alphagrid_role"
        }

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    /// One text or a list of them, also an empty one.
    struct Audience: Codable, Sendable {
        var values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(String.self) {
                values = [value]
            } else {
                values = try container.decode([String].self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(values)
        }
    }
}
