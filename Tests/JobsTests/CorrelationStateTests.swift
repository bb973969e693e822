import ClusterModel
import Jobs
import Testing

struct CorrelationStateTests {
    private static let profile = NumericProfile(blasVersion: "1", coreType: "Some", epilogueVersion: 2)

    private static func parameters(_ edge: Int, minOverlap: Int = 60) throws -> CorrelationParameters {
        try CorrelationParameters(
            window: .all, minOverlap: minOverlap, blockEdge: edge, neighbours: 5, edges: EdgeRule(from: 0.9, absolute: true))
    }

    /// A finished job of the first alphas of a matrix, written down.
    private static func state(_ matrix: SyntheticMatrix, alphas: Int, edge: Int) throws -> [UInt8] {
        let part = try matrix.part(0..<alphas, blockEdge: edge)
        let job = CorrelationJob(plan: CorrelationPlan(layout: part.layout, parameters: try parameters(edge), firstDay: 0))
        _ = try matrix.run(job as any GridJob, shuffle: 1, parts: [part])
        return job.state(alphaIDs: part.ids, profile: profile).encoded()
    }

    struct Growth: Sendable {
        var late: [Int]
        var edge = 8
        var levels = 1_000_000
        var undefinedEvery = 0
    }

    @Test(
        "A job that goes on from a state computes only the strip of new alphas, and ends with the digest of a whole run",
        arguments: [
            Growth(late: []), Growth(late: [1]), Growth(late: [8, 3]), Growth(late: [2, 2], levels: 9, undefinedEvery: 3),
            // More than the reserve around the medians, so that some are missed and fetched again.
            Growth(late: Array(repeating: 8, count: 20), levels: 100, undefinedEvery: 2),
        ])
    func strip(_ growth: Growth) throws {
        let old = 400
        let matrix = SyntheticMatrix(
            alphaCount: old + growth.late.reduce(0, +), levels: growth.levels, undefinedEvery: growth.undefinedEvery, seed: 31)
        let bytes = try Self.state(matrix, alphas: old, edge: growth.edge)
        var layout = try matrix.layout(blockEdge: growth.edge, late: growth.late)
        // The blocks of the part are those of the whole.
        layout = PanelLayout(
            shape: layout.shape,
            blockHashes: layout.blockNames.enumerated().map { BlockHash(words: (UInt64($0), 0, 0, $1.hash.words.3 - 1)) },
            ranks: layout.ranks, contentHash: layout.contentHash)
        let plan = CorrelationPlan(layout: layout, parameters: try Self.parameters(growth.edge), firstDay: 0)
        let state = try #require(try CorrelationState(decoding: Payload(copying: bytes), for: plan, alphaIDs: matrix.ids))
        #expect(state.profile == Self.profile && state.alphaCount == old)
        let grown = CorrelationJob(plan: plan, resuming: state)
        let (outcome, stages) = try matrix.run(grown, shuffle: 2)
        let whole = try matrix.run(CorrelationJob(plan: plan), shuffle: 3)
        #expect(outcome.digest(alphaIDs: matrix.ids) == whole.outcome.digest(alphaIDs: matrix.ids))
        let kinds = CorrelationNeighbour.Kind.allCases
        #expect(
            outcome.neighbours(alphaIDs: matrix.ids, kinds: kinds)
                .elementsEqual(whole.outcome.neighbours(alphaIDs: matrix.ids, kinds: kinds)))
        #expect(outcome.edges(alphaIDs: matrix.ids) == whole.outcome.edges(alphaIDs: matrix.ids))
        let (blocks, new) = (layout.blockCount, growth.late.count)
        let tiles = stages.filter { !$0.name.hasPrefix("median redo") }.reduce(0) { $0 + $1.tileCount }
        #expect(tiles == new * (blocks - new) + new * (new + 1) / 2)
        // And the state after it serves the next one as well.
        let next = try #require(
            try CorrelationState(
                decoding: Payload(copying: grown.state(alphaIDs: matrix.ids, profile: Self.profile).encoded()), for: plan,
                alphaIDs: matrix.ids))
        let again = try matrix.run(CorrelationJob(plan: plan, resuming: next), shuffle: 4)
        #expect(again.outcome.digest(alphaIDs: matrix.ids) == whole.outcome.digest(alphaIDs: matrix.ids))
    }

    @Test("A state of other blocks, alphas or parameters is not used, and a damaged one is refused")
    func misfits() throws {
        let matrix = SyntheticMatrix(alphaCount: 40, levels: 100, undefinedEvery: 0, seed: 5)
        let part = try matrix.part(0..<40, blockEdge: 8)
        let bytes = try Self.state(matrix, alphas: 40, edge: 8)
        func read(_ layout: PanelLayout, _ parameters: CorrelationParameters, _ ids: [String], _ bytes: [UInt8]) throws -> Bool {
            let plan = CorrelationPlan(layout: layout, parameters: parameters, firstDay: 0)
            return try CorrelationState(decoding: Payload(copying: bytes), for: plan, alphaIDs: ids) != nil
        }
        let parameters = try Self.parameters(8)
        #expect(try read(part.layout, parameters, part.ids, bytes))
        #expect(try !read(part.layout, Self.parameters(8, minOverlap: 61), part.ids, bytes))
        #expect(try !read(part.layout, parameters, part.ids.reversed(), bytes))
        #expect(try !read(matrix.part(0..<39, blockEdge: 8).layout, parameters, part.ids, bytes))
        #expect(try !read(matrix.layout(blockEdge: 8), parameters, part.ids, bytes))
        for length in [0, 3, 60, bytes.count / 2, bytes.count - 1] {
            #expect(throws: GridError.self) { try read(part.layout, parameters, part.ids, Array(bytes.prefix(length))) }
        }
        for place in [200, bytes.count / 2, bytes.count - 5] {
            var damaged = bytes
            damaged[place] ^= 1
            #expect(throws: GridError.self) { try read(part.layout, parameters, part.ids, damaged) }
        }
    }
}
