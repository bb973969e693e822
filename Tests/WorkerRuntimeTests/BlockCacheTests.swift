import ClusterModel
import Dispatch
import Kernels
import Messaging
import Synchronization
import Testing

@testable import WorkerRuntime

/// What the threads of a test found.
private final class Slots: Sendable {
    let made = Mutex(0)
    let results = Mutex<[ObjectIdentifier]>([])
}

@Suite struct BlockCacheTests {
    private func hash(_ number: UInt64) -> BlockHash { BlockHash(words: (number, 0, 0, 0)) }
    private func payload(_ count: Int) -> Payload { Payload(count: count) { _ in } }

    private func preparation(_ number: UInt64, firstDay: Int = 0) -> BlockCache.Preparation {
        BlockCache.Preparation(
            name: BlockName(hash(number), dayCount: 4), alphaCount: 2, blockEdge: 2, dayCount: 4, firstDay: firstDay,
            convention: .ffillShift,
            precision: .float64)
    }

    private func prepared() -> PreparedBlock {
        let values = [1.0, 2, 4, 3, 5, 4, 6, 9]
        return values.withUnsafeBufferPointer { values in
            PreparedBlock(
                cumulative: values, alphaCount: 2, blockEdge: 2, dayCount: 4, convention: .ffillShift, precision: .float64,
                firstDay: 0)
        }
    }

    @Test("The least recently used block makes room, and the bound holds")
    func leastRecentlyUsed() {
        let cache = BlockCache(bytesMax: 300)
        for number in 1...3 { cache.insertRaw(hash(UInt64(number)), payload(100)) }
        #expect(cache.byteCount == 300)
        #expect(cache.raw(hash(1)) != nil)
        cache.insertRaw(hash(4), payload(150))
        #expect([1, 2, 3, 4].map { cache.raw(hash($0)) != nil } == [true, false, false, true])
        #expect(cache.byteCount == 250)
    }

    @Test("What is larger than the whole bound is not held, and pushes nothing out")
    func tooLarge() {
        let cache = BlockCache(bytesMax: 300)
        cache.insertRaw(hash(1), payload(100))
        cache.insertRaw(hash(2), payload(301))
        #expect(cache.raw(hash(1)) != nil)
        #expect(cache.raw(hash(2)) == nil)
    }

    @Test("A preparation is made once, counted, and told apart by everything it depends on")
    func preparedOnce() throws {
        let cache = BlockCache(bytesMax: 1 << 20)
        var made = 0
        func get(_ preparation: BlockCache.Preparation) throws -> PreparedBlock? {
            try cache.prepared(preparation, wait: .forOthers) { () throws(GridError) in
                made += 1
                return prepared()
            }
        }
        let first = try get(preparation(1))
        #expect(try get(preparation(1)) === first)
        #expect(made == 1)
        #expect(cache.byteCount == first?.byteCount)
        #expect(try get(preparation(1, firstDay: 1)) !== first)
        #expect(made == 2)
    }

    @Test("A preparation that fails is not remembered")
    func failure() throws {
        let cache = BlockCache(bytesMax: 1 << 20)
        #expect(throws: GridError(.failed, "no")) {
            try cache.prepared(preparation(1), wait: .forOthers) { () throws(GridError) in throw GridError(.failed, "no") }
        }
        #expect(try cache.prepared(preparation(1), wait: .never) { () throws(GridError) in prepared() } != nil)
    }

    @Test("Slots that want the same block share one preparation; one that will not wait is told so")
    func shared() throws {
        let cache = BlockCache(bytesMax: 1 << 20)
        let isMaking = DispatchSemaphore(value: 0)
        let mayFinish = DispatchSemaphore(value: 0)
        let preparation = preparation(1)
        let block = prepared()
        let slots = Slots()
        var threads: [OwnedThread] = []
        for number in 0..<4 {
            threads.append(
                try OwnedThread(name: "test-\(number)") {
                    let result = try? cache.prepared(preparation, wait: .forOthers) { () throws(GridError) in
                        slots.made.withLock { $0 += 1 }
                        isMaking.signal()
                        mayFinish.wait()
                        return block
                    }
                    if let result { slots.results.withLock { $0.append(ObjectIdentifier(result)) } }
                })
        }
        isMaking.wait()
        let other = try cache.prepared(preparation, wait: .never) { () throws(GridError) in block }
        #expect(other == nil)
        mayFinish.signal()
        for thread in threads { thread.join() }
        #expect(slots.made.withLock { $0 } == 1)
        #expect(slots.results.withLock { $0 } == Array(repeating: ObjectIdentifier(block), count: 4))
    }
}
