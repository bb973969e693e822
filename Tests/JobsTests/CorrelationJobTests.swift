import ClusterModel
import Foundation
import Jobs
import Testing

struct CorrelationJobTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var alphas = 60
        var edge = 8
        var levels = 1_000_000
        var undefinedEvery = 0
        var deviations = 4.0
        /// Alphas of blocks that came later and are not full.
        var late: [Int] = []
        var testDescription: String {
            "n=\(alphas) edge=\(edge) levels=\(levels) undefined=1/\(undefinedEvery) deviations=\(deviations) late=\(late)"
        }
    }

    static let neighbours = 7

    static let cases = [
        Case(), Case(alphas: 61, edge: 7), Case(alphas: 30, edge: 1), Case(alphas: 30, edge: 64),
        Case(alphas: 2, edge: 8), Case(alphas: 200, edge: 4, levels: 50), Case(levels: 3, undefinedEvery: 4),
        Case(alphas: 150, edge: 5, undefinedEvery: 2), Case(alphas: 40, edge: 8, undefinedEvery: 1),
        // A bracket without any width misses most medians, so that the redo has work on both sides.
        Case(alphas: 200, edge: 4, deviations: 0), Case(alphas: 300, edge: 4, levels: 20, deviations: 0),
        // Blocks that came later have fewer alphas than they have room for, and others come behind them.
        Case(late: [3, 8, 1]), Case(alphas: 90, edge: 64, late: [1, 60, 2]),
        Case(alphas: 210, edge: 4, levels: 50, undefinedEvery: 5, deviations: 0, late: [1, 4, 3, 2]),
    ]

    @Test("Every row equals the plain minimum, maximum, mean and median of the matrix", arguments: cases)
    func rowsEqualPlainSummaries(_ c: Case) throws {
        let matrix = SyntheticMatrix(alphaCount: c.alphas, levels: c.levels, undefinedEvery: c.undefinedEvery, seed: 11)
        let (outcome, _) = try matrix.run(try job(c, matrix), shuffle: 5)
        for (a, row) in outcome.rows(alphaIDs: matrix.ids).enumerated() {
            let others = (0..<c.alphas).filter { $0 != a && !matrix.r(a, $0).isNaN }
            let sorted = others.map { matrix.r(a, $0) }.sorted()
            #expect(row.alphaID == matrix.ids[a])
            #expect(row.pairCount == sorted.count)
            guard let low = sorted.first, let high = sorted.last else {
                #expect(row == CorrelationRow(alphaID: matrix.ids[a]))
                continue
            }
            #expect(row.min == low && row.max == high)
            #expect(row.median == sorted[(sorted.count - 1) / 2] / 2 + sorted[sorted.count / 2] / 2)
            let mean = sorted.reduce(0, +) / Double(sorted.count)
            #expect(abs(row.avg! - mean) < 1e-11)
            let alike = others.filter { matrix.r(a, $0) == high }.map { matrix.ids[$0] }
            #expect(row.mostCorrelatedAlphaID == bytewiseSmallest(alike))
            let most = matrix.ids.firstIndex(of: row.mostCorrelatedAlphaID!)!
            #expect(row.mostCorrelatedDays == Int(matrix.days(a, most)))
            #expect(
                row.leastCorrelatedAlphaID
                    == bytewiseSmallest(others.filter { matrix.r(a, $0) == low }.map { matrix.ids[$0] }))
            let largest = sorted.map(abs).max()!
            #expect(row.maxAbsCorrelation == largest)
            #expect(
                row.maxAbsAlphaID
                    == bytewiseSmallest(others.filter { abs(matrix.r(a, $0)) == largest }.map { matrix.ids[$0] }))
        }
    }

    @Test("Neighbours are the nearest pairs of a sorted row, and edges all pairs beyond the threshold", arguments: cases)
    func neighboursAndEdgesEqualSortedRows(_ c: Case) throws {
        let matrix = SyntheticMatrix(alphaCount: c.alphas, levels: c.levels, undefinedEvery: c.undefinedEvery, seed: 13)
        let rule = EdgeRule(from: 0.75, absolute: c.undefinedEvery > 0)
        let (outcome, _) = try matrix.run(try job(c, matrix, edges: rule), shuffle: 2)
        let all = Array(outcome.neighbours(alphaIDs: matrix.ids, kinds: CorrelationNeighbour.Kind.allCases))
        var expected: [CorrelationNeighbour] = []
        var edges: Set<CorrelationEdge> = []
        for a in 0..<c.alphas {
            let others = (0..<c.alphas).filter { $0 != a && !matrix.r(a, $0).isNaN }
            for kind in CorrelationNeighbour.Kind.allCases {
                func distance(_ b: Int) -> Double {
                    switch kind {
                    case .most: -matrix.r(a, b)
                    case .least: matrix.r(a, b)
                    case .absolute: -abs(matrix.r(a, b))
                    }
                }
                let nearest = others.sorted { (distance($0), matrix.ranks[$0]) < (distance($1), matrix.ranks[$1]) }
                for (place, b) in nearest.prefix(Self.neighbours).enumerated() {
                    expected.append(
                        CorrelationNeighbour(
                            alphaID: matrix.ids[a], kind: kind, rank: place + 1, neighbourID: matrix.ids[b],
                            correlation: matrix.r(a, b), days: Int(matrix.days(a, b))))
                }
            }
            for b in others where matrix.ranks[a] < matrix.ranks[b] {
                let r = matrix.r(a, b)
                guard (rule.absolute ? abs(r) : r) >= rule.from else { continue }
                edges.insert(
                    CorrelationEdge(
                        alphaIDA: matrix.ids[a], alphaIDB: matrix.ids[b], correlation: r, days: Int(matrix.days(a, b))))
            }
        }
        #expect(all == expected)
        let found = try #require(outcome.edges(alphaIDs: matrix.ids))
        #expect(found.count == edges.count && Set(found) == edges)
    }

    @Test("The digest does not depend on the order in which partials arrive")
    func digestIgnoresOrder() throws {
        let c = Case(alphas: 200, edge: 4, levels: 100, undefinedEvery: 9)
        let matrix = SyntheticMatrix(alphaCount: c.alphas, levels: c.levels, undefinedEvery: 9, seed: 3)
        let digests = try [1, 2, 3, 4].map { shuffle in
            try matrix.run(try job(c, matrix), shuffle: shuffle).outcome.digest(alphaIDs: matrix.ids)
        }
        #expect(Set(digests).count == 1)
        let other = SyntheticMatrix(alphaCount: c.alphas, levels: c.levels, undefinedEvery: 9, seed: 4)
        #expect(try other.run(try job(c, other), shuffle: 1).outcome.digest(alphaIDs: other.ids) != digests[0])
    }

    @Test("Narrow brackets are redone, wide ones are not, and both give the same digest")
    func redoOnlyWhereMissed() throws {
        let matrix = SyntheticMatrix(alphaCount: 300, levels: 1_000_000, undefinedEvery: 0, seed: 8)
        let wide = try matrix.run(try job(Case(alphas: 300, edge: 16, deviations: 6), matrix), shuffle: 1)
        let narrow = try matrix.run(try job(Case(alphas: 300, edge: 16, deviations: 0), matrix), shuffle: 1)
        #expect(!wide.stages.contains { $0.name.hasPrefix("median redo") })
        #expect(narrow.stages.contains { $0.name.hasPrefix("median redo") })
        #expect(
            wide.outcome.digest(alphaIDs: matrix.ids) == narrow.outcome.digest(alphaIDs: matrix.ids))
    }

    @Test("The tasks of all waves cover every pair of blocks exactly once", arguments: [1, 2, 3, 9, 40, 70])
    func wavesCoverTheTriangle(blocks: Int) throws {
        let matrix = SyntheticMatrix(alphaCount: blocks, levels: 5, undefinedEvery: 0, seed: 1)
        let plan = CorrelationPlan(layout: try matrix.layout(blockEdge: 1), parameters: try parameters(1), firstDay: 0)
        var seen: [[Int]] = []
        for wave in plan.waves {
            let stage = plan.stage(name: "w", rows: wave, mode: .full, wanted: .everything(alphaCount: blocks))
            for index in 0..<stage.taskCount {
                let task = try CorrelationTask(decoding: stage.payload(index))
                seen += task.tiles.map {
                    [Int(task.blocks[Int($0.row)].index), Int(task.blocks[Int($0.column)].index)]
                }
            }
        }
        let expected = (0..<blocks).flatMap { row in (row..<blocks).map { [row, $0] } }
        #expect(seen.sorted { $0.lexicographicallyPrecedes($1) } == expected)
    }

    @Test("A partial that is not one, or names foreign blocks, is refused and changes nothing")
    func badPartialsAreRefused() throws {
        let c = Case(alphas: 20, edge: 8)
        let matrix = SyntheticMatrix(alphaCount: 20, levels: 100, undefinedEvery: 0, seed: 2)
        let job = try job(c, matrix)
        guard case .stage(let stage) = try job.next() else {
            Issue.record("a job begins with a stage")
            return
        }
        let good = matrix.partial(of: try CorrelationTask(decoding: stage.payload(0)))
        var foreign = good
        foreign.blocks[0].index = 99
        for bad in [[], Array(good.encoded().dropLast()), good.encoded() + [0], foreign.encoded()] {
            #expect(throws: GridError.self) {
                try job.merge(task: 0, partial: Payload(copying: bad))
            }
        }
    }

    private func parameters(_ edge: Int, _ edges: EdgeRule? = nil) throws -> CorrelationParameters {
        try CorrelationParameters(window: .all, blockEdge: edge, neighbours: Self.neighbours, edges: edges)
    }

    private func job(_ c: Case, _ matrix: SyntheticMatrix, edges: EdgeRule? = nil) throws -> CorrelationJob {
        let plan = CorrelationPlan(
            layout: try matrix.layout(blockEdge: c.edge, late: c.late), parameters: try parameters(c.edge, edges), firstDay: 0)
        return CorrelationJob(plan: plan, deviations: c.deviations)
    }

    private func bytewiseSmallest(_ ids: [String]) -> String? {
        ids.min { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}
