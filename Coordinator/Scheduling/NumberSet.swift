/// A set of numbers below a capacity that finds its next member in a handful of steps, however many there are.
///
/// A bit per number, over it a bit per word of 64 that is not empty, and so on: sixteen million tasks take 2 MB,
/// and the lowest queued one is found by looking at four words.
struct NumberSet: Sendable {
    /// `levels[0]` has a bit per number; a bit of each further level says that a word of the level below is not zero.
    private var levels: [[UInt64]]
    private(set) var capacity: Int
    private(set) var count: Int

    init(capacity: Int, full: Bool = false) {
        self.capacity = capacity
        count = full ? capacity : 0
        levels = []
        var bits = capacity
        repeat {
            let words = (bits + 63) / 64
            var level = [UInt64](repeating: full ? .max : 0, count: words)
            if full, bits % 64 != 0 { level[words - 1] = (1 << UInt64(bits % 64)) - 1 }
            levels.append(level)
            bits = words
        } while bits > 1
    }

    var isEmpty: Bool { count == 0 }

    func contains(_ number: Int) -> Bool {
        number < capacity && levels[0][number >> 6] & (1 << UInt64(number & 63)) != 0
    }

    mutating func insert(_ number: Int) {
        precondition((0..<capacity).contains(number))
        guard !contains(number) else { return }
        count += 1
        var position = number
        for level in levels.indices {
            levels[level][position >> 6] |= 1 << UInt64(position & 63)
            position >>= 6
        }
    }

    mutating func remove(_ number: Int) {
        guard contains(number) else { return }
        count -= 1
        var position = number
        for level in levels.indices {
            levels[level][position >> 6] &= ~(1 << UInt64(position & 63))
            // A word that still has members keeps its bit in every level above.
            if levels[level][position >> 6] != 0 { return }
            position >>= 6
        }
    }

    /// The smallest member that is not below `start`.
    func next(from start: Int) -> Int? {
        var position = start
        var level = 0
        while level < levels.count {
            let word = position >> 6
            if word < levels[level].count {
                let bits = levels[level][word] & (.max << UInt64(position & 63))
                if bits != 0 { return descend(from: level, to: word << 6 | bits.trailingZeroBitCount) }
            }
            position = word + 1
            level += 1
        }
        return nil
    }

    private func descend(from top: Int, to found: Int) -> Int {
        var position = found
        var level = top
        while level > 0 {
            level -= 1
            position = position << 6 | levels[level][position].trailingZeroBitCount
        }
        return position
    }

    /// Makes room for numbers below `newCapacity`; the members stay.
    mutating func grow(to newCapacity: Int) {
        guard newCapacity > capacity else { return }
        var larger = NumberSet(capacity: newCapacity)
        var member = next(from: 0)
        while let number = member {
            larger.insert(number)
            member = next(from: number + 1)
        }
        self = larger
    }
}
