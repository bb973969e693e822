import ClusterModel
import Dispatch
import Panel

/// A pool's PnL at one moment.
package struct LoadedPanel: Sendable {
    package enum Origin: String, Sendable {
        /// Every row was read.
        case read
        /// The kept panel was brought up to date; only what had changed was read.
        case refreshed
        /// The kept panel was up to date; no row was read.
        case kept
    }

    /// Input order is the bytewise order of the ids; its dates are those on which at least one alpha has a value.
    package let panel: Panel
    /// Alphas of the pool that have no PnL at all; they are not in the panel.
    package let alphasWithoutPnL: [String]
    package var origin = Origin.read
    /// Rows of the panel's alphas that were read.
    package var rowsRead = 0
    /// Where it is kept, without the end of the name: what belongs to it may lie beside it under the same beginning, and goes
    /// when the panel does or when the folder gets too large. nil without a cache.
    package var keptPath: String?

    /// What a log says of a load: sizes, and how much memory they take besides the values.
    package var summary: String {
        let how =
            switch origin {
            case .read: "read whole, \(rowsRead) rows"
            case .refreshed: "refreshed with \(rowsRead) rows"
            case .kept: "unchanged, nothing read"
            }
        let names = panel.alphaCount * (Self.bytesPerAlpha + Self.bytesPerPart * panel.shape.blockSize.partCount)
        return "panel of \(panel.alphaCount) alphas x \(panel.dayCount) days, \(Self.mebibytes(panel.bytes)) MiB of values and "
            + "at most \(Self.mebibytes(Self.fixedBytes + names)) MiB besides (\(how))"
    }

    /// Ids, positions and the lookup of an alpha while it is loaded, as measured.
    private static let bytesPerAlpha = 400
    /// An alpha's hash of each part of its days, and the same while they are made.
    private static let bytesPerPart = 64
    /// Buffers and connections of the readers, as measured.
    private static let fixedBytes = 6 << 20
    private static func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
}

extension Store {
    /// Reads the PnL of a pool as of one snapshot, over several connections at once; with a cache, only what has changed
    /// since the last time. The values and the content hash are the same either way.
    ///
    /// - Parameters:
    ///   - pool: `submitted`, `unsubmitted` or the name of a pool.
    ///   - blockEdge: alphas per block of the panel.
    ///   - cache: where panels are kept on disk; why one could not be used or kept is reported to it, never thrown.
    /// - Throws: `GridError(.notFound)` for an unknown region or pool, `.conflict` for a pool without alphas or PnL.
    package func loadPanel(
        region: Region, pool name: String = PoolName.submitted, blockEdge: Int, cache: PanelCache? = nil
    ) throws(GridError) -> LoadedPanel {
        try PoolName.check(name)
        let load = PanelLoad(store: self, region: region, pool: name, blockEdge: blockEdge)
        // A load holds a connection while it opens others, so loads are few.
        loads.wait()
        defer { loads.signal() }
        guard let cache else { return try load.readWhole(for: nil).loaded }
        return try load.run(cache)
    }
}
