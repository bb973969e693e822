#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Memory for `count` elements, 64-byte aligned for vector loads; freed with the object.
///
/// Whoever makes it decides who may write: nothing here is synchronised.
final class AlignedBuffer<Element: BitwiseCopyable> {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int

    /// - Parameter zeroed: false where every element is written before it is read, which saves a pass over the memory.
    init(count: Int, zeroed: Bool = true) {
        let bytes = max(64, (count * MemoryLayout<Element>.stride + 63) / 64 * 64)
        guard let memory = aligned_alloc(64, bytes) else { fatalError("out of memory for a buffer of \(bytes) bytes") }
        if zeroed { memset(memory, 0, bytes) }
        pointer = memory.bindMemory(to: Element.self, capacity: bytes / MemoryLayout<Element>.stride)
        self.count = count
    }

    var byteCount: Int { count * MemoryLayout<Element>.stride }

    deinit { free(pointer) }
}
