import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Takes an input apart: choices in front, bytes behind. Whatever is missing is 0, so that every input says something.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func number() -> Int { Int(byte()) | Int(byte()) << 8 }

    mutating func word() -> UInt64 { (0..<8).reduce(0) { word, place in word | UInt64(byte()) << UInt64(8 * place) } }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

extension Payload {
    /// Bytes in memory that ends where they end, so that a sanitizer sees every step beyond.
    static func tight(_ bytes: some Collection<UInt8>) -> Payload {
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, 64, max(1, bytes.count)) == 0, let memory else { return Payload(copying: Array(bytes)) }
        UnsafeMutableRawBufferPointer(start: memory, count: bytes.count).copyBytes(from: bytes)
        let address = UInt(bitPattern: memory)
        return Payload(adopting: UnsafeRawBufferPointer(start: memory, count: bytes.count)) {
            free(UnsafeMutableRawPointer(bitPattern: address))
        }
    }

    var array: [UInt8] { withUnsafeBytes { Array($0) } }
}
