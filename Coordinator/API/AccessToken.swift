import ClusterModel

/// The secret a request must show. It has no description that shows it.
package struct AccessToken: Sendable, CustomStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    /// Fewer bytes could be guessed by trying.
    package static let bytesMin = 16
    package static let bytesMax = 4_096

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
        self.bytes = bytes
    }

    /// A new one of 32 random bytes, as 64 hexadecimal digits.
    package static func random() -> AccessToken {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        let bytes = (0..<64).map { _ in digits[Int.random(in: 0..<16, using: &generator)] }
        return AccessToken(unchecked: bytes)
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// The secret itself, for the header of a request or the file it is kept in.
    package var secret: String { String(decoding: bytes, as: UTF8.self) }

    /// Takes the same time wherever the first difference is, so that time tells nothing about the token.
    package func matches(_ presented: some Collection<UInt8>) -> Bool {
        var difference = UInt(bitPattern: bytes.count ^ presented.count)
        var position = 0
        for byte in presented {
            difference |= UInt(byte ^ bytes[position])
            position = position + 1 == bytes.count ? 0 : position + 1
        }
        return difference == 0
    }

    package var description: String { "(a token)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
