import CZlib
import ClusterModel

/// Inflates whole gzip files, members one after another as `cat a.gz b.gz` makes them.
package enum Gzip {
    /// What a file may grow to, so that a small file cannot fill the memory.
    package struct Bounds: Sendable {
        package var bytesMax: Int
        /// Growth by more than this is refused once the result exceeds `bytesFree`. Text of numbers grows 2 to 10 times.
        package var ratioMax: Int
        package var bytesFree: Int
        package init(
            bytesMax: Int = Limits.inflatedBytesMax, ratioMax: Int = Limits.inflationRatioMax,
            bytesFree: Int = 256 << 20
        ) {
            self.bytesMax = bytesMax
            self.ratioMax = ratioMax
            self.bytesFree = bytesFree
        }
    }

    package static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
    }

    /// - Parameter name: names the file in errors.
    /// - Throws: `GridError(.usage)` for what is no gzip, is damaged, ends early, has bytes behind its end, or grows
    ///   beyond the bounds.
    package static func inflate(
        _ input: UnsafeRawBufferPointer, name: String, bounds: Bounds = Bounds()
    ) throws(GridError) -> Payload {
        guard isGzip(input) else { throw GridError(.usage, "\(name) is not gzip data") }
        // On the heap, because zlib refuses a stream whose address has changed.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // 16 + 15: gzip framing, largest window.
        guard inflateInit2_(stream, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw GridError(.failed, "not enough memory: inflating \(name)")
        }
        defer { inflateEnd(stream) }

        var output = GrowingBuffer()
        // The last four bytes tell the size of the last member; a lie costs no more than address space.
        let told = input.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        try output.reserve(min(told, input.count * 16) + 64, for: "inflating \(name)")
        var consumed = 0
        while true {
            let part = min(input.count - consumed, 1 << 30)
            let source = input.baseAddress! + consumed
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: Bytef.self))
            stream.pointee.avail_in = uInt(part)
            try output.reserve(1 << 16, for: "inflating \(name)")
            let room = min(output.room.count, 1 << 30)
            stream.pointee.next_out = output.room.baseAddress!.assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_out = uInt(room)

            let status = CZlib.inflate(stream, Z_NO_FLUSH)
            consumed += part - Int(stream.pointee.avail_in)
            output.commit(room - Int(stream.pointee.avail_out))
            try check(output.count, from: input.count, name, bounds)

            switch status {
            case Z_STREAM_END:
                if try isFinished(input, consumed, name) { return output.finish() }
                inflateReset(stream)
            case Z_OK, Z_BUF_ERROR:
                // Nothing left to read while the output still had room: the rest of the file is missing.
                if consumed == input.count && stream.pointee.avail_out > 0 {
                    throw GridError(.usage, "\(name) ends in the middle of its gzip data: the file is truncated")
                }
            default:
                let detail = stream.pointee.msg.map { " (\(String(cString: $0)))" } ?? ""
                throw GridError(.usage, "\(name) has damaged gzip data near byte \(consumed)\(detail)")
            }
        }
    }

    /// Whether a member's end is the file's end; zeros may follow, as tapes and gzip itself have it.
    private static func isFinished(_ input: UnsafeRawBufferPointer, _ consumed: Int, _ name: String) throws(GridError) -> Bool {
        let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
        if rest.allSatisfy({ $0 == 0 }) { return true }
        guard isGzip(rest) else {
            throw GridError(.usage, "\(name) has \(rest.count) bytes behind its gzip data that are not gzip")
        }
        return false
    }

    private static func check(_ count: Int, from input: Int, _ name: String, _ bounds: Bounds) throws(GridError) {
        if count > bounds.bytesMax {
            throw GridError(.usage, "\(name) inflates to more than \(bounds.bytesMax) bytes, the most that is read")
        }
        if count > bounds.bytesFree && count / bounds.ratioMax >= input {
            throw GridError(.usage, "\(name) inflates to more than \(bounds.ratioMax) times its size, which no PnL file does")
        }
    }
}

extension Gzip {
    /// One gzip member.
    ///
    /// - Parameter input: at most 1 GiB.
    package static func compress(_ input: [UInt8]) throws(GridError) -> [UInt8] {
        let refused = GridError(.failed, "not enough memory: compressing \(input.count) bytes")
        guard input.count <= 1 << 30 else { throw refused }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        let size = Int32(MemoryLayout<z_stream>.size)
        // 16 + 15: gzip framing, largest window; 8 is zlib's own choice of memory.
        guard deflateInit2_(stream, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            throw refused
        }
        defer { deflateEnd(stream) }
        var input = input
        var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, uLong(input.count))))
        let count = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = source.baseAddress
                stream.pointee.avail_in = uInt(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = uInt(target.count)
                // There is room for all of it, so one call does.
                return deflate(stream, Z_FINISH) == Z_STREAM_END ? target.count - Int(stream.pointee.avail_out) : nil
            }
        }
        guard let count else { throw refused }
        return Array(output.prefix(count))
    }
}
