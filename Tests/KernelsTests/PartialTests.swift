import ClusterModel
import Kernels
import Testing

/// What a task returns, against plain loops over the matrix.
struct PartialTests {
    private struct Expected: Equatable {
        var most: [CorrelationPartial.Neighbour] = []
        var least: [CorrelationPartial.Neighbour] = []
        var sum: Int64 = 0
        var count: UInt32 = 0
        var below: UInt32 = 0
        var inside: [Double] = []

        mutating func finish(kept: Int) {
            most = Array(most.sorted { (-$0.r, $0.rank) < (-$1.r, $1.rank) }.prefix(kept))
            least = Array(least.sorted { ($0.r, $0.rank) < ($1.r, $1.rank) }.prefix(kept))
            inside.sort()
        }
    }

    private func expected(
        _ matrix: KernelMatrix, of alpha: Int, ranks: [UInt32], low: Double, high: Double, kept: Int = 1
    ) -> Expected {
        var out = Expected()
        for other in matrix.values.indices where other != alpha && !matrix.values[alpha][other].isNaN {
            let r = matrix.values[alpha][other]
            let pair = CorrelationPartial.Neighbour(r: r, rank: ranks[other], days: UInt32(matrix.days[alpha][other]))
            out.most.append(pair)
            out.least.append(pair)
            out.sum += Int64((r * CorrelationPartial.sumScale).rounded(.toNearestOrEven))
            out.count += 1
            if r < low { out.below += 1 }
            if r >= low && r <= high { out.inside.append(r) }
        }
        out.finish(kept: kept)
        return out
    }

    /// One alpha's part of merged partials, by the rules the coordinator merges by.
    private func merged(_ partials: [CorrelationPartial], alpha: Int, edge: Int, kept: Int = 1) -> Expected {
        var out = Expected()
        for block in partials.flatMap(\.blocks) where Int(block.index) == alpha / edge {
            let slot = alpha % edge
            func lists(_ counts: [UInt32], _ all: [CorrelationPartial.Neighbour]) -> ArraySlice<CorrelationPartial.Neighbour> {
                let start = counts[..<slot].reduce(0) { $0 + Int($1) }
                return all[start..<(start + Int(counts[slot]))]
            }
            out.most += lists(block.mostCount, block.most)
            out.least += lists(block.leastCount, block.least)
            out.sum += block.sum[slot]
            out.count += block.count[slot]
            out.below += block.below[slot]
            let start = block.insideCount[..<slot].reduce(0) { $0 + Int($1) }
            out.inside += (start..<(start + Int(block.insideCount[slot]))).map { block.insideValues[$0] }
        }
        out.finish(kept: kept)
        return out
    }

    private func allTiles(_ count: Int) -> [(Int, Int)] {
        (0..<count).flatMap { row in (row..<count).map { (row, $0) } }
    }

    /// A panel with ties in abundance: several copies and opposites of some series, dead alphas, gaps.
    private func panelWithTies() -> [[Double]] {
        var panel = syntheticPanel(alphas: 61, days: 90, seed: 41)
        for alpha in [7, 20, 33, 48] { panel[alpha] = panel[2] }
        for alpha in [9, 21, 50] { panel[alpha] = panel[2].map { -$0 } }
        panel[15] = Array(repeating: .nan, count: 90)
        panel[16] = Array(repeating: 3, count: 90)
        return panel
    }

    @Test(
        "Minimum, maximum, sum, counts, brackets and ties are those of plain loops over the matrix, however tiles are grouped",
        arguments: Precision.allCases, [Convention.ffillShift, .commonDates])
    func groupings(_ precision: Precision, _ convention: Convention) throws {
        let panel = panelWithTies()
        let edge = 19
        var random = Generator(seed: 42)
        let ranks = (0..<UInt32(panel.count)).shuffled(using: &random)
        let low = panel.indices.map { _ in random.uniform() - 0.6 }
        let high = low.map { $0 + random.uniform() * 0.5 - 0.05 }
        let matrix = KernelMatrix(panel, edge: edge, convention: convention, precision: precision, minOverlap: 10)
        let blocks = preparedBlocks(panel, edge: edge, convention: convention, precision: precision)
        let tiles = allTiles(blocks.count)
        let kept = 3
        let groupings: [[[(Int, Int)]]] = [
            [tiles], tiles.map { [$0] }, [Array(tiles[5...].reversed()), Array(tiles[..<5])],
        ]
        let kernel = CorrelationKernel(blockEdge: edge)
        for grouping in groupings {
            let partials = try grouping.map { tiles in
                let chosen = Set(tiles.flatMap { [$0.0, $0.1] }).sorted()
                var task = correlationTask(
                    blocks, of: chosen, tiles: tiles, ranks: ranks, minOverlap: 10, low: low, high: high)
                task.neighbours = kept
                return try kernel.run(task, blocks: chosen.map { blocks[$0] }).partial
            }
            for alpha in panel.indices {
                let plain = expected(matrix, of: alpha, ranks: ranks, low: low[alpha], high: high[alpha], kept: kept)
                #expect(merged(partials, alpha: alpha, edge: edge, kept: kept) == plain, "alpha \(alpha)")
            }
            #expect(partials.reduce(0) { $0 + $1.twinPairs } == matrix.twinPairs)
        }
    }

