import ClusterModel

/// What an alpha's id must be, wherever it comes from.
package enum AlphaIDRule {
    /// What is wrong with an id, as the end of a sentence; nil when nothing is.
    package static func problem(_ id: UnsafeBufferPointer<UInt8>) -> String? {
        if id.isEmpty { return "the alpha id is empty" }
        if id.count > Limits.alphaIDBytesMax {
            return "alpha id '\(PnLText.show(id))' has \(id.count) bytes: expected at most \(Limits.alphaIDBytesMax)"
        }
        guard let text = String(validating: id, as: UTF8.self) else { return "the alpha id is not UTF-8 text" }
        // C0, DEL and C1 controls, by scalar because C1 takes two bytes.
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) {
            return "alpha id '\(text.printable)' contains a control character"
        }
        let space = UInt8(ascii: " ")
        if id[0] == space || id[id.count - 1] == space { return "alpha id '\(text.printable)' begins or ends with a blank" }
        return nil
    }

    package static func problem(_ id: String) -> String? {
        var id = id
        return id.withUTF8 { problem($0) }
    }

    /// 64-bit hash of an id: FNV-1a over its bytes, then the finaliser of SplitMix64, which spreads every input bit
    /// over all output bits. Part of the panel layout: changing it changes every layout.
    package static func hash(_ id: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var h: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in id { h = (h ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        h &+= 0x9E37_79B9_7F4A_7C15
        h = (h ^ (h >> 30)) &* 0xBF58_476D_1CE4_E5B9
        h = (h ^ (h >> 27)) &* 0x94D0_49BB_1331_11EB
        return h ^ (h >> 31)
    }
}

/// Ids in order of first appearance, found by their bytes.
///
/// Not a `Dictionary` of `String`: that would take canonically equivalent Unicode for equal, and cost a string per row
/// of a long file.
struct AlphaIDTable {
    private(set) var count = 0
    private var bytes: [UInt8] = []
    /// Where each id begins in `bytes`, and where the last one ends.
    private var starts: [Int] = [0]
    private var hashes: [UInt64] = []
    /// Open addressing, a power of two in size and at most half full: position + 1, or 0 for free.
    private var slots = [UInt32](repeating: 0, count: 64)

    var ids: [String] {
        (0..<count).map { String(decoding: bytes[starts[$0]..<starts[$0 + 1]], as: UTF8.self) }
    }

    func id(_ position: Int) -> String { String(decoding: bytes[starts[position]..<starts[position + 1]], as: UTF8.self) }

    /// Position of the id, added when it is new.
    mutating func insert(_ id: UnsafeBufferPointer<UInt8>) -> (position: Int, isNew: Bool) {
        let hash = AlphaIDRule.hash(id)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if hashes[position] == hash && equals(position, id) { return (position, false) }
            slot = (slot + 1) & (slots.count - 1)
        }
        bytes.append(contentsOf: id)
        starts.append(bytes.count)
        hashes.append(hash)
        count += 1
        slots[slot] = UInt32(count)
        if count * 2 > slots.count { grow() }
        return (count - 1, true)
    }

    /// Whether the id at `position` is `id`; lets a file sorted by alpha skip the hash.
    func equals(_ position: Int, _ id: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = starts[position]
        guard starts[position + 1] - start == id.count else { return false }
        for i in 0..<id.count where bytes[start + i] != id[i] { return false }
        return true
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for position in 0..<count {
            var slot = Int(truncatingIfNeeded: hashes[position]) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(position + 1)
        }
    }
}
