import ClusterModel
import Panel
import Synchronization

/// The parts of blocks of the panels that running jobs use, by hash; a part lives as long as some job needs it.
final class BlockRegistry: Sendable {
    private struct Entry {
        let panel: Panel
        let block: Int
        let part: Int
        var users = 0
    }
    private let entries = Mutex<[BlockHash: Entry]>([:])

    func add(_ panel: Panel) {
        entries.withLock { entries in
            for (block, name) in panel.blockNames.enumerated() {
                for (part, hash) in name.parts.enumerated() {
                    entries[hash, default: Entry(panel: panel, block: block, part: part)].users += 1
                }
            }
        }
    }

    /// - Returns: the parts that nobody needs any more.
    func remove(_ panel: Panel) -> [BlockHash] {
        entries.withLock { entries in
            var gone: [BlockHash] = []
            for hash in panel.blockNames.lazy.flatMap(\.parts) {
                guard var entry = entries[hash] else { continue }
                entry.users -= 1
                entries[hash] = entry.users > 0 ? entry : nil
                if entry.users == 0 { gone.append(hash) }
            }
            return gone
        }
    }

    /// Of a part that is here.
    func byteCount(_ hash: BlockHash) -> Int? {
        entries.withLock { $0[hash].map { $0.panel.shape.blockSize.byteCount(ofPart: $0.part) } }
    }

    /// Made for the asker: in the panel's memory a part is not in one piece.
    func payload(_ hash: BlockHash) -> Payload? {
        entries.withLock { $0[hash] }.map { $0.panel.partPayload($0.part, ofBlock: $0.block) }
    }
}