    @Test("The tie rule names the smallest rank, and the days of that very pair")
    func ties() throws {
        // All copies of one series, with different starts: every r is 1, the days differ.
        var random = Generator(seed: 43)
        let series = (0..<100).map { _ in random.normal() }
        let panel = (0..<5).map { alpha in series.enumerated().map { $0 < alpha * 10 ? .nan : $1 } }
        let ranks: [UInt32] = [4, 2, 0, 3, 1]
        for edge in [2, 5] {
            let blocks = preparedBlocks(panel, edge: edge, convention: .dailyPnL, precision: .float64)
            let task = correlationTask(
                blocks, of: Array(blocks.indices), tiles: allTiles(blocks.count), ranks: ranks)
            let partial = try CorrelationKernel(blockEdge: edge).run(task, blocks: blocks).partial
            let first = merged([partial], alpha: 0, edge: edge)
            #expect(first.most == [CorrelationPartial.Neighbour(r: 1, rank: 0, days: 80)])
            #expect(first.least == first.most)
            let third = merged([partial], alpha: 2, edge: edge)
            #expect(third.most == [CorrelationPartial.Neighbour(r: 1, rank: 1, days: 60)] && third.least == third.most)
            #expect(third.sum == 4 << 40 && third.count == 4)
        }
    }

    @Test("A kernel computes tasks of both precisions in turn as fresh ones do")
    func precisionsInTurn() throws {
        let panel = panelWithTies()
        let ranks = Array(0..<UInt32(panel.count))
        let used = CorrelationKernel(blockEdge: 16)
        for precision in [Precision.float32, .float64, .float32, .float64] {
            let blocks = preparedBlocks(panel, edge: 16, convention: .ffillDiff, precision: precision)
            // Every value is inside its bracket, so the log of one task has as many as that of the next.
            let task = correlationTask(
                blocks, of: Array(blocks.indices), tiles: allTiles(blocks.count), ranks: ranks)
            let fresh = try CorrelationKernel(blockEdge: 16).run(task, blocks: blocks).partial
            #expect(try used.run(task, blocks: blocks).partial.encoded() == fresh.encoded(), "\(precision)")
        }
    }

    @Test("A median-only task returns what is below and inside the brackets and nothing else")
    func medianOnly() throws {
        let panel = panelWithTies()
        let edge = 16
        let ranks = Array(0..<UInt32(panel.count))
        let low = panel.indices.map { Double($0 % 7) / 10 - 0.4 }
        let high = low.map { $0 + 0.2 }
        let matrix = KernelMatrix(panel, edge: edge, convention: .ffillDiff, precision: .float64, minOverlap: 2)
        let blocks = preparedBlocks(panel, edge: edge, convention: .ffillDiff, precision: .float64)
        let task = correlationTask(
            blocks, of: Array(blocks.indices), tiles: allTiles(blocks.count), ranks: ranks, mode: .medianOnly, low: low,
            high: high)
        let partial = try CorrelationKernel(blockEdge: edge).run(task, blocks: blocks).partial
        for alpha in panel.indices {
            let plain = expected(matrix, of: alpha, ranks: ranks, low: low[alpha], high: high[alpha])
            let found = merged([partial], alpha: alpha, edge: edge)
            #expect(found.below == plain.below && found.inside == plain.inside)
            #expect(found.most.isEmpty && found.least.isEmpty && found.sum == 0)
        }
    }

    @Test("Bracket ends belong to the bracket, and a bracket with its ends crossed keeps nothing")
    func bracketEnds() throws {
        let panel = syntheticPanel(alphas: 3, days: 50, seed: 44, gaps: -1).map { $0.map { $0.isNaN ? 0 : $0 } }
        let r = KernelMatrix(panel, edge: 3, convention: .ffillShift, precision: .float64, minOverlap: 2).values
        let (small, large) = (min(r[0][1], r[0][2]), max(r[0][1], r[0][2]))
        let blocks = preparedBlocks(panel, edge: 3, convention: .ffillShift, precision: .float64)
        for (low, high, inside, below) in [
            (small, large, 2, 0), (small.nextUp, large, 1, 1), (small, large.nextDown, 1, 0),
            (.infinity, -.infinity, 0, 2), (large, small, 0, 1),
        ] as [(Double, Double, Int, UInt32)] {
            let task = correlationTask(
                blocks, of: [0], tiles: [(0, 0)], ranks: [0, 1, 2], low: [low, 1, 1], high: [high, -1, -1])
            let found = merged([try CorrelationKernel(blockEdge: 3).run(task, blocks: blocks).partial], alpha: 0, edge: 3)
            #expect(found.inside.count == inside && found.below == below)
        }
    }

    @Test("A partial survives the wire, and the same task gives the same bytes again")
    func sameBytes() throws {
        let panel = panelWithTies()
        let blocks = preparedBlocks(panel, edge: 32, convention: .ffillShift, precision: .float64)
        let task = correlationTask(blocks, of: [0, 1], tiles: allTiles(2), ranks: Array(0..<61))
        let bytes = try CorrelationKernel(blockEdge: 32).run(task, blocks: blocks).partial.encoded()
        let kernel = CorrelationKernel(blockEdge: 32)
        _ = try kernel.run(task, blocks: blocks)
        let (again, flops) = try kernel.run(task, blocks: blocks)
        #expect(again.encoded() == bytes)
        #expect(try CorrelationPartial(decoding: Payload(copying: bytes)) == again)
        // Three tiles of one product over 89 days, padded to 96, and pairs that are alike, decided on some of the days.
        let perPair = (flops - 3 * 2 * 32 * 32 * 96) / Double(again.twinPairs)
        #expect(again.twinPairs > 0 && perPair > 0 && perPair <= 89 * 18, "\(flops)")
    }
}
