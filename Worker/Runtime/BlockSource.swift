import ClusterModel
import Panel

/// Where the blocks of tasks come from. Used by several slots at once.
package protocol BlockSource: Sendable {
    /// The bytes of a block, waiting for them if need be.
    ///
    /// - Returns: `size.byteCount` bytes, 64-byte aligned, every part of them checked against its SHA-256 when it came.
    /// - Throws: one sentence that says why the block is not to be had.
    func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload

    /// A hint that blocks will be asked for soon. Never waits.
    func prefetch(_ names: [BlockName], _ size: BlockSize)
}

extension BlockSource {
    package func prefetch(_ names: [BlockName], _ size: BlockSize) {}
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
            for (index, name) in panel.blockNames.enumerated() { places[name.hash] = Place(panel: panel, block: index) }
        }
        self.places = places
    }

    package func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
        guard let place = places[name.hash] else {
            throw GridError(.notFound, "block \(name.hash) is in no panel at hand")
        }
        let payload = place.panel.blockPayload(place.block)
        guard payload.count == size.byteCount else {
            throw GridError(.failed, "block \(name.hash) has \(payload.count) bytes, the task expects \(size.byteCount)")
        }
        return payload
    }
}
