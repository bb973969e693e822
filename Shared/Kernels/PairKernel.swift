import ClusterModel

/// Computes pair tasks: the tiles of correlation tasks, whose values are looked at one by one. One per slot, used by one
/// thread.
package final class PairKernel {
    private let kernel: CorrelationKernel

    /// - Parameter kernel: computes the tiles; used by nobody else during a call.
    package init(_ kernel: CorrelationKernel) { self.kernel = kernel }

    /// - Parameter blocks: `blocks[i]` holds the operands of `task.tiles.blocks[i]`.
    /// - Returns: the partial, and the floating-point operations of the matrix products, padding included.
    package func run(_ task: PairTask, blocks: [PreparedBlock]) -> (partial: PairPartial, flops: Double) {
        var flops = 0.0
        func eachTile(_ body: (CorrelationTask.Tile, UnsafePointer<Double>) -> Void) {
            for tile in task.tiles.tiles {
                let (row, column) = (blocks[Int(tile.row)], blocks[Int(tile.column)])
                let found = kernel.correlations(row: row, column: column, minOverlap: task.tiles.minOverlap)
                flops += 2 * Double(kernel.blockEdge * kernel.blockEdge) * Double(row.depth)
                found.values.withUnsafeBufferPointer { body(tile, $0.baseAddress!) }
            }
        }
        let partial: PairPartial
        switch task.reduction {
        case .values:
            var tiles: [CorrelationValues] = []
            eachTile { tiles.append(values($1, $0, task.tiles)) }
            partial = .values(tiles)
        case .nearestOutside(let reaches):
            var search = NearestSearch(task.tiles, reaches)
            eachTile { search.take($1, $0, edge: kernel.blockEdge) }
            partial = .nearestOutside(search.nearest)
        case .distanceSums(let labels, let clusterCount):
            var sums = DistanceSums(task.tiles, labels, clusterCount)
            eachTile { sums.take($1, $0, edge: kernel.blockEdge) }
            partial = .distanceSums(sums.sums)
        }
        return (partial, flops)
    }

    private func values(
        _ r: UnsafePointer<Double>, _ tile: CorrelationTask.Tile, _ task: CorrelationTask
    ) -> CorrelationValues {
        let (rows, columns) = (task.blocks[Int(tile.row)].alphaCount, task.blocks[Int(tile.column)].alphaCount)
        let edge = kernel.blockEdge
        func all<Value: BinaryFloatingPoint>(_: Value.Type) -> [Value] {
            [Value](unsafeUninitializedCapacity: rows * columns) { out, count in
                count = rows * columns
                for i in 0..<rows {
                    let start = tile.row == tile.column ? i + 1 : 0
                    for j in 0..<columns { out[i * columns + j] = j < start ? .nan : Value(r[i * edge + j]) }
                }
            }
        }
        return task.precision == .float64 ? .float64(all(Double.self)) : .float32(all(Float.self))
    }
}

/// The most alike alpha of another component, of every alpha of a task.
private struct NearestSearch {
    private let blocks: [CorrelationTask.Block]
    private let reaches: [PairTask.Reach]
    private(set) var nearest: [PairPartial.Nearest]

    init(_ task: CorrelationTask, _ reaches: [PairTask.Reach]) {
        blocks = task.blocks
        self.reaches = reaches
        nearest = task.blocks.map { PairPartial.Nearest(alphaCount: $0.alphaCount) }
    }

