import ClusterModel
import Panel
import Synchronization

/// The blocks of the panels that running jobs use, by hash; a block lives as long as some job needs it.
final class BlockRegistry: Sendable {
    private struct Entry {
        var payload: Payload
        var users: Int
    }
    private let entries = Mutex<[BlockHash: Entry]>([:])

    func add(_ panel: Panel) {
        for index in 0..<panel.blockCount {
            let payload = panel.blockPayload(index)
            entries.withLock { $0[panel.blockHashes[index], default: Entry(payload: payload, users: 0)].users += 1 }
        }
    }

    /// - Returns: the blocks that nobody needs any more.
    func remove(_ panel: Panel) -> [BlockHash] {
        entries.withLock { entries in
            var gone: [BlockHash] = []
            for hash in panel.blockHashes {
                guard var entry = entries[hash] else { continue }
                entry.users -= 1
                entries[hash] = entry.users > 0 ? entry : nil
                if entry.users == 0 { gone.append(hash) }
            }
            return gone
        }
    }

    func payload(_ hash: BlockHash) -> Payload? {
        entries.withLock { $0[hash]?.payload }
    }
}
