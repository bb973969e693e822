/// Names bytes that a shell keeps for a machine: machines pass it around, and never see what it stands for.
///
/// Every handle that enters a machine leaves it exactly once, in an effect that says what becomes of the bytes.
package struct PayloadHandle: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: PayloadHandle, b: PayloadHandle) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "payload \(rawValue)" }
}
