/// 32 bytes of a CURVE key that nobody else may see: they show in no log, no error and no debugger's summary.
package struct SecretKey: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package static let byteCount = 32

    package let bytes: [UInt8]

    /// - Returns: nil unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    package var description: String { "a secret key" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
