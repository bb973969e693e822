import ClusterModel
import Panel

/// Where the blocks of tasks come from. Used by several slots at once.
package protocol BlockSource: Sendable {
    /// The bytes of a block, waiting for them if need be.
    ///
    /// - Parameter byteCount: size of the block; the bytes returned are exactly as many, 64-byte aligned, and have the
    ///   SHA-256 `hash`.
    /// - Throws: one sentence that says why the block is not to be had.
    func block(_ hash: BlockHash, byteCount: Int) throws(GridError) -> Payload

    /// A hint that the block will be asked for soon. Never waits.
    func prefetch(_ hash: BlockHash, byteCount: Int)
}

extension BlockSource {
    package func prefetch(_ hash: BlockHash, byteCount: Int) {}
}

/// The blocks of panels in this process: no copies, no sockets.
package struct PanelBlocks: BlockSource {
    private struct Place {
        let panel: Panel
        let block: Int
    }

    private let places: [BlockHash: Place]

    package init(_ panels: [Panel]) {
        var places: [BlockHash: Place] = [:]
        for panel in panels {
            // Blocks of equal bytes are the same block, wherever they stand.
            for (index, hash) in panel.blockHashes.enumerated() { places[hash] = Place(panel: panel, block: index) }
        }
        self.places = places
    }

    package func block(_ hash: BlockHash, byteCount: Int) throws(GridError) -> Payload {
        guard let place = places[hash] else { throw GridError(.notFound, "block \(hash) is in no panel at hand") }
        let payload = place.panel.blockPayload(place.block)
        guard payload.count == byteCount else {
            throw GridError(.failed, "block \(hash) has \(payload.count) bytes, the task expects \(byteCount)")
        }
        return payload
    }
}
