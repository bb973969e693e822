import ClusterModel
import Panel
import Synchronization

/// The parts of blocks of the panels that running jobs use, by hash; a part lives as long as some job needs it.
final class BlockRegistry: Sendable {
    /// One place at which a panel has a part; equal parts of one panel are asked for as one.
    private struct Place {
        let panel: Panel
        let block: Int
        let part: Int
        var users = 1
    }

    private struct Entry {
        /// One for each panel: of two with the same parts, one may be the other with a day more.
        var places: [Place] = []
        /// As it goes out, for as long as it does: in a panel's memory a part is not in one piece.
        weak var payload: Payload?
    }

    private let entries = Mutex<[BlockHash: Entry]>([:])

    func add(_ panel: Panel) {
        entries.withLock { entries in
            for (block, name) in panel.blockNames.enumerated() {
                for (part, hash) in name.parts.enumerated() {
                    if let place = entries[hash]?.places.firstIndex(where: { $0.panel === panel }) {
                        entries[hash]?.places[place].users += 1
                    } else {
                        entries[hash, default: Entry()].places.append(Place(panel: panel, block: block, part: part))
                    }
                }
            }
        }
    }

    /// Takes back one `add`.
    ///
    /// - Returns: the parts that nobody needs any more.
    func remove(_ panel: Panel) -> [BlockHash] {
        entries.withLock { entries in
            var gone: [BlockHash] = []
            for hash in panel.blockNames.lazy.flatMap(\.parts) {
                guard var entry = entries[hash], let place = entry.places.firstIndex(where: { $0.panel === panel }) else {
                    continue
                }
                entry.places[place].users -= 1
                if entry.places[place].users == 0 { entry.places.remove(at: place) }
                entries[hash] = entry.places.isEmpty ? nil : entry
                if entry.places.isEmpty { gone.append(hash) }
            }
            return gone
        }
    }

    /// Of a part that is here.
    func byteCount(_ hash: BlockHash) -> Int? {
        entries.withLock { entries in
            entries[hash]?.places.first.map { $0.panel.shape.blockSize.byteCount(ofPart: $0.part) }
        }
    }

    /// The same for all who ask while it goes out to one of them, so that askers take no more memory than the panels.
    func payload(_ hash: BlockHash) -> Payload? {
        let (payload, place) = entries.withLock { ($0[hash]?.payload, $0[hash]?.places.first) }
        if let payload { return payload }
        guard let place else { return nil }
        let made = place.panel.partPayload(place.part, ofBlock: place.block)
        entries.withLock { $0[hash]?.payload = made }
        return made
    }
}
