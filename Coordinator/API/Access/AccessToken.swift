import ClusterModel
import Crypto

/// The secret a request must show. It has no description that shows it.
package struct AccessToken: Sendable, CustomStringConvertible, CustomReflectable {
    private let bytes: [UInt8]
    package let digest: TokenDigest

    /// Fewer bytes could be guessed by trying.
    package static let bytesMin = 16
    package static let bytesMax = 4_096
    /// What every token begins with that is kept in the database, so that people and scanners know it for a secret.
    package static let prefix = "ag_"
    static let randomBytes = 32

    /// - Parameters:
    ///   - text: The token; white space around it, such as a file's last newline, does not belong to it.
    ///   - source: Where it came from, for messages: `ALPHAGRID_TOKEN` or a file.
    package init(_ text: String, source: String) throws(GridError) {
        let bytes = Array(text.utf8.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed())
        guard (Self.bytesMin...Self.bytesMax).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw GridError(
                .usage,
                "the token in \(source) is not valid: expected \(Self.bytesMin) to \(Self.bytesMax) visible ASCII "
                    + "characters without spaces")
        }
        self.init(unchecked: bytes)
    }

    /// A new one of 32 random bytes, as 64 hexadecimal digits.
    package static func random(prefix: String = "") -> AccessToken {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        let bytes = (0..<2 * randomBytes).map { _ in digits[Int.random(in: 0..<16, using: &generator)] }
        return AccessToken(unchecked: Array(prefix.utf8) + bytes)
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
        digest = TokenDigest(of: bytes)
    }

    /// The secret itself, for the header of a request or the file it is kept in.
    package var secret: String { String(decoding: bytes, as: UTF8.self) }

    package var description: String { "(a token)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// SHA-256 of a token: what a presented one is compared by.
///
/// Whoever tries tokens does not choose the digest's bytes, so that even a comparison that took longer for a longer
/// common beginning would teach nothing; this one takes the same time for all.
package struct TokenDigest: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(of token: some Sequence<UInt8>) { bytes = Array(SHA256.hash(data: Array(token))) }

    /// As it was kept.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Looks at every byte, wherever the first difference is.
    package func matches(_ other: TokenDigest) -> Bool {
        guard bytes.count == SHA256.byteCount, other.bytes.count == bytes.count else { return false }
        var difference: UInt8 = 0
        for position in bytes.indices { difference |= bytes[position] ^ other.bytes[position] }
        return difference == 0
    }
}
