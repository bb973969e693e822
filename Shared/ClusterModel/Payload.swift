#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Immutable bytes, 64-byte aligned so that kernels can read numbers in place. Owned by reference count, freed once.
///
/// Written only while it is being made, before anything else can see it; hence safe to share between threads.
package final class Payload: @unchecked Sendable {
    /// Valid as long as the payload lives: a temporary may be gone right after its last use, so hold it with
    /// `withExtendedLifetime` or use `withUnsafeBytes`.
    package let bytes: UnsafeRawBufferPointer
    /// CRC32C of the bytes as whoever made them said, or as was verified when they arrived; nil when nobody has. Whoever uses
    /// or sends them much later can see whether they are still the same.
    package let checksum: UInt32?
    private let release: () -> Void

    /// Makes `count` bytes and lets `fill` write them; they start as zeros.
    package convenience init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        try self.init(unwritten: count) { bytes in
            if let start = bytes.baseAddress { memset(start, 0, bytes.count) }
            try fill(bytes)
        }
    }

    /// - Parameter write: Writes every one of the bytes.
    package init(unwritten count: Int, write: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let size = max(64, (count + 63) / 64 * 64)
        guard let memory = aligned_alloc(64, size) else { fatalError("out of memory for a payload of \(count) bytes") }
        bytes = UnsafeRawBufferPointer(start: memory, count: count)
        checksum = nil
        // The pointer crosses into the closure as a number because it has exactly one owner: this object.
        let address = UInt(bitPattern: memory)
        release = { free(UnsafeMutableRawPointer(bitPattern: address)) }
        try write(UnsafeMutableRawBufferPointer(start: memory, count: count))
    }

    /// Takes over foreign memory (a mapped file, a received message) that `release` gives back.
    package init(adopting bytes: UnsafeRawBufferPointer, checksum: UInt32? = nil, release: @escaping () -> Void) {
        self.bytes = bytes
        self.checksum = checksum
        self.release = release
    }

    package convenience init(copying source: [UInt8]) {
        self.init(unwritten: source.count) { $0.copyBytes(from: source) }
    }

    package convenience init(copying source: UnsafeRawBufferPointer) {
        self.init(unwritten: source.count) { if source.count > 0 { $0.copyMemory(from: source) } }
    }

    package var count: Int { bytes.count }

    /// The same bytes with what their CRC32C is.
    package func stating(checksum: UInt32) -> Payload {
        Payload(adopting: bytes, checksum: checksum) { withExtendedLifetime(self) {} }
    }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(bytes) }
    }

    deinit { release() }
}
