import ClusterModel
import DequeModule
import WorkerEngine

/// Which blocks a host holds, up to a number of them: the least recently used go first.
struct HeldBlocks {
    private let capacity: Int
    /// When a block was last used; 0 for one that is not held.
    private var lastUse: [Int]
    /// Uses in their order; those that are not a block's last one mean nothing any more.
    private var uses: Deque<(block: Int, use: Int)> = []
    private var useCount = 0
    private(set) var count = 0

    init(capacity: Int, blockCount: Int) {
        self.capacity = max(1, capacity)
        lastUse = Array(repeating: 0, count: blockCount)
    }

    func contains(_ block: Int) -> Bool { lastUse[block] > 0 }

    /// Notes a use; false when the block is not held.
    mutating func use(_ block: Int) -> Bool {
        guard contains(block) else { return false }
        note(block)
        return true
    }

    mutating func insert(_ block: Int) {
        if !contains(block) {
            while count >= capacity, let oldest = uses.popFirst() {
                guard lastUse[oldest.block] == oldest.use else { continue }
                lastUse[oldest.block] = 0
                count -= 1
            }
            count += 1
        }
        note(block)
    }

    private mutating func note(_ block: Int) {
        useCount += 1
        lastUse[block] = useCount
        uses.append((block, useCount))
        if uses.count > 4 * count + 64 { uses.removeAll { [lastUse] in lastUse[$0.block] != $0.use } }
    }
}

/// A host: the real engine of its worker, and the blocks it holds, wants and waits for.
struct ModelHost {
    var engine: WorkerEngine
    var held: HeldBlocks
    /// Not asked for yet, in order; `isWanted` also of those that are on their way.
    var wanted: Deque<Int> = []
    var isWanted: [Bool]
    var asked = 0
    /// How many blocks a task in a slot still lacks, and the tasks that lack a block.
    var lacking: [AttemptID: Int] = [:]
    var waiting: [Int: [AttemptRef]] = [:]
    var handles: UInt64 = 0
    /// When the agenda will tick it next.
    var tickAt: MonotonicTime?

    init(number: Int, _ settings: ModelSettings, blockCount: Int) {
        engine = WorkerEngine(hello: Self.hello(number: number, settings))
        held = HeldBlocks(capacity: settings.cacheBytes / settings.cachedBlockBytes, blockCount: blockCount)
        isWanted = Array(repeating: false, count: blockCount)
    }

    static func hello(number: Int, _ settings: ModelSettings) -> Hello {
        Hello(
            worker: WorkerID("host-\(number)"), incarnation: UInt64(number + 1), slots: UInt32(settings.slots),
            credit: UInt32(settings.credit), memoryBytes: UInt64(settings.cacheBytes), profile: profile,
            host: "host-\(number)", processID: 1, version: "1")
    }

    static let profile = NumericProfile(blasVersion: "0.3", coreType: "SkylakeX", epilogueVersion: 1)

    mutating func newHandle() -> PayloadHandle {
        handles += 1
        return PayloadHandle(handles)
    }

    mutating func want(_ block: Int) {
        if isWanted[block] { return }
        isWanted[block] = true
        wanted.append(block)
    }

    /// Takes in a block; returns the tasks that lack nothing any more.
    mutating func receive(_ block: Int) -> [AttemptRef] {
        asked -= 1
        isWanted[block] = false
        held.insert(block)
        var ready: [AttemptRef] = []
        for ref in waiting.removeValue(forKey: block) ?? [] {
            guard let lacks = lacking[ref.attempt] else { continue }
            lacking[ref.attempt] = lacks > 1 ? lacks - 1 : nil
            if lacks == 1 { ready.append(ref) }
        }
        return ready
    }
}
