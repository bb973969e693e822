/// What a block of a panel is fetched by.
package struct BlockName: Hashable, Sendable {
    /// SHA-256 of the hashes of its parts; of a block of one part, that part's own hash.
    package let hash: BlockHash
    /// SHA-256 of each part's bytes, by day.
    package let parts: [BlockHash]

    package init(hash: BlockHash, parts: [BlockHash]) {
        self.hash = hash
        self.parts = parts
    }

    /// Of a block of one part, or of one that nobody will fetch.
    package init(_ hash: BlockHash, dayCount: Int) {
        self.init(hash: hash, parts: Array(repeating: hash, count: BlockSize.partCount(dayCount: dayCount)))
    }
}

/// How large the blocks of a panel are, and how they are cut into parts.
///
/// A part has all series of a block, and `Limits.partDays` of their days, the last one what is left: values of its first
/// series, then those of the next. A day that comes behind the others changes the last part of every block, and the others
/// need neither be hashed nor sent again.
package struct BlockSize: Hashable, Sendable {
    /// Series in a block, those among them that only fill it up.
    package let edge: Int
    package let dayCount: Int

    package init(edge: Int, dayCount: Int) {
        self.edge = edge
        self.dayCount = dayCount
    }

    package var byteCount: Int { edge * dayCount * 8 }
    package var partCount: Int { Self.partCount(dayCount: dayCount) }

    package static func partCount(dayCount: Int) -> Int { (dayCount + Limits.partDays - 1) / Limits.partDays }

    package func days(ofPart part: Int) -> Range<Int> {
        (part * Limits.partDays)..<min((part + 1) * Limits.partDays, dayCount)
    }

    package func byteCount(ofPart part: Int) -> Int { edge * days(ofPart: part).count * 8 }

    /// Bytes of one series in a block that belong to a part.
    package func range(ofPart part: Int, slot: Int) -> Range<Int> {
        let days = days(ofPart: part)
        let start = slot * dayCount * 8
        return (start + days.lowerBound * 8)..<(start + days.upperBound * 8)
    }

    /// One part of a block.
    ///
    /// - Parameter block: `byteCount` bytes.
    package func cut(part: Int, of block: Payload) -> Payload {
        precondition(block.count == byteCount)
        if partCount == 1 { return block }
        let width = days(ofPart: part).count * 8
        return withExtendedLifetime(block) {
            Payload(unwritten: byteCount(ofPart: part)) { memory in
                for slot in 0..<edge {
                    UnsafeMutableRawBufferPointer(rebasing: memory[(slot * width)..<((slot + 1) * width)])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: block.bytes[range(ofPart: part, slot: slot)]))
                }
            }
        }
    }

    /// A block of its parts, 64-byte aligned.
    ///
    /// - Parameter parts: `byteCount(ofPart:)` bytes each.
    package func join(_ parts: [Payload]) -> Payload {
        precondition(parts.indices.allSatisfy { parts[$0].count == byteCount(ofPart: $0) } && parts.count == partCount)
        if parts.count == 1 { return parts[0] }
        return withExtendedLifetime(parts) {
            Payload(unwritten: byteCount) { memory in
                // Series by series, so that the block is written from its beginning to its end.
                for slot in 0..<edge {
                    for (part, payload) in parts.enumerated() {
                        let width = days(ofPart: part).count * 8
                        let bytes = payload.bytes[(slot * width)..<((slot + 1) * width)]
                        UnsafeMutableRawBufferPointer(rebasing: memory[range(ofPart: part, slot: slot)])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes))
                    }
                }
            }
        }
    }
}

extension ByteWriter {
    package mutating func write(_ name: BlockName) {
        write(name.hash)
        if name.parts.count > 1 { for part in name.parts { write(part) } }
    }
}

extension ByteReader {
    /// - Parameter dayCount: of the block, which says how many parts it has.
    package mutating func readBlockName(dayCount: Int) throws(GridError) -> BlockName {
        let hash = try readBlockHash()
        let count = BlockSize.partCount(dayCount: dayCount)
        if count == 1 { return BlockName(hash, dayCount: dayCount) }
        var parts: [BlockHash] = []
        for _ in 0..<count { parts.append(try readBlockHash()) }
        return BlockName(hash: hash, parts: parts)
    }
}
