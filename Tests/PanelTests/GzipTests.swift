import ClusterModel
import Panel
import Testing

@Suite struct GzipTests {
    private let text = "date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n"
    /// `gzip.compress(text, mtime=0)` of Python.
    private let compressed = hex(
        """
        1f8b08000000000002034b492c49d571d471e232323032d13530d43530d231d433d541f08d75748d748c538db8002e07f17b2b000000
        """)

    private func inflate(_ bytes: [UInt8], _ bounds: Gzip.Bounds = Gzip.Bounds()) throws -> [UInt8] {
        try bytes.withUnsafeBytes { copy(try Gzip.inflate($0, name: "f.gz", bounds: bounds)) }
    }

    @Test("What Python compressed is inflated to what it was")
    func python() throws {
        #expect(try inflate(compressed) == Array(text.utf8))
    }

    @Test("What is compressed is inflated to what it was, and is shorter where it repeats itself", arguments: [0, 1, 300_000])
    func compressing(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 100) }
        let compressed = try Gzip.compress(bytes)
        #expect(try inflate(compressed) == bytes)
        #expect(count < 1_000 || compressed.count < count / 20)
    }

    @Test("Members one after another and zeros behind the last one make one file")
    func members() throws {
        let other = gzipStored(Array("2024-01-04,1,1\n".utf8))
        #expect(try inflate(compressed + other) == Array((text + "2024-01-04,1,1\n").utf8))
        #expect(try inflate(compressed + gzipStored([]) + [0, 0, 0, 0, 0]) == Array(text.utf8))
    }

    @Test("Large contents come out whole")
    func large() throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        #expect(try inflate(gzipStored(bytes)) == bytes)
    }

    @Test("A file cut short anywhere is refused as truncated, or as no gzip when nothing is left of it")
    func truncated() {
        for length in 0..<compressed.count {
            let expected =
                length < 2 ? "f.gz is not gzip data" : "f.gz ends in the middle of its gzip data: the file is truncated"
            #expect(message { _ = try inflate(Array(compressed.prefix(length))) } == expected)
        }
    }

    @Test("Any flipped bit is either noticed or without effect")
    func damaged() throws {
        var noticed = 0
        for bit in 0..<(compressed.count * 8) {
            var bytes = compressed
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            do {
                #expect(try inflate(bytes) == Array(text.utf8), "bit \(bit)")
            } catch let error as GridError {
                noticed += 1
                #expect(error.message.hasPrefix("f.gz "))
            }
        }
        // Only time stamp, flags and system of the header carry nothing.
        #expect(noticed > (compressed.count - 10) * 8)
    }

    @Test("Damage is named with its place and what zlib says")
    func sentence() {
        var bytes = compressed
        bytes[bytes.count - 6] ^= 1
        #expect(message { _ = try inflate(bytes) } == "f.gz has damaged gzip data near byte 50 (incorrect data check)")
    }

    @Test("Bytes behind the data that are not gzip are refused")
    func garbage() {
        #expect(message { _ = try inflate(compressed + [1, 2]) } == "f.gz has 2 bytes behind its gzip data that are not gzip")
    }

    @Test("A file that would grow beyond the bounds is refused")
    func bounds() throws {
        // 100,000 times the letter 0, which compress several hundredfold; by Python's gzip.compress.
        let zeros = Self.zeros
        #expect(try inflate(zeros).count == 100_000)
        #expect(
            message { _ = try inflate(zeros, Gzip.Bounds(bytesMax: 99_999)) }
                == "f.gz inflates to more than 99999 bytes, the most that is read")
        #expect(
            message { _ = try inflate(zeros, Gzip.Bounds(ratioMax: 50, bytesFree: 10_000)) }
                == "f.gz inflates to more than 50 times its size, which no PnL file does")
        #expect(try inflate(zeros, Gzip.Bounds(ratioMax: 50, bytesFree: 100_000)).count == 100_000)
    }

    private static let zeros = hex(
        """
        1f8b0800000000000203edc13101000000c2a04aeb9fce1a1e400100000000000000000000000000000000000000000000000000
        00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
        00000000000000000000000000000000000000af0685c24dc5a0860100
        """)
}
