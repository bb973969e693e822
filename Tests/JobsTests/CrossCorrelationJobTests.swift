import ClusterModel
import Jobs
import Panel
import Testing

struct CrossCorrelationJobTests {
    @Test(
        "Every row names the largest correlation of its row of the rectangle, ties going to the bytewise smallest id",
        arguments: [(1, 8, 0), (20, 8, 0), (37, 5, 3), (50, 64, 0), (33, 4, 1)])
    func rowsEqualPlainMaxima(rowCount: Int, edge: Int, undefinedEvery: Int) throws {
        let matrix = SyntheticMatrix(alphaCount: 90, levels: 40, undefinedEvery: undefinedEvery, seed: 21)
        let (rows, columns) = (try matrix.part(0..<rowCount, blockEdge: edge), try matrix.part(rowCount..<90, blockEdge: edge))
        let found = try run(matrix, rows, columns, shuffle: 3)
        for (a, row) in found.enumerated() {
            #expect(row.alphaID == matrix.ids[a])
            let defined = columns.alphas.filter { !matrix.r(a, $0).isNaN }
            let largest = defined.map { matrix.r(a, $0) }.max()
            #expect(row.maxCorrelation == largest)
            let alike = defined.filter { matrix.r(a, $0) == largest }.map { matrix.ids[$0] }
            #expect(row.bestAlphaID == alike.min { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        }
        let digest = CrossCorrelationOutcome.digest(found)
        #expect(try CrossCorrelationOutcome.digest(run(matrix, rows, columns, shuffle: 4)) == digest)
        #expect(CrossCorrelationOutcome.digest(found.dropLast()) != digest)
    }

    @Test("The tasks cover every tile of the rectangle once, and none of the triangles beside it")
    func tasksCoverTheRectangle() throws {
        let matrix = SyntheticMatrix(alphaCount: 90, levels: 40, undefinedEvery: 0, seed: 22)
        let (rows, columns) = (try matrix.part(0..<23, blockEdge: 2), try matrix.part(23..<90, blockEdge: 2))
        let job = try job(rows, columns)
        guard case .stage(let stage) = try job.next() else {
            Issue.record("a job begins with a stage")
            return
        }
        var seen: [[Int]] = []
        for index in 0..<stage.taskCount {
            let task = try CorrelationTask(decoding: stage.payload(index))
            seen += task.tiles.map { [Int(task.blocks[Int($0.row)].index), Int(task.blocks[Int($0.column)].index)] }
        }
        let expected = (0..<12).flatMap { row in (12..<46).map { [row, $0] } }
        #expect(seen.sorted { $0.lexicographicallyPrecedes($1) } == expected)
        #expect(stage.tileCount == expected.count)
    }

    @Test("An alpha that both panels have is not its own partner")
    func ownIDIsLeftOut() throws {
        let matrix = SyntheticMatrix(alphaCount: 40, levels: 1_000, undefinedEvery: 0, seed: 23)
        let (rows, columns) = (try matrix.part(0..<10, blockEdge: 8), try matrix.part(10..<40, blockEdge: 8))
        let plain = try run(matrix, rows, columns, shuffle: 1)
        let (outcome, _) = try matrix.run(job(rows, columns) as any GridJob, shuffle: 1, parts: [rows, columns])
        guard case .crossCorrelation(let cross) = outcome else {
            Issue.record("an outcome of another kind")
            return
        }
        // Every row bears the id of its best partner, so that the second best is its best.
        let renamed = cross.rows(alphaIDs: plain.map { $0.bestAlphaID! }, partnerIDs: columns.ids)
        for (a, row) in renamed.enumerated() {
            let others = columns.alphas.filter { matrix.ids[$0] != plain[a].bestAlphaID }
            #expect(row.maxCorrelation == others.map { matrix.r(a, $0) }.max())
            #expect(row.bestAlphaID != row.alphaID)
        }
    }

    private func job(_ rows: SyntheticMatrix.Part, _ columns: SyntheticMatrix.Part) throws -> CrossCorrelationJob {
        try CrossCorrelationJob(
            rows: rows.layout, columns: columns.layout,
            parameters: try CorrelationParameters(window: .all, blockEdge: rows.layout.shape.blockEdge, neighbours: 1),
            firstDay: 0)
    }

    private func run(
        _ matrix: SyntheticMatrix, _ rows: SyntheticMatrix.Part, _ columns: SyntheticMatrix.Part, shuffle: UInt64
    ) throws -> [CrossCorrelationRow] {
        let (outcome, _) = try matrix.run(job(rows, columns) as any GridJob, shuffle: shuffle, parts: [rows, columns])
        guard case .crossCorrelation(let cross) = outcome else { throw GridError(.failed, "an outcome of another kind") }
        return cross.rows(alphaIDs: rows.ids, partnerIDs: columns.ids)
    }
}
