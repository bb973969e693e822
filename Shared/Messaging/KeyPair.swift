import CZeroMQ
import ClusterModel

/// A CURVE public key, kept as the 40 characters of Z85 in which files and tables show it.
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Parameter source: what the error names, such as a file and its field.
    /// - Throws: `.usage` when `text` is no such key.
    package init(parsing text: String, source: String) throws(GridError) {
        guard Z85.decode(text) != nil else {
            throw GridError(.usage, "\(source) is no public key: expected \(Z85.keyLength) characters of Z85")
        }
        self.text = text
    }

    init?(bytes: [UInt8]) {
        guard bytes.count == SecretKey.byteCount else { return nil }
        text = Z85.encode(bytes)
    }

    var bytes: [UInt8] { Z85.decode(text) ?? [] }
    package var description: String { text }
}

/// Both halves of a CURVE key.
package struct KeyPair: Sendable {
    package let publicKey: PublicKey
    package let secret: SecretKey

    /// A new one, from the system's source of randomness.
    package static func make() throws(GridError) -> KeyPair {
        var publicText = [CChar](repeating: 0, count: Z85.keyLength + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0, let secret = Z85.decode(Z85.text(secretText)) else {
            throw GridError(.failed, "no key can be made: this machine's libzmq was built without CURVE")
        }
        return try KeyPair(secretBytes: secret)
    }

    /// The pair that belongs to a secret half.
    package init(secret: SecretKey) throws(GridError) {
        var publicText = [CChar](repeating: 0, count: Z85.keyLength + 1)
        guard zmq_curve_public(&publicText, Z85.encode(secret.bytes)) == 0,
            let bytes = Z85.decode(Z85.text(publicText)), let key = PublicKey(bytes: bytes)
        else { throw GridError(.failed, "a key cannot be used: this machine's libzmq was built without CURVE") }
        publicKey = key
        self.secret = secret
    }

    private init(secretBytes: [UInt8]) throws(GridError) {
        guard let secret = SecretKey(bytes: secretBytes) else { throw GridError(.failed, "libzmq made a key of another size") }
        try self.init(secret: secret)
    }

    /// For the file that keeps it, and for nothing else.
    package var secretText: String { Z85.encode(secret.bytes) }
}

/// ZeroMQ's way to write bytes as printable characters, here of 32 bytes.
enum Z85 {
    static let keyLength = 40

    static func encode(_ bytes: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: bytes.count / 4 * 5 + 1)
        zmq_z85_encode(&buffer, bytes, bytes.count)
        return text(buffer)
    }

    /// - Returns: 32 bytes, nil for anything else.
    static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.count == keyLength, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        var bytes = [UInt8](repeating: 0, count: SecretKey.byteCount)
        return zmq_z85_decode(&bytes, text) == nil ? nil : bytes
    }

    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