    mutating func take(_ r: UnsafePointer<Double>, _ tile: CorrelationTask.Tile, edge: Int) {
        let (row, column) = (Int(tile.row), Int(tile.column))
        let isDiagonal = row == column
        // Both sides of a diagonal tile are one block, so its lists are taken out while they change.
        var (rows, columns) = (
            nearest[row], isDiagonal ? PairPartial.Nearest(alphaCount: blocks[row].alphaCount) : nearest[column]
        )
        let (rowReach, columnReach) = (reaches[row], reaches[column])
        let (rowRanks, columnRanks) = (blocks[row].ranks, blocks[column].ranks)
        let count = columnRanks.count
        columnReach.components.withUnsafeBufferPointer { components in
            columnReach.cores.withUnsafeBufferPointer { cores in
                columnRanks.withUnsafeBufferPointer { ranks in
                    columns.likeness.withUnsafeMutableBufferPointer { likeness in
                        columns.rank.withUnsafeMutableBufferPointer { rank in
                            for i in rowRanks.indices {
                                let line = r + i * edge
                                let (component, core, ownRank) = (rowReach.components[i], rowReach.cores[i], rowRanks[i])
                                var (best, bestRank) = (rows.likeness[i], rows.rank[i])
                                for j in (isDiagonal ? i + 1 : 0)..<max(count, i + 1) where j < count {
                                    let value = line[j]
                                    // NaN is less alike than anything: the comparison below fails for it.
                                    if components[j] == component || !(value > -2) { continue }
                                    let alike = min(value, min(core, cores[j]))
                                    if alike > best || (alike == best && ranks[j] < bestRank) {
                                        (best, bestRank) = (alike, ranks[j])
                                    }
                                    if alike > likeness[j] || (alike == likeness[j] && ownRank < rank[j]) {
                                        (likeness[j], rank[j]) = (alike, ownRank)
                                    }
                                }
                                (rows.likeness[i], rows.rank[i]) = (best, bestRank)
                            }
                        }
                    }
                }
            }
        }
        nearest[row] = rows
        if isDiagonal { nearest[row].merge(columns) } else { nearest[column] = columns }
    }
}

extension PairPartial.Nearest {
    /// Takes over what is nearer in `other`.
    package mutating func merge(_ other: PairPartial.Nearest) {
        for i in rank.indices {
            let (likeness, rank) = (other.likeness[i], other.rank[i])
            guard likeness > self.likeness[i] || (likeness == self.likeness[i] && rank < self.rank[i]) else { continue }
            (self.likeness[i], self.rank[i]) = (likeness, rank)
        }
    }
}

/// Sums of the distances from every alpha of a task to the members of each cluster.
private struct DistanceSums {
    private let blocks: [CorrelationTask.Block]
    private let labels: [[Int32]]
    private let clusterCount: Int
    private(set) var sums: [PairPartial.Sums]

    init(_ task: CorrelationTask, _ labels: [[Int32]], _ clusterCount: Int) {
        blocks = task.blocks
        self.labels = labels
        self.clusterCount = clusterCount
        sums = task.blocks.map { PairPartial.Sums(alphaCount: $0.alphaCount, clusterCount: clusterCount) }
    }

    mutating func take(_ r: UnsafePointer<Double>, _ tile: CorrelationTask.Tile, edge: Int) {
        let (row, column) = (Int(tile.row), Int(tile.column))
        let (rowLabels, columnLabels) = (labels[row], labels[column])
        for i in rowLabels.indices {
            for j in (row == column ? i + 1 : 0)..<max(columnLabels.count, i + 1) where j < columnLabels.count {
                let value = r[i * edge + j]
                guard !value.isNaN else { continue }
                // sqrt is exact to the last bit everywhere, and the sums are whole numbers: the order of adding is free.
                let distance = Int64(((2 * (1 - value)).squareRoot() * CorrelationPartial.sumScale).rounded(.toNearestOrEven))
                let (a, b) = (Int(rowLabels[i]), Int(columnLabels[j]))
                if b >= 0 { add(distance, row, i, b) }
                if a >= 0 { add(distance, column, j, a) }
            }
        }
    }

    private mutating func add(_ distance: Int64, _ block: Int, _ alpha: Int, _ cluster: Int) {
        sums[block].sum[alpha * clusterCount + cluster] += distance
        sums[block].count[alpha * clusterCount + cluster] += 1
    }
}
