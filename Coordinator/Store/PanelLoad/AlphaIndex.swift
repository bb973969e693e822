import ClusterModel
import Panel

/// Finds an alpha's position by the bytes of its id: the lookup of every row a panel is made from.
///
/// A `Set` or `Dictionary` of texts would take canonically equivalent ids for equal, and is many times slower.
///
/// Immutable after `init`, so any thread may ask. Open addressing in a table at most half full.
final class AlphaIndex: @unchecked Sendable {
    private let bytes: UnsafeMutableRawBufferPointer
    /// Where each id begins in `bytes`, and where the last one ends.
    private let starts: UnsafeMutableBufferPointer<Int>
    /// Position, or -1 for free; a power of two in size.
    private let slots: UnsafeMutableBufferPointer<Int32>

    /// Of equal ids the first is found.
    init(_ ids: [String]) {
        let total = ids.reduce(0) { $0 + $1.utf8.count }
        bytes = .allocate(byteCount: max(total, 1), alignment: 8)
        starts = .allocate(capacity: ids.count + 1)
        var size = 64
        while size < ids.count * 2 { size *= 2 }
        slots = .allocate(capacity: size)
        slots.initialize(repeating: -1)
        starts.initialize(repeating: 0)
        for (position, id) in ids.enumerated() {
            let start = starts[position]
            var id = id
            starts[position + 1] = id.withUTF8 { text in
                UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + text.count)])
                    .copyMemory(from: UnsafeRawBufferPointer(text))
                return start + text.count
            }
            var slot = Self.hash(idBytes(position)) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(position)
        }
    }

    deinit {
        bytes.deallocate()
        starts.deallocate()
        slots.deallocate()
    }

    var count: Int { starts.count - 1 }

    func contains(_ id: String) -> Bool { find(id) >= 0 }

    /// The position of an id, or -1.
    ///
    /// - Parameter hint: where it probably is, such as the last row's; rows come mostly alpha by alpha.
    func find(_ id: UnsafeRawBufferPointer, hint: Int) -> Int {
        if hint >= 0, equal(idBytes(hint), id) { return hint }
        var slot = Self.hash(id) & (slots.count - 1)
        while slots[slot] >= 0 {
            let position = Int(slots[slot])
            if equal(idBytes(position), id) { return position }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    func find(_ id: String) -> Int {
        var id = id
        return id.withUTF8 { find(UnsafeRawBufferPointer($0), hint: -1) }
    }

    private func idBytes(_ position: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[starts[position]..<starts[position + 1]])
    }

    private func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0..<a.count where a[i] != b[i] { return false }
        return true
    }

    private static func hash(_ id: UnsafeRawBufferPointer) -> Int {
        Int(truncatingIfNeeded: AlphaIDRule.hash(id.assumingMemoryBound(to: UInt8.self)))
    }
}
