import ClusterModel
import Testing

@testable import Kernels

/// Pair tasks against loops over the values of the same tiles.
struct PairKernelTests {
    private struct Case {
        let task: CorrelationTask
        let blocks: [PreparedBlock]
        /// r by task position of both alphas; NaN where undefined.
        let r: [[Double]]
        let ranks: [UInt32]

        init(precision: Precision, alphas: Int = 29, edge: Int = 12) throws {
            let panel = syntheticPanel(alphas: alphas, days: 120, seed: 8, gaps: 0.2)
            blocks = preparedBlocks(panel, edge: edge, convention: .ffillShift, precision: precision)
            let all = Array(blocks.indices)
            task = correlationTask(
                blocks, of: all, tiles: all.flatMap { row in all[row...].map { (row, $0) } },
                ranks: (0..<alphas).map { UInt32($0 * 17 % alphas) }, minOverlap: 60)
            let kernel = CorrelationKernel(blockEdge: edge)
            var r = Array(repeating: Array(repeating: Double.nan, count: alphas), count: alphas)
            for a in blocks.indices {
                for b in a..<blocks.count {
                    let values = try kernel.correlations(row: blocks[a], column: blocks[b], minOverlap: 60).values
                    for i in 0..<blocks[a].alphaCount {
                        for j in 0..<blocks[b].alphaCount where a != b || i != j {
                            r[a * edge + i][b * edge + j] = values[i * edge + j]
                            r[b * edge + j][a * edge + i] = values[i * edge + j]
                        }
                    }
                }
            }
            self.r = r
            ranks = task.blocks.flatMap(\.ranks)
        }

        func partial(_ reduction: PairTask.Reduction) throws -> PairPartial {
            let task = PairTask(tiles: task, reduction: reduction)
            let decoded = try PairTask(decoding: Payload(copying: task.encoded()))
            #expect(decoded == task)
            let found = try PairKernel(CorrelationKernel(blockEdge: task.tiles.blockEdge)).run(decoded, blocks: blocks).partial
            return try PairPartial(decoding: Payload(copying: found.encoded()), of: task)
        }

        /// Something per alpha, cut into blocks.
        func perBlock<Value>(_ value: (Int) -> Value) -> [[Value]] {
            var start = 0
            return task.blocks.map { block in
                defer { start += block.alphaCount }
                return (start..<(start + block.alphaCount)).map(value)
            }
        }
    }

    @Test("All values come as the tiles have them, of the upper triangle alone", arguments: Precision.allCases)
    func values(precision: Precision) throws {
        let data = try Case(precision: precision)
        guard case .values(let tiles) = try data.partial(.values) else { throw GridError(.failed, "values were asked for") }
        for (tile, values) in zip(data.task.tiles, tiles) {
            let (rows, columns) = (Int(tile.row) * 12, Int(tile.column) * 12)
            let count = data.task.blocks[Int(tile.column)].alphaCount
            for i in 0..<data.task.blocks[Int(tile.row)].alphaCount {
                for j in 0..<count {
                    let expected = rows + i < columns + j ? data.r[rows + i][columns + j] : .nan
                    let found = values[i * count + j]
                    #expect(found == expected || found.isNaN && expected.isNaN)
                }
            }
        }
    }

    @Test(
        "The nearest alpha of another component is the most alike, cores taken into account, ties by rank",
        arguments: Precision.allCases)
    func nearestOutside(precision: Precision) throws {
        let data = try Case(precision: precision)
        for (cores, kinds, absolute) in [
            (0.05, 4, false), (Double.infinity, 29, false), (-Double.infinity, 3, false), (0.2, 1, false), (0.3, 5, true),
        ] {
            let component = { (alpha: Int) in UInt32(alpha * 7 % kinds) }
            // Every third alpha has no core, so that likeness is often tied at that of the others.
            let core = { (alpha: Int) in alpha % 3 == 0 ? Double.infinity : cores }
            let reaches = zip(data.perBlock(component), data.perBlock(core)).map { PairTask.Reach(components: $0, cores: $1) }
            guard case .nearestOutside(let blocks) = try data.partial(.nearestOutside(reaches, absolute: absolute)) else {
                return
            }
            let (likeness, rank) = (blocks.flatMap(\.likeness), blocks.flatMap(\.rank))
            for a in data.r.indices {
                var best: (alike: Double, rank: UInt32) = (-.infinity, .max)
                for b in data.r.indices where component(a) != component(b) && !data.r[a][b].isNaN {
                    let alike = min(absolute ? abs(data.r[a][b]) : data.r[a][b], core(a), core(b))
                    if alike > best.alike || (alike == best.alike && alike > -.infinity && data.ranks[b] < best.rank) {
                        best = (alike, data.ranks[b])
                    }
                }
                #expect(likeness[a] == best.alike && rank[a] == best.rank, "\(a) of \(kinds)")
            }
        }
    }

    @Test("Distances to each cluster are added up exactly, and counted", arguments: Precision.allCases)
    func distanceSums(precision: Precision) throws {
        let data = try Case(precision: precision)
        let label = { (alpha: Int) in Int32(alpha % 4) - 1 }
        let reduction = PairTask.Reduction.distanceSums(labels: data.perBlock(label), clusterCount: 3)
        guard case .distanceSums(let blocks) = try data.partial(reduction) else { return }
        let (sums, counts) = (blocks.flatMap(\.sum), blocks.flatMap(\.count))
        for a in data.r.indices {
            for cluster in 0..<3 {
                let others = data.r.indices.filter { label($0) == Int32(cluster) && !data.r[a][$0].isNaN }
                let expected = others.reduce(Int64(0)) {
                    $0 + Int64(((2 * max(0, 1 - data.r[a][$1])).squareRoot() * 0x1p40).rounded(.toNearestOrEven))
                }
                #expect(sums[a * 3 + cluster] == expected && counts[a * 3 + cluster] == UInt32(others.count))
            }
        }
    }

    @Test("Bytes that are no pair task, or not that task's partial, are refused")
    func malformed() throws {
        let data = try Case(precision: .float64)
        let bytes = PairTask(tiles: data.task, reduction: .values).encoded()
        #expect(throws: GridError.self) { _ = try PairTask(decoding: Payload(copying: Array(bytes.dropLast()))) }
        #expect(throws: GridError.self) { _ = try PairTask(decoding: Payload(copying: data.task.encoded())) }
        let wrong = PairTask(
            tiles: data.task, reduction: .distanceSums(labels: data.perBlock { _ in Int32(3) }, clusterCount: 3))
        #expect(throws: GridError.self) { _ = try PairTask(decoding: Payload(copying: wrong.encoded())) }
        let partial = try data.partial(.values).encoded()
        let other = PairTask(tiles: data.task, reduction: .distanceSums(labels: data.perBlock { _ in 0 }, clusterCount: 1))
        #expect(throws: GridError.self) { _ = try PairPartial(decoding: Payload(copying: partial), of: other) }
    }
}
