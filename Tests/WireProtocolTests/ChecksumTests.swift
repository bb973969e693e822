import CChecksum
import Testing

@Suite struct ChecksumTests {
    /// The definition, bit by bit: polynomial 0x1EDC6F41 reflected, all ones before and after.
    private func crc32cByBits(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
        }
        return ~crc
    }

    @Test("CRC32C gives the values RFC 3720 lists")
    func publishedVectors() {
        let vectors: [([UInt8], UInt32)] = [
            (Array("123456789".utf8), 0xE306_9283),
            (Array(repeating: 0, count: 32), 0x8A91_36AA),
            (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E),
        ]
        for (bytes, crc) in vectors {
            #expect(alphagrid_crc32c(bytes, bytes.count) == crc)
            #expect(alphagrid_crc32c_portable(bytes, bytes.count) == crc)
        }
    }

    @Test("Instruction and tables agree with the definition for every length and alignment")
    func againstDefinition() {
        var generator = SeededGenerator(seed: 7)
        let bytes = (0..<160).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes.withUnsafeBytes { buffer in
            for start in 0..<8 {
                for count in 0..<130 {
                    let part = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + count)])
                    let expected = crc32cByBits(part)
                    #expect(alphagrid_crc32c(part.baseAddress, count) == expected)
                    #expect(alphagrid_crc32c_portable(part.baseAddress, count) == expected)
                }
            }
        }
    }

    @Test("Long bytes, which are folded in lanes, agree with the definition around the lanes' ends")
    func lanes() {
        var generator = SeededGenerator(seed: 8)
        let bytes = (0..<9_400).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for count in [3_071, 3_072, 3_073, 3_079, 3_080, 6_143, 6_144, 6_151, 9_215, 9_216, 9_400] {
            let expected = crc32cByBits(bytes.prefix(count))
            #expect(alphagrid_crc32c(bytes, count) == expected)
            #expect(alphagrid_crc32c_portable(bytes, count) == expected)
        }
    }
}
