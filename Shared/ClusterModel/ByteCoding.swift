/// Appends little-endian values to a byte array: the writing half of every payload codec.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    package mutating func write<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    package mutating func write(_ value: Double) { write(value.bitPattern) }
    package mutating func write(_ value: BlockHash) {
        for word in [value.words.0, value.words.1, value.words.2, value.words.3] { write(word.bigEndian) }
    }

    /// Text as a 16-bit byte count and UTF-8.
    package mutating func write(_ text: String) {
        let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
        write(UInt16(utf8.count))
        bytes.append(contentsOf: utf8)
    }

    /// Numbers without a count, padded in front to a multiple of their size so that they can be read in place.
    package mutating func writeArray<T: BitwiseCopyable>(_ values: [T]) {
        align(to: MemoryLayout<T>.stride)
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func align(to size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }
}

/// Reads what `ByteWriter` wrote; every read checks what is left, so that no input can read past the end or ask for
/// absurd memory.
package struct ByteReader {
    package let bytes: UnsafeRawBufferPointer
    package private(set) var offset = 0
    private let what: String
    /// Keeps the memory behind `bytes` alive as long as the reader.
    private let owner: Payload?

    /// - Parameter what: names the input in errors, such as "task payload".
    package init(_ payload: Payload, what: String) {
        bytes = payload.bytes
        self.what = what
        owner = payload
    }

    /// Reads memory that the caller keeps alive.
    package init(_ bytes: UnsafeRawBufferPointer, what: String) {
        self.bytes = bytes
        self.what = what
        owner = nil
    }

    package var remaining: Int { bytes.count - offset }

    package func malformed(_ detail: String) -> GridError {
        GridError(.usage, "malformed \(what) at byte \(offset): \(detail)")
    }

    package mutating func read<T: FixedWidthInteger>(_: T.Type = T.self) throws(GridError) -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw malformed("\(size) bytes expected, \(remaining) left") }
        defer { offset += size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    package mutating func readDouble() throws(GridError) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    package mutating func readBlockHash() throws(GridError) -> BlockHash {
        guard remaining >= 32 else { throw malformed("32 bytes expected, \(remaining) left") }
        defer { offset += 32 }
        return BlockHash(UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + 32)]))
    }

    package mutating func readString() throws(GridError) -> String {
        let count = Int(try read(UInt16.self))
        guard remaining >= count else { throw malformed("text of \(count) bytes expected, \(remaining) left") }
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<(offset + count)], as: UTF8.self) else {
            throw malformed("text is not UTF-8")
        }
        return text
    }

    /// `count` numbers, copied out; padding as `writeArray` makes it.
    package mutating func readArray<T: BitwiseCopyable>(_: T.Type = T.self, count: Int) throws(GridError) -> [T] {
        let stride = MemoryLayout<T>.stride
        let start = (offset + stride - 1) / stride * stride
        guard count >= 0, count <= (bytes.count - start) / stride else {
            throw malformed("\(count) values of \(stride) bytes expected, \(remaining) bytes left")
        }
        offset = start + count * stride
        return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 {
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count * stride)]))
            }
            initialized = count
        }
    }

    package func expectEnd() throws(GridError) {
        guard remaining == 0 else { throw malformed("\(remaining) bytes too many") }
    }
}
