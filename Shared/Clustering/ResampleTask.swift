import ClusterModel

/// A task that makes another panel out of the days of a panel, and clusters the alphas by that.
package struct ResampleTask: Equatable, Sendable {
    package enum Purpose: Equatable, Sendable {
        /// One sample of a bootstrap: days drawn with replacement, the same for all alphas. Returns the labels.
        case bootstrap(clusters: Int)
        /// What the series would be without anything in common: every alpha's days shuffled by themselves. Returns the
        /// dispersions of 1 ... `clusters` clusters (see `GapStatistic`).
        case reference(clusters: Int)
    }

    /// All blocks, all tiles of the triangle, and how their correlations are computed.
    package var tiles: CorrelationTask
    package var seed: UInt64
    package var method: Linkage.Method
    package var purpose: Purpose

    package init(tiles: CorrelationTask, seed: UInt64, method: Linkage.Method, purpose: Purpose) {
        self.tiles = tiles
        self.seed = seed
        self.method = method
        self.purpose = purpose
    }

    /// Which days the returns of an alpha are taken from, as many as there are.
    ///
    /// - Parameter rank: of the alpha.
    package func days(rank: UInt32) -> [Int] {
        // A daily panel alone has a return on its first day.
        let first = max(tiles.firstDay, tiles.convention == .dailyPnL ? 0 : 1)
        let days = Array(first..<max(first, tiles.dayCount))
        switch purpose {
        case .bootstrap:
            var generator = SeededGenerator(seed: seed)
            return days.map { _ in first + generator.below(days.count) }.sorted()
        case .reference:
            var generator = SeededGenerator(seed: seed, stream: UInt64(rank) + 1)
            return days.shuffled(using: &generator)
        }
    }

    private static let magic: UInt32 = 0x3153_5241  // "ARS1"

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        let inner = tiles.encoded()
        writer.write(UInt32(inner.count))
        writer.writeArray(inner)
        writer.write(seed)
        writer.write(UInt8(Linkage.Method.allCases.firstIndex(of: method)!))
        switch purpose {
        case .bootstrap(let clusters):
            writer.write(UInt8(0))
            writer.write(UInt32(clusters))
        case .reference(let clusters):
            writer.write(UInt8(1))
            writer.write(UInt32(clusters))
        }
        return writer.bytes
    }

    /// - Throws: `GridError(.usage)` when the bytes are not a task or name something out of range.
    package init(decoding payload: Payload) throws(GridError) {
        var reader = ByteReader(payload, what: "resample task")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a resample task") }
        let inner: [UInt8] = try reader.readArray(count: Int(try reader.read(UInt32.self)))
        tiles = try CorrelationTask(decoding: Payload(copying: inner))
        guard Self.isWhole(tiles) else { throw reader.malformed("its tiles are not those of all pairs of its alphas") }
        seed = try reader.read(UInt64.self)
        let method = Int(try reader.read(UInt8.self))
        let kind = try reader.read(UInt8.self)
        let clusters = Int(try reader.read(UInt32.self))
        guard method < Linkage.Method.allCases.count, kind <= 1, (1...Limits.clustersMax).contains(clusters) else {
            throw reader.malformed("unknown method, purpose, or \(clusters) clusters")
        }
        purpose = kind == 0 ? .bootstrap(clusters: clusters) : .reference(clusters: clusters)
        self.method = Linkage.Method.allCases[method]
        try reader.expectEnd()
        withExtendedLifetime(payload) {}
    }

    /// Whether every pair of alphas is in one tile, and ranks number the alphas: both say where a distance is written.
    private static func isWhole(_ tiles: CorrelationTask) -> Bool {
        let ranks = tiles.blocks.flatMap(\.ranks)
        var isMet = [Bool](repeating: false, count: ranks.count)
        for rank in ranks {
            guard rank < ranks.count, !isMet[Int(rank)] else { return false }
            isMet[Int(rank)] = true
        }
        let expected = tiles.blocks.indices.flatMap { row in
            (row..<tiles.blocks.count).map { CorrelationTask.Tile(row: UInt16(row), column: UInt16($0)) }
        }
        return tiles.tiles == expected
    }

    /// Clusters the points from their distances.
    ///
    /// - Returns: for a bootstrap per point its cluster (i32), or `Consensus.absent` for one that was left out since a pair of
    ///   it is undefined; for a reference the dispersions (f64), NaN where there are not so many points.
    package func result(_ distances: CondensedDistances) throws -> [UInt8] {
        let kept = distances.complete().kept
        let input = try kept.count == distances.count ? distances : distances.subset(kept)
        let linkage = kept.count > 1 ? try Linkage(input, method: method) : nil
        var writer = ByteWriter()
        switch purpose {
        case .bootstrap(let clusters):
            var labels = [Int32](repeating: Int32(Consensus.absent), count: distances.count)
            for (point, label) in zip(kept, linkage?.labels(clusters: clusters) ?? []) { labels[point] = Int32(label) }
            writer.writeArray(labels)
        case .reference(let clusters):
            writer.writeArray(
                (1...clusters).map { count in
                    linkage.map { GapStatistic.dispersion(input, labels: $0.labels(clusters: count)) } ?? .nan
                })
        }
        return writer.bytes
    }
}
