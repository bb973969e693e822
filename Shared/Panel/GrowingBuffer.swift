import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Bytes of unknown number, grown by doubling; a failed allocation is an error instead of a crash.
struct GrowingBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0

    init() {}
    deinit { free(memory) }

    /// What has been committed.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    /// Space behind what has been committed.
    var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory.map { $0 + count }, count: capacity - count)
    }

    /// Makes sure that `room` has at least `more` bytes, `more` >= 1.
    mutating func reserve(_ more: Int, for purpose: String) throws(GridError) {
        guard capacity - count < more else { return }
        let wanted = max(count + more, capacity * 2)
        guard let grown = realloc(memory, wanted) else {
            throw GridError(.failed, "not enough memory: \(purpose) needs \(wanted >> 20) MiB")
        }
        memory = grown
        capacity = wanted
    }

    /// Says that the first `bytes` of `room` have been written.
    mutating func commit(_ bytes: Int) {
        precondition((0...(capacity - count)).contains(bytes))
        count += bytes
    }

    mutating func removeAll() { count = 0 }

    /// Hands the bytes over without copying them.
    consuming func finish() -> Payload {
        let address = UInt(bitPattern: memory)
        let count = count
        discard self
        return Payload(adopting: UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)) {
            free(UnsafeMutableRawPointer(bitPattern: address))
        }
    }
}
