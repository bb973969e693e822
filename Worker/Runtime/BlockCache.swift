import ClusterModel
import Foundation
import Kernels

/// Blocks a worker holds, raw as they came and prepared for a kind of task, within a bound of bytes: the least recently
/// used go first. Several slots share one preparation.
///
/// The bound is on what is held here. What a slot is using stays in memory until it is done with it, cached or not.
///
/// All state is used under the condition's lock; hence safe to share between threads.
package final class BlockCache: @unchecked Sendable {
    /// Everything a prepared block depends on.
    struct Preparation: Hashable {
        let name: BlockName
        let alphaCount: Int
        let blockEdge: Int
        let dayCount: Int
        let firstDay: Int
        let convention: Convention
        let precision: Precision
    }

    private enum Key: Hashable {
        case raw(BlockHash)
        case prepared(Preparation)
    }

    private enum Value {
        case raw(Payload)
        case prepared(PreparedBlock)
    }

    private struct Entry {
        let value: Value
        let bytes: Int
        var lastUse: UInt64
    }

    /// Blocks of slots that share a preparation, at most one thread makes each.
    enum Wait {
        /// Wait for another slot that is at it already.
        case forOthers
        /// Return nil instead, so that this slot can do something else first.
        case never
    }

    package let bytesMax: Int
    private let condition = NSCondition()
    private var entries: [Key: Entry] = [:]
    private var inPreparation: Set<Preparation> = []
    private var bytes = 0
    private var uses: UInt64 = 0

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Bytes held now, at most `bytesMax`.
    package var byteCount: Int { condition.withLock { bytes } }

    func raw(_ hash: BlockHash) -> Payload? {
        condition.withLock {
            guard case .raw(let payload) = touch(.raw(hash)) else { return nil }
            return payload
        }
    }

    func insertRaw(_ hash: BlockHash, _ payload: Payload) {
        condition.withLock { insert(.raw(hash), .raw(payload), bytes: payload.count) }
    }

    /// The prepared block, made by `make` unless it is there or another slot is making it.
    ///
    /// - Returns: nil only with `.never`, when another slot is making it.
    /// - Throws: what `make` throws; the next one to ask tries again.
    func prepared(
        _ preparation: Preparation, wait: Wait, make: () throws(GridError) -> PreparedBlock
    ) throws(GridError) -> PreparedBlock? {
        condition.lock()
        while true {
            if case .prepared(let block) = touch(.prepared(preparation)) {
                condition.unlock()
                return block
            }
            guard inPreparation.contains(preparation) else { break }
            if wait == .never {
                condition.unlock()
                return nil
            }
            condition.wait()
        }
        inPreparation.insert(preparation)
        condition.unlock()

        var made: PreparedBlock?
        defer {
            condition.withLock {
                inPreparation.remove(preparation)
                if let made { insert(.prepared(preparation), .prepared(made), bytes: made.byteCount) }
                condition.broadcast()
            }
        }
        let block = try make()
        made = block
        return block
    }

    // MARK: Under the lock

    private func touch(_ key: Key) -> Value? {
        guard let entry = entries[key] else { return nil }
        uses += 1
        entries[key]?.lastUse = uses
        return entry.value
    }

    private func insert(_ key: Key, _ value: Value, bytes added: Int) {
        guard added <= bytesMax, entries[key] == nil else { return }
        while bytes + added > bytesMax, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
            bytes -= oldest.value.bytes
        }
        uses += 1
        entries[key] = Entry(value: value, bytes: added, lastUse: uses)
        bytes += added
    }
}
